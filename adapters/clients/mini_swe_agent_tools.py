"""mini-swe-agent with structured calls: its default, and what its text configurations become without a `model_class`.

Those send `tools` and a prompt that demands a fence or a tag, then refuse the perfect text answer three times and give up: such
an answer has to become a structured call. A turn without a call is refused, and one bad call refuses the whole turn. Source:
mini-swe-agent 2.4, `LitellmModel`, with mini.yaml, swebench.yaml, and the text configurations as they are shipped.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import openai_chat, prompted
from adapters.clients.finishing import SUBMISSION
from adapters.clients.mini_swe_agent_fence import FENCE
from adapters.clients.mini_swe_agent_tag import CLOSE
from rules.conversation import Conversation


def recognises(body: Body) -> bool:
    """Tell it by its one tool, and by how its prompt says to submit or to write a command."""
    names = [tool.name for tool in openai_chat.tools_in(body)]
    text = prompted.head(body) if names == ["bash"] else ""
    return any(mark in text for mark in (SUBMISSION, FENCE, CLOSE))


def read(body: Body) -> Conversation:
    """Read tools and turns. Where the prompt demands one text action, two of them are no two calls."""
    conversation = openai_chat.read(body)
    text = prompted.head(body)
    one = FENCE in text or CLOSE in text
    policy = openai_chat.policy_for(conversation.tools, conversation.policy, text)
    return replace(conversation, policy=replace(policy, several="ask" if one else "all", acts=True, prose="error"))


MINI_SWE_AGENT_TOOLS = Client(
    name="mini_swe_agent_tools",
    recognises=recognises,
    read=read,
    express=openai_chat.as_it_is,
    reads=("mswea_fence", "mswea_tag"),
)
