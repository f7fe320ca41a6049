"""What goes wrong is written down under the right class, comes out the same when it is served again, and is summed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.demo.speak import Said
from proxy.exchange import Exchange
from proxy.failures.base import CLASSES
from proxy.records.read import Skipped, entries
from proxy.report.summary import summarise
from rules.base import Rule
from rules.registry import RULES
from tests.journals.playing import play
from tests.journals.scenes import CALLED, GOOD, Scene, asking, by_rules, every_scene, of_clients, of_engines, of_servers, served
from tests.proxy.replaying import drift_of

SCENES = [*by_rules(), *of_engines(), *of_clients(), *of_servers()]
"""All but those for every client, which `tests/laws/test_faults.py` plays."""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_it_is_classed_and_served_again_alike(scene: Scene, stream: bool, tmp_path: Path) -> None:
    (played,) = await play([scene], tmp_path, streams=[stream])
    assert played.record is not None
    assert (played.record["class"], played.record["reason"]) == (scene.kind, scene.reason)
    assert await drift_of(tmp_path) == [()]


@pytest.mark.parametrize(("outcome", "reason"), [("as-is", "rule-failed"), ("as-is", "check-skipped"), ("error", "unhandled")])
async def test_what_is_ours_is_said_to_be_ours(
    monkeypatch: pytest.MonkeyPatch, stream: bool, tmp_path: Path, outcome: str, reason: str
) -> None:
    def breaks(*_: Any) -> Any:
        raise ZeroDivisionError

    broken = Rule("broken", "form", breaks, (), "")
    odd = {"type": "object", "properties": {"n": {"type": "integer", "anyOf": [{"minimum": 1}]}}, "required": ["n"]}
    tools = [{"type": "function", "function": {"name": "bash", "parameters": odd}}]
    body, said = asking(), Said(GOOD, calls=[CALLED])
    if reason == "rule-failed":
        monkeypatch.setattr("proxy.answer.RULES", (broken, *RULES))
    elif reason == "unhandled":
        monkeypatch.setattr(Exchange, "_expressed", breaks)
    else:
        monkeypatch.setattr("proxy.checker.Checker._started", _no_start)
        body, said = asking(tools=tools), Said("<|tool_call>call:bash{n:3}<tool_call|>", calls=[served("bash", '{"n": 3}')])
    (played,) = await play([Scene("ours", "ours", reason, body, (said,))], tmp_path, streams=[stream])
    assert played.record is not None
    assert (played.record["outcome"], played.record["class"], played.record["reason"]) == (outcome, "ours", reason)


async def _no_start(*_: Any) -> Any:
    raise OSError("no process to be had")


def test_the_set_has_every_class_and_200_labels() -> None:
    scenes = every_scene()
    assert {each.kind for each in scenes} | {"ours"} == set(CLASSES)
    assert len(scenes) * 2 >= 200


async def test_the_report_counts_what_was_played(tmp_path: Path) -> None:
    chosen = [each for each in SCENES if each.reason in ("coerce_number", "call-not-parsed", "upstream_refused", "merge_users")]
    right = Scene("nothing", "", "", asking(), ("Just words.",))
    await play([*chosen, right], tmp_path, streams=[False])
    summary = summarise(entries([tmp_path], Skipped()), "class")
    assert summary.turns == 4
    assert {each.name: each.turns for each in summary.groups} == {
        "model-arguments": 1,
        "engine-parser": 1,
        "upstream": 1,
        "engine-template": 1,
    }
    assert (summary.rates.turns, summary.rates.called) == (5, 3)
    assert (summary.rates.wrong_before, summary.rates.wrong_after) == (2, 0)
    assert summary.causes[0].name == "upstream_refused"
