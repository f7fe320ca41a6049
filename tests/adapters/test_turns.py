"""A call that a thought ends in, and all the calls in thoughts that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.grammar import grammar
from adapters.registry import DIALECTS
from adapters.turns import recovered
from rules.conversation import Conversation, ToolCall, Turn
from rules.samples import TOOLS

USING = grammar([DIALECTS[name] for name in ("gemma4", "qwen_xml", "hermes_json", "mswea_fence")], TOOLS.tools)
LS = ToolCall("", "execute_bash", {"command": "ls"})
GEMMA = '<|tool_call>call:execute_bash{command:<|"|>ls<|"|>}<tool_call|>'
QWEN = "<tool_call>\n<function=execute_bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>"
HERMES = '<tool_call>{"name": "execute_bash", "arguments": {"command": "ls"}}</tool_call>'
OTHER = GEMMA.replace("ls", "rm -rf build")


def calls_in(thinking: str, within: Conversation = TOOLS, **more: Any) -> list[tuple[str, Any]]:
    before = replace(Turn("assistant", thinking=thinking), **more)
    after = recovered(before, USING, within)
    assert replace(after, calls=()) == replace(before, calls=())
    assert recovered(after, USING, within) is after
    return [(call.name, call.arguments) for call in after.calls]


@pytest.mark.parametrize("call", [GEMMA, QWEN, HERMES])
@pytest.mark.parametrize("around", ["{}", "I look first.\n{}", "I look first.\n\n{}\n\n", "I do {0}\nyes, I do\n{0}"])
def test_a_call_that_a_thought_ends_in_is_made(call: str, around: str) -> None:
    assert calls_in(around.format(call)) == [("execute_bash", {"command": "ls"})]


NONE = {
    "nothing": "I look first.",
    "thought about further": f"I could do\n{GEMMA}\nbut that is too early.",
    "two different ones": f"Either\n{GEMMA}\nor\n{OTHER}",
    "two different ones at once": f"{GEMMA}{OTHER}",
    "in a fence": f"Like this:\n```\n{QWEN}\n```",
    "in a fence that stays open": f"Like this:\n```\n{QWEN}\n",
    "in a code span": f"Like `{HERMES}`",
    "in a block quote": f"They wrote\n> {HERMES}",
    "no end": GEMMA[:-20],
    "cut": QWEN[:-40],
    "a tool that nobody declared": GEMMA.replace("execute_bash", "launch_rockets"),
    "plain JSON: a plan": '{"name": "execute_bash", "arguments": {"command": "ls"}}',
    "a command in a fence: a plan": "I run\n```bash\nls\n```",
}


@pytest.mark.parametrize("name", NONE)
def test_what_a_thought_only_considers_stays_a_thought(name: str) -> None:
    assert calls_in(NONE[name]) == []


@pytest.mark.parametrize(
    "more", [{"text": "Done."}, {"calls": (LS,)}, {"ending": "length"}, {"ending": "cut"}, {"ending": "unsure"}], ids=str
)
def test_nothing_is_recovered_where_something_was_said_or_cut(more: dict[str, Any]) -> None:
    turn = replace(Turn("assistant", thinking=GEMMA), **more)
    assert recovered(turn, USING, TOOLS) is turn


def test_without_tools_nothing_is_recovered() -> None:
    assert calls_in(GEMMA, Conversation()) == []
