"""EvalScope's `swe_bench_backticks` strategy: mini-swe-agent's fence, under a prompt that speaks of tool calls only.

Nothing may stand behind the info string, not even a blank. Source: EvalScope 1.14,
`agent/strategies/swe_bench/swe_bench_backticks.py`.
"""

from __future__ import annotations

from adapters.base import Body, Client
from adapters.clients import mini_swe_agent_fence, prompted
from adapters.clients.finishing import SUBMISSION
from adapters.clients.mini_swe_agent_fence import FENCE
from adapters.clients.mini_swe_agent_tag import CLOSE
from rules.conversation import Conversation

_CALLS = "bash tool call"

_HOW = f"""\
# How to act

You have no tools to call in this session. Where you are told to call bash, write instead a few words on what you do and then \
exactly one fenced block with one shell command, which ends your answer:

{FENCE}
ls -la
```

You will be shown its output before you write the next one. Join independent commands with `&&`."""


def recognises(body: Body) -> bool:
    """Tell it by a prompt that demands calls of bash in a request without tools."""
    text = "" if body.get("tools") else prompted.head(body)
    return SUBMISSION in text and _CALLS in text and FENCE not in text and CLOSE not in text


def instructs(within: Conversation) -> str:
    """Tell the format where the prompt does not."""
    return "" if FENCE in prompted.head_of(within.turns) else _HOW


EVALSCOPE_BACKTICKS = Client(
    name="evalscope_backticks",
    recognises=recognises,
    read=mini_swe_agent_fence.read,
    express=mini_swe_agent_fence.express,
    reads=("mswea_fence",),
    instructs=instructs,
)
