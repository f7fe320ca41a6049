"""The table of JSON families: each reads its own form and what it drifts into, and writes what vLLM's parser would read."""

from __future__ import annotations

import pytest

from adapters.base import Dialect, Unwritable
from adapters.models import json_families
from adapters.registry import DIALECTS
from rules.conversation import ToolCall
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.json_samples import CALL, GOOD, TOOLS, parts_of

FAMILIES = sorted(value.name for value in vars(json_families).values() if isinstance(value, Dialect))
OWN = sorted(set(FAMILIES) - {"hermes_json", "json_fence"})
PARAMETERS = GOOD.replace("arguments", "parameters")
ACTION = '{"tool_call_id": "0", "tool_name": "f", "parameters": {"a": "x"}}'
ARGS = GOOD.replace("arguments", "args")

READ = [
    ("granite", f"<|tool_call|>[{GOOD}]", ""),
    ("granite", f"<|tool_call|> {GOOD}<|end_of_text|>", ""),
    ("granite", f"<tool_call>[{GOOD}]", ""),
    ("granite", f"[{GOOD}]", ""),
    ("granite", f"First.\n<|tool_call|>[{GOOD}]\nThen.", "First.\n\nThen."),
    ("granite_20b", f"<function_call> {GOOD}", ""),
    ("granite_20b", f"<function_call> {GOOD}</function_call>", ""),
    ("phi4", f"functools[{GOOD}]", ""),
    ("phi4", f"functools {GOOD}<|end|>", ""),
    ("phi4", f"<|tool_call|>[{GOOD}]<|/tool_call|><|end|>", ""),
    ("hunyuan", f"<think>so</think><answer>Yes.\n<tool_calls>[{GOOD}]</tool_calls></answer>", "Yes.\n"),
    ("ernie", f"<think>so</think>\n\n<response>Yes.</response>\n\n<tool_call>\n{GOOD}\n</tool_call>\n</s>", "\n\nYes.\n\n\n"),
    ("longcat", f"<longcat_think>so</longcat_think><longcat_tool_call>\n{GOOD}\n</longcat_tool_call></longcat_s>", ""),
    ("gigachat3", f"<|function_call|>{GOOD}</s>", ""),
    ("gigachat3", f"Yes.<|message_sep|>function call<|role_sep|>\n{GOOD}<|message_sep|>", "Yes."),
    ("internlm", f"Yes.<|action_start|><|plugin|>\n{PARAMETERS}<|action_end|>\n<|im_end|>", "Yes.\n"),
    ("cohere", f"<|START_THINKING|>so<|END_THINKING|><|START_ACTION|>[\n{ACTION}\n]<|END_ACTION|><|END_OF_TURN_TOKEN|>", ""),
    ("cohere", f"<|START_ACTION|>{ACTION}<|END_ACTION|>", ""),
    ("cohere", f"```json\n[{ACTION}]\n```", ""),
    ("apertus", '<|inner_prefix|>so<|inner_suffix|><|tools_prefix|>[{"f": {"a": "x"}}]<|tools_suffix|><|assistant_end|>', ""),
    ("apertus", f"<|tools_prefix|>[{GOOD}]<|tools_suffix|>", ""),
    ("inkling", f"<|message_model|><|content_invoke_tool_json|>{ARGS}<|end_message|><|content_model_end_sampling|>", ""),
    ("inkling", f"<|content_thinking|>so<|end_message|><|message_model|>f<|content_invoke_tool_json|>{ARGS}<|end_message|>", ""),
    ("inkling", f"f<|content_invoke_tool_json|>{ARGS}<|end_message|>", ""),
    ("xlam", f"[{GOOD}]", ""),
    ("xlam", f"```json\n[{GOOD}]\n```", ""),
    ("xlam", f"[TOOL_CALLS][{GOOD}]", ""),
    ("xlam", f"<tool_call>[{GOOD}]</tool_call>", ""),
]


@pytest.mark.parametrize(("name", "text", "visible"), READ)
def test_a_call_is_read(name: str, text: str, visible: str) -> None:
    reads = (name, "json_fence") if name == "cohere" else (name,)
    assert parts_of(text, *reads) == ([CALL], visible)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("phi4", "import functools\nfunctools.partial(f)({})"),
        ("phi4", "functools[ Nothing but prose here ]"),
        ("granite", "The <|tool_call|> token comes first."),
        ("hunyuan", "The <tool_calls> tag comes first."),
        ("internlm", "<|action_start|><|interpreter|>\nprint(1)"),
        ("xlam", 'A sketch [{"name": "f"}]'),
        ("cohere", "`<|START_ACTION|>[]<|END_ACTION|>` holds them."),
    ],
)
def test_what_is_no_call_stays_text(name: str, text: str) -> None:
    assert parts_of(text, name) == ([], text)


@pytest.mark.parametrize("text", ["<answer>42</answer>", "<response>\n  <status>ok</status>\n</response>\nParse it."])
def test_tags_that_wrap_an_answer_are_text_where_nobody_knows_the_family(text: str) -> None:
    every = [name for name, dialect in DIALECTS.items() if not dialect.asked]
    assert parts_of(text, *every) == ([], text)


@pytest.mark.parametrize("name", OWN)
def test_a_cut_call_is_not_whole(name: str) -> None:
    text = DIALECTS[name].render((CALL,))
    calls, _ = parts_of(text[: text.rindex('"x')], name)
    assert [call.whole for call in calls] == [False]


@pytest.mark.parametrize("name", OWN)
def test_an_unknown_name_behind_a_marker_is_asked_about(name: str) -> None:
    if name == "xlam":
        assert parts_of('[{"name": "g", "arguments": {"a": "x"}}]', name)[0] == []
        return
    text = DIALECTS[name].render((CALL,)).replace('"f"', '"g"')
    assert [call.name for call in parts_of(text, name)[0]] == ["g"]


@pytest.mark.parametrize("name", OWN)
def test_it_reads_what_it_writes(name: str) -> None:
    tricky = {"a": '}]"\\\n```</tool_call><|tool_call|><|end_message|><|END_ACTION|>{"name": "f"}', "b": [1.5, None, {"c": True}]}
    calls = (ToolCall("", "f", tricky), ToolCall("", "stop", {}), CALL)
    assert parts_of(DIALECTS[name].render(calls), name)[0] == list(calls)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("call", [ToolCall("", "f", "text"), ToolCall("", "f", {"a": float("nan")}), ToolCall("", "", {})])
def test_what_it_cannot_carry_is_refused(name: str, call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        DIALECTS[name].render((call,))


@pytest.mark.parametrize("name", OWN)
def test_the_prompt_shows_a_right_example(name: str) -> None:
    assert DIALECTS[name].render((ToolCall("", "f", {"a": "the a"}),)) in DIALECTS[name].describe(TOOLS)
    assert "done" in DIALECTS[name].result("f", "done")


def test_a_list_keeps_the_text_of_each_call() -> None:
    [first, second], _ = parts_of(
        '<|tool_call|>[{"name": "f", "arguments": {"a":  1.0}}, {"name": "stop", "arguments": { }}]', "granite"
    )
    assert (first.written, second.written) == ('{"a":  1.0}', "{ }")


@pytest.mark.parametrize("name", OWN)
def test_time_is_linear(name: str) -> None:
    dialect = DIALECTS[name]
    block = dialect.render((CALL,))
    for unit in (block, f"{block} x ", block[:-3], block[: len(block) // 2]):
        assert decodes_linearly([dialect], unit, size=8_000)
