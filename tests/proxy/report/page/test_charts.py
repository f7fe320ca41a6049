"""A chart has its bars and names, and nothing that a policy would forbid."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from proxy.report.page.charts import NARROW, WIDE, Chart, Series, drawn

HOSTILE = '</title><script>alert(1)</script>"\u2028'


def chart(*, lying: bool, name: str = "mended") -> Chart:
    series = [Series(name, "outcome-mended", [1, 0, 3]), Series("error", "outcome-error", [0, 0, 2])]
    return Chart(["a", "b", "c"], ["first", "second", HOSTILE], series, HOSTILE, lying=lying)


@pytest.mark.parametrize("lying", [False, True])
def test_each_bar_is_named_and_none_is_empty(lying: bool) -> None:
    for svg in drawn(chart(lying=lying)):
        named = [each.text for each in ET.fromstring(svg).iter("title")]
        assert sorted(map(str, named)) == sorted(
            ["first, mended: 1", f"{HOSTILE}, mended: 3", f"{HOSTILE}, error: 2"],
        )


@pytest.mark.parametrize("lying", [False, True])
def test_lengths_are_as_the_numbers(lying: bool) -> None:
    root = ET.fromstring(drawn(chart(lying=lying))[0])
    lengths = {each.findtext("title"): float(each.get("width" if lying else "height", 0)) for each in root.iter("rect")}
    one, three = lengths["first, mended: 1"], lengths[f"{HOSTILE}, mended: 3"]
    assert three == pytest.approx(3 * one, rel=0.02)


@pytest.mark.parametrize("lying", [False, True])
def test_the_first_bar_is_where_reading_begins(lying: bool) -> None:
    root = ET.fromstring(drawn(chart(lying=lying))[0])
    place = {each.findtext("title"): float(each.get("y" if lying else "x", 0)) for each in root.iter("rect")}
    assert place["first, mended: 1"] < place[f"{HOSTILE}, mended: 3"]


@pytest.mark.parametrize("lying", [False, True])
def test_it_has_no_style_no_script_and_no_address(lying: bool) -> None:
    wide, narrow = drawn(chart(lying=lying, name="<img src=x onerror=alert(1)>"))
    assert f"0 0 {WIDE} " in wide
    assert f"0 0 {NARROW} " in narrow
    for svg in (wide, narrow):
        tags = {each.tag for each in ET.fromstring(svg).iter()}
        assert tags <= {"svg", "g", "path", "rect", "text", "title"}
        attributes = {name for each in ET.fromstring(svg).iter() for name in each.attrib}
        assert attributes <= {"viewBox", "class", "role", "aria-label", "transform", "d", "x", "y", "width", "height"}


def test_a_chart_is_small() -> None:
    labels = [f"27 Nov {at:02}:00" for at in range(40)]
    series = [Series(name, f"outcome-{name}", [1] * 40) for name in "abcdefg"]
    assert all(len(svg) < 40_000 for svg in drawn(Chart(labels, labels, series, "")))
