"""A real vLLM says broken calls token by token; through toolmend the client gets them right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cases import KINDS, Case, Kind, good_call, must_ask_again, played, request
from judge import fault
from named import PARSED
from outcomes import ALONE, THROUGH, TURN, Table
from wire import Answer, ask, tokens
from written import Kept, kept

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
]
with_toolmend = pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for")

wanted = os.environ.get("TOOLMEND_E2E_KINDS", ",".join(KINDS)).split(",")
every = [(KINDS[name], case) for name in wanted for case in played(KINDS[name])]


def cases(*, only_asked: bool = False) -> pytest.MarkDecorator:
    """Run a test for every server and case."""
    rows = [
        pytest.param(kind, case, id=f"{kind.name}-{case['id']}") for kind, case in every if must_ask_again(case) or not only_asked
    ]
    return pytest.mark.parametrize(("kind", "case"), rows)


@pytest.fixture
def body(kind: Kind, case: Case, vllm: str) -> dict[str, Any]:
    """Build the request; where the case says that a limit cut the text, with that limit."""
    limit = {"max_tokens": tokens(vllm, case["raw"])} if case.get("finish_reason") == "length" else {}
    return request(kind, case) | limit


@cases()
def test_logprobs_carry_what_the_model_wrote(
    kind: Kind, case: Case, vllm: str, body: dict[str, Any], table: Table, answers_kept: list[Kept]
) -> None:
    """What toolmend builds on; and, beside it, a note of what vLLM's own parser makes of the text."""
    body = body | {"logprobs": True}
    for way in ("whole", "stream"):
        answer = ask(vllm, body, stream=way == "stream")
        table.setdefault((kind.name, case["id"]), {}).setdefault(ALONE, {})[way] = fault(case, answer)
        if answer.status == 200 and kind.name in PARSED:
            answers_kept.append(kept(kind, case["id"], way, answer))
        if answer.status == 400 and kind.name == "plain":  # no parser flags: tools are refused, but not with tool_choice "none"
            answer = ask(vllm, body | {"tool_choice": "none"}, stream=way == "stream")
        assert answer.status == 200, answer.error
        assert without_end(kind, answer.raw or "") == without_end(kind, case["raw"])


def without_end(kind: Kind, text: str) -> str:
    """Cut the end token off; a text of the corpus may bring its own."""
    return next((text.removesuffix(end) for end in kind.ends if text.endswith(end)), text)


@with_toolmend
@cases()
def test_through_toolmend_it_is_right(
    kind: Kind, case: Case, in_words: tuple[str, Path], body: dict[str, Any], table: Table
) -> None:
    """The model is asked again in words: what it then says stands in the script, and no script is said under a grammar."""
    url, _ = in_words
    told = {way: ask(url, body, stream=way == "stream") for way in ("whole", "stream")}
    wrong = {way: fault(case, answer) or unasked(case, answer) for way, answer in told.items()}
    columns = table.setdefault((kind.name, case["id"]), {})
    columns[THROUGH] = wrong
    columns[TURN] = {way: answer.headers.get("x-toolmend-turn", "") for way, answer in told.items()}
    assert not any(wrong.values()), told
    for answer in told.values():
        assert answer.raw is None, "logprobs reach only a client that asked for them"
        assert answer.finish == ending(case, answer)


def unasked(case: Case, answer: Answer) -> str:
    return "not asked again" if must_ask_again(case) and not answer.calls else ""


def ending(case: Case, answer: Answer) -> str:
    if answer.calls:
        return "tool_calls"
    return case.get("finish_reason") or "stop"


@with_toolmend
@pytest.mark.parametrize("way", ["whole", "stream"])
@cases(only_asked=True)
def test_usage_is_the_sum_of_both_answers(kind: Kind, case: Case, vllm: str, in_words: tuple[str, Path], way: str) -> None:
    body = request(kind, case)
    alone = ask(vllm, body | {"tool_choice": "none"}, stream=False).usage or {}
    both = ask(in_words[0], body, stream=way == "stream").usage or {}
    good = "".join(kind.write(call["name"], call["arguments"]) for call in good_call(case))
    assert both["completion_tokens"] == tokens(vllm, case["raw"]) + tokens(vllm, good) + 2  # an end token each
    assert both["prompt_tokens"] > 2 * alone["prompt_tokens"]
