"""EvalScope's `swe_bench_toolcall` strategy: structured calls of bash, every turn.

Arguments that are no JSON become `{}`, and a call without a command runs nothing and reports success; two turns in a row without
a call end the run. Source: EvalScope 1.14, `agent/strategies/swe_bench`.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import mini_swe_agent_tools, openai_chat, prompted
from rules.conversation import Conversation


def recognises(body: Body) -> bool:
    """Tell it from mini-swe-agent, whose prompt it has, by the timeout that its tool takes."""
    tools = openai_chat.tools_in(body)
    properties = tools[0].parameters.get("properties") if tools else None
    return isinstance(properties, dict) and "timeout" in properties and mini_swe_agent_tools.recognises(body)


def read(body: Body) -> Conversation:
    """Read tools and turns."""
    conversation = openai_chat.read(body)
    policy = openai_chat.policy_for(conversation.tools, conversation.policy, prompted.head(body))
    return replace(conversation, policy=replace(policy, acts=True, prose="error"))


EVALSCOPE_TOOLCALL = Client(name="evalscope_toolcall", recognises=recognises, read=read, express=openai_chat.as_it_is)
