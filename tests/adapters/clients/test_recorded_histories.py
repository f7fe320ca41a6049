"""Sessions that the real clients had, where recordings are at hand: what is healed in them, and that each turn begins as the last."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.messages import text_of
from proxy.body import read_body
from proxy.concessions import CONCESSIONS
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, ProfileTable, Settings

CAPTURES = os.environ.get("TOOLMEND_CAPTURES", "")
pytestmark = pytest.mark.skipif(not CAPTURES, reason="needs TOOLMEND_CAPTURES, a folder with recorded requests")

SESSIONS: dict[str, tuple[str, ...]] = {
    "openhands-0.59-native": ("turn1", "turn2-after-tool-result"),
    "openhands-0.59-text": ("turn1", "turn2-after-tool-result", "turn-after-missing-param-error"),
    "openhands-v1-native": ("turn1", "turn3"),
    "openhands-v1-text": ("turn1", "turn2"),
    "swe-agent-1.1-function-calling": ("turn1", "turn5"),
    "swe-agent-1.1-thought-action": ("turn1", "turn2"),
    "swe-agent-1.1-backticks": ("turn1", "turn4"),
    "swe-agent-1.1-xml-thought-action": ("turn1", "turn3"),
    "swe-agent-1.1-xml-function-calling": ("turn1", "turn4"),
    "mini-swe-agent-2.4-tool": ("turn1", "turn3"),
    "mini-swe-agent-2.4-backticks": ("turn1", "turn3"),
    "mini-swe-agent-2.4-xml": ("turn1", "turn2"),
    "evalscope-1.14-toolcall": ("turn1", "turn2"),
    "evalscope-1.14-backticks": ("turn1", "turn2"),
}
PREFIXES = {"swe-agent-1.1-backticks": "/swe-agent/backticks", "swe-agent-1.1-xml-function-calling": "/swe-agent"}
HEALED = {
    "openhands-0.59-native-turn-after-null-content": ("drop_empty_answers",),
    "openhands-0.59-text-blog-repro-after-40-errors": ("collapse_repeats",),
    "openhands-v1-native-after-bad-json": ("show_refused_calls",),
    "mini-swe-agent-2.4-tool-turn3": ("drop_past_thinking",),
    "mini-swe-agent-2.4-backticks-turn3": ("drop_past_thinking",),
    "evalscope-1.14-toolcall-turn2": ("drop_past_thinking",),
}
"""What was recorded -> the steps that it needs; all others need none."""

PROTOCOLS = ("native", "text:hermes_json", "text:qwen_xml", "text:gemma4")
MODELS = ("unknown", "gemma-4-26b", "qwen3.5-35b")


def plan_of(name: str, protocol: str = "native", model: str = "unknown") -> Plan:
    body = json.loads((Path(CAPTURES) / f"{name}.json").read_text("utf-8"))["body"] | {"model": model}
    table = ProfileTable.model_validate({"name": "p", "match": [model], "extends": profile_of(model), "protocol": protocol})
    prefix = next((path for start, path in PREFIXES.items() if name.startswith(start)), "")
    return make_plan(read_body(json.dumps(body).encode(), Limits()), Settings(upstream="http://x"), load((table,)), prefix=prefix)


def profile_of(model: str) -> str:
    return next((name for name in ("gemma-4", "qwen3.5") if model.startswith(name)), "generic")


def sent(plan: Plan, *borne: str) -> list[dict[str, Any]]:
    granted = frozenset(each for each in CONCESSIONS if each.name in borne)
    found: list[dict[str, Any]] = json.loads(upstream_body(plan, granted, Question()))["messages"]
    return found


def flat(messages: list[dict[str, Any]]) -> str:
    """Write messages as a template does that knows no markers at the end of one: text, calls, and where the role changes."""
    words, role = [], ""
    for message in messages:
        words += [f"\n\n<{message['role']}>"] if message["role"] != role else ["\n\n"]
        words += [text_of(message.get("content")), json.dumps(message.get("tool_calls"))]
        role = message["role"]
    return "".join(words)


def bare(value: Any) -> Any:
    """Leave the marks for a cache out, which SWE-agent moves from turn to turn."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items() if key != "cache_control"}
    return [bare(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in Path(CAPTURES or ".").glob("*.json") if "responses" not in path.stem)
)
def test_what_needs_nothing_is_not_healed(name: str) -> None:
    plan = plan_of(name)
    assert plan.history.raised == ()
    assert plan.history.steps == HEALED.get(name, ())
    if not plan.history.steps:
        assert plan.history.messages == plan.body.fields["messages"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("session", SESSIONS)
def test_a_later_turn_begins_as_the_earlier_one(session: str, protocol: str, model: str) -> None:
    turns = [sent(plan_of(f"{session}-{turn}", protocol, model)) for turn in SESSIONS[session]]
    for earlier, later in pairwise(turns):
        assert flat(later).startswith(flat(earlier).removesuffix("null"))
        if later[len(earlier) - 1]["content"] == earlier[-1]["content"] or model == "unknown":
            assert orjson.dumps(bare(later)).startswith(orjson.dumps(bare(earlier))[:-1])


def test_forty_notices_of_the_same_error_are_one() -> None:
    after_40 = sent(plan_of("openhands-0.59-text-blog-repro-after-40-errors"))
    assert json.dumps(after_40).count("Missing required parameters for function") == 1
    assert len(after_40) == 2


def test_v1s_note_in_the_place_of_arguments_reaches_no_model() -> None:
    messages = sent(plan_of("openhands-v1-native-after-bad-json"))
    assert "malformed" not in json.dumps(messages)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == "terminal(...)"
    assert "Unterminated string" in text_of(messages[3]["content"])
