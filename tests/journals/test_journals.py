"""What goes wrong is written down under the right class, comes out the same when it is served again, and is summed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.failures.base import CLASSES
from proxy.records.read import Skipped, entries
from proxy.report.summary import summarise
from tests.journals.playing import play
from tests.journals.scenes import Scene, asking, by_rules, every_scene, of_clients, of_engines, of_servers, of_toolmend
from tests.proxy.replaying import drift_of

SCENES = [*by_rules(), *of_engines(), *of_clients(), *of_servers(), *of_toolmend()]
"""All but those for every client, which `tests/laws/test_faults.py` plays."""


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_it_is_classed_and_served_again_alike(scene: Scene, stream: bool, tmp_path: Path) -> None:
    (played,) = await play([scene], tmp_path, streams=[stream])
    assert played.record is not None
    assert (played.record["class"], played.record["reason"]) == (scene.kind, scene.reason)
    if not scene.breaks:
        assert await drift_of(tmp_path) == [()]


def test_the_set_has_every_class_and_200_labels() -> None:
    scenes = every_scene()
    assert {each.kind for each in scenes} == set(CLASSES)
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
