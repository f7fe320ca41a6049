"""Any client of OpenAI's chat API that declares tools: OpenHands natively, SWE-agent's function_calling, your own code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from adapters.base import Body, Client, Message
from adapters.clients.aliases import key_aliases, tool_aliases
from adapters.clients.finishing import finish_of
from adapters.messages import ROLES, text_of
from adapters.models.native import call_of
from rules.conversation import Conversation, Policy, Several, ToolCall, Tools, ToolSpec, Turn
from rules.kept import worked_out


def policy_for(tools: Tools, policy: Policy, text: str = "") -> Policy:
    """Return a client's policy with what its tools, and the text that its session begins with, say.

    That is how the work is handed in, and the aliases that lead to what it declares.
    """
    return replace(policy, tool_aliases=tool_aliases(tools), key_aliases=key_aliases(tools), finish=finish_of(tools, text))


def read(body: Body) -> Conversation:
    """Read tools and turns. With `tool_choice: "none"` nothing may be called, and with a function's name nothing but that."""
    choice = body.get("tool_choice")
    declared = () if choice == "none" else tools_in(body)
    named = _named(choice)
    if named:
        declared = tuple(tool for tool in declared if tool.name == named) or declared
    policy = policy_for(declared, Policy(choice="required" if choice == "required" or named else "auto"))
    several: Several = "first" if body.get("parallel_tool_calls") is False else "all"
    policy = replace(policy, prose="message" if policy.finish else "answer", several=several)
    return Conversation(declared, tuple(map(turn_of, body.get("messages") or ())), policy)


def tools_in(body: Body) -> Tools:
    """Read the tools alone."""
    return _specs(body.get("tools") or ())


@worked_out
def _specs(declared: Iterable[Any]) -> Tools:
    return tuple(_tools(declared))


def _named(choice: Any) -> str:
    """Return the name of the function that is demanded; empty where none is."""
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def _tools(declared: Iterable[Any]) -> Iterable[ToolSpec]:
    for each in declared:
        function = each.get("function") if isinstance(each, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            parameters = function.get("parameters")
            yield ToolSpec(
                function["name"], str(function.get("description") or ""), parameters if isinstance(parameters, dict) else {}
            )


def turn_of(message: Message) -> Turn:
    """Read one message."""
    calls, answers = message.get("tool_calls"), message.get("tool_call_id")
    return Turn(
        ROLES.get(str(message.get("role")), "user"),
        text_of(message.get("content")),
        str(message.get("reasoning") or message.get("reasoning_content") or ""),
        tuple(_call(each) for each in calls if isinstance(each, dict)) if isinstance(calls, list) else (),
        answers if isinstance(answers, str) else None,
    )


def _call(call: dict[str, Any]) -> ToolCall:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments")
    call_id, name = str(call.get("id") or ""), str(function.get("name") or "")
    if isinstance(arguments, dict):
        return ToolCall(call_id, name, arguments)
    return call_of(call_id, name, arguments if isinstance(arguments, str) else json.dumps(arguments))


def tools_of(tools: Tools) -> list[Message]:
    """Write tools as OpenAI's API takes them."""
    return [
        {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters}}
        for tool in tools
    ]


def as_it_is(turn: Turn, _within: Conversation) -> Turn:
    """Give a client that takes structured calls its turn."""
    return turn


OPENAI_CHAT = Client(
    name="openai_chat",
    recognises=lambda body: bool(body.get("tools")),
    read=read,
    express=as_it_is,
)
