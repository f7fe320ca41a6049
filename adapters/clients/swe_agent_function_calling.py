"""SWE-agent's `function_calling`, its default: structured calls, one a turn. Contents come as lists, with marks for a cache.

Two calls in a turn are refused, and so is a turn without one. Source: SWE-agent 1.1.0, `FunctionCallingParser`.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import openai_chat
from rules.conversation import Conversation

_BASH = "runs the given command directly in bash"
"""How SWE-agent describes its built-in tool."""


def recognises(body: Body) -> bool:
    """Tell it by its tools: its own description of bash, and one to submit with."""
    tools = {tool.name: tool.description for tool in openai_chat.tools_in(body)}
    return "submit" in tools and tools.get("bash", "").startswith(_BASH)


def read(body: Body) -> Conversation:
    """Read tools and turns."""
    conversation = openai_chat.read(body)
    return replace(conversation, policy=replace(conversation.policy, several="first", acts=True, prose="error"))


SWE_AGENT_FUNCTION_CALLING = Client(
    name="swe_agent_function_calling", recognises=recognises, read=read, express=openai_chat.as_it_is
)
