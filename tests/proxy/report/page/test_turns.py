"""Whatever a record holds, it is shown: cut where it is long, and never an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.rendering import render
from proxy.report.marks import visible
from proxy.report.page.figures import Figures
from proxy.report.page.turns import LONGEST, MARKED, parts, row_of, shown
from tests.proxy.report.made import ENGINE, PLAIN, RAW, entry

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_a_turn_is_shown_as_it_was() -> None:
    found = shown(turn := entry(engine=(ENGINE,), repairs=("coerce_number",)), row_of(turn, 1.0))
    assert [(each.number, each.problem) for each in found.answers] == [(1, "missing-arguments"), (2, "")]
    assert "".join(part for _, part in found.answers[1].raw) == RAW
    assert ("marker", "<|tool_call>") in found.answers[1].raw
    assert [(each.name, each.arguments) for each in found.calls] == [("bash", [("text", '{"command": "ls"}')])]
    assert found.steps == [("repairs", "coerce_number")]
    assert found.engine[0].issues == "vllm#1"
    assert found.explained.startswith("A required argument is missing.")
    assert (found.row.tokens, found.row.extra, found.row.seconds, found.row.rungs) == (224, 115, 0.8, ["", "members"])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*entry(), "engine"]), JSON))
def test_no_record_is_too_odd(changes: dict[str, Any]) -> None:
    odd = {**entry(engine=(ENGINE,)), **changes}
    shown(odd, row_of(odd, 0.0))
    figures = Figures()
    figures.add(odd)
    figures.count(odd)
    figures.timeline(), figures.matrix(), figures.rungs()


def test_texts_that_were_left_out_are_told_by_their_length() -> None:
    import json

    bare = json.loads(render(PLAIN, "off", 256_000))
    found = shown(bare, row_of(bare, 1.0))
    assert found.answers[1].raw[0][1].startswith(f"[{len(RAW)} characters, sha256 ")


@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1, 3 * LONGEST])
def test_a_long_text_keeps_both_ends(size: int) -> None:
    text = "a" * (size - 1) + "b"
    found = parts(text)
    kept = "".join(part for kind, part in found if kind != "cut")
    assert len(kept) == min(size, LONGEST)
    assert kept[0] + kept[-1] == "ab"
    assert [part for kind, part in found if kind == "cut"] == (
        [] if size == LONGEST else [f"{size - LONGEST:,} characters are left out here"]
    )


def test_a_text_of_nothing_but_markers_is_bounded_and_whole() -> None:
    text = "<a>\x00" * 900
    found = parts(text)
    assert len(found) <= MARKED + 1
    assert "".join(part for _, part in found) == visible(text)
