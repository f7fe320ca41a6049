"""The chat form of OpenAI's fine-tuning: messages, tools, and the delivered calls as the last message.

    {"messages": [..., {"role": "assistant", "content": "", "tool_calls": [...]}], "tools": [...]}

Arguments are JSON text, as in OpenAI's API. Source: OpenAI's API reference, "FineTuneChatRequestInput".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import orjson

from adapters.base import Message
from adapters.clients.openai_chat import tools_of
from adapters.models.native import arguments_text
from proxy.export.taken import Taken
from proxy.question import Question, upstream_body

MEMBERS: Final = ("role", "content", "name", "tool_calls", "tool_call_id")
"""What the form knows of a message."""


def example(taken: Taken) -> dict[str, Any]:
    """Return a conversation that ends in what was delivered."""
    return {"messages": [*prompt(taken), answer(taken)], **with_tools(taken)}


def prompt(taken: Taken) -> list[Message]:
    """Return the messages before the answer, healed, as a server's own template is given them."""
    plan = replace(taken.plan, dialect=None, note="")
    messages = orjson.loads(upstream_body(plan, frozenset(), Question()))["messages"]
    return [{name: each[name] for name in MEMBERS if name in each} for each in messages]


def with_tools(taken: Taken) -> dict[str, Any]:
    """Return the member `tools`; nothing for a client whose own prompt tells how to act."""
    plan = taken.plan
    if plan.prompted:
        return {}
    return {"tools": tools_of(plan.conversation.tools) if plan.client.rewrites else plan.body.fields["tools"]}


def answer(taken: Taken) -> Message:
    """Return what was delivered as a message: in the client's own form where its prompt asks for that, else structured.

    The ids have nine letters and digits, which all templates take.
    """
    if taken.plan.prompted:
        return {"role": "assistant", "content": taken.shown}
    calls = [
        {
            "id": f"answer{place:03}",
            "type": "function",
            "function": {"name": call.name, "arguments": arguments_text(call)},
        }
        for place, call in enumerate(taken.turn.calls, 1)
    ]
    return {"role": "assistant", "content": taken.turn.text, "tool_calls": calls}


def with_objects(messages: Iterable[Message]) -> list[Message]:
    """Return messages with the arguments of calls as objects, which is what chat templates take, where they can be read."""
    return [
        {**each, "tool_calls": [_with_object(call) for call in each["tool_calls"]]} if each.get("tool_calls") else each
        for each in messages
    ]


def _with_object(call: Message) -> Message:
    function = call["function"]
    return {**call, "function": {**function, "arguments": object_of(function["arguments"])}}


def object_of(arguments: Any) -> Any:
    """Return arguments as an object; as they came where they are none."""
    if not isinstance(arguments, str):
        return arguments
    try:
        found = json.loads(arguments)  # orjson reads large integers as floats
    except ValueError:
        return arguments
    return found if isinstance(found, dict) else arguments


def raw(taken: Taken) -> Message:
    """Return the model's first answer as a message: its own text, or what the server made of it where no more is known."""
    came, said = taken.first["came"], taken.first["raw"]
    if came["source"] == "logprobs" or not came["calls"]:
        return {"role": "assistant", "content": said}
    calls = [
        {"id": f"answer{place:03}", "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
        for place, call in enumerate(came["calls"], 1)
    ]
    return {"role": "assistant", "content": said, "tool_calls": calls}


def pair(taken: Taken) -> dict[str, Any]:
    """Return a preference pair: `prompt`, `chosen`, `rejected`, `tools`, as TRL's DPO trainer takes conversations.

    Source: TRL's documentation, "Dataset formats and types".
    """
    chosen, rejected = with_objects([answer(taken)]), with_objects([raw(taken)])
    return {"prompt": with_objects(prompt(taken)), "chosen": chosen, "rejected": rejected, **with_tools(taken)}
