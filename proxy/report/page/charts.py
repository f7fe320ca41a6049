"""Draws stacked bars: pygal reckons where everything stands, the page's style sheet paints it, and no script is needed."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pygal import HorizontalStackedBar, StackedBar  # type: ignore[import-untyped]  # it has no types
from pygal.etree import etree  # type: ignore[import-untyped]  # it has no types
from pygal.style import Style  # type: ignore[import-untyped]  # it has no types

sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]
"""Takes back what importing pygal does to all later imports: its finder is asked for each, which Python 3.11 warns of."""

etree.to_etree()
"""Draws with the standard library's elements, as we do, whether or not lxml is installed: pygal would take that instead."""

WIDE: Final = 960
NARROW: Final = 400
"""Widths that a chart is drawn in: for desks, and for telephones. The style sheet shows one of them."""

TEXT: Final = 13
"""Height of the letters, as in page.css."""

LETTER: Final = 8
"""Width of a letter, or a little more."""

GAP: Final = 20
"""Between two labels."""

BAR: Final = 27
"""Height of a lying bar, with what is between two of them."""

STANDING: Final = 260
"""Height of a chart whose bars stand."""

KEPT: Final = frozenset({"x", "y", "width", "height", "d", "transform", "class"})

DIGITS: Final = re.compile(r"(\d\.\d)\d+")
"""More of a place than can be seen."""


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one colour. `style` is the class by which the style sheet knows it; `values` has one for each label."""

    name: str
    style: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    labels  one for each bar; `full` names the same at length
    said    what somebody hears who cannot see it
    lying   bars lie, for names that need room
    """

    labels: Sequence[str]
    full: Sequence[str]
    series: Sequence[Series]
    said: str
    lying: bool = False


def drawn(chart: Chart) -> tuple[str, str]:
    """Return SVG: wide and narrow. It has no colours, styles or scripts of its own, and every text in it is escaped."""
    return _svg(chart, WIDE), _svg(chart, NARROW)


def _svg(chart: Chart, width: int) -> str:
    turned = _turned(chart) if chart.lying else chart
    root = _reckoned(turned, width)
    plot = next(each for each in root.iter("g") if each.get("class") == "plot")
    for at, series in enumerate(chart.series):
        _named(plot, at, turned.full, turned.series[at].values, series)
    look = {"class": "wide" if width == WIDE else "narrow", "role": "img", "aria-label": chart.said}
    svg = ET.Element("svg", {"viewBox": root.get("viewBox", ""), **look})
    svg.append(_bare(plot))
    return ET.tostring(svg, encoding="unicode")


def _turned(chart: Chart) -> Chart:
    """Turn the order around: lying bars are counted from the bottom."""
    series = [replace(each, values=each.values[::-1]) for each in chart.series]
    return replace(chart, labels=chart.labels[::-1], full=chart.full[::-1], series=series)


def _reckoned(chart: Chart, width: int) -> ET.Element:
    """Return the chart as pygal draws it."""
    shape = HorizontalStackedBar if chart.lying else StackedBar
    plot = shape(
        js=[],
        width=width,
        height=48 + BAR * len(chart.labels) if chart.lying else STANDING,
        style=Style(**{f"{name}_font_size": TEXT for name in ("label", "major_label")}),
        show_legend=False,
        margin=8,
        margin_right=12 if chart.lying else 40,
        truncate_label=-1,
        min_scale=2,
        max_scale=5,
        value_formatter=lambda value: f"{value:,.0f}" if value == int(value) else "",
    )
    plot.x_labels = chart.labels if chart.lying else _thinned(chart.labels, width)
    for each in chart.series:
        plot.add(each.name, list(each.values))
    root: ET.Element = plot.render_tree()
    return root


def _thinned(labels: Sequence[str], width: int) -> list[str]:
    """Leave out so many labels that the rest does not overlap."""
    most = width // (max(map(len, labels), default=0) * LETTER + GAP)
    every = -(-len(labels) // max(most, 1))
    return [label if at % every == 0 else "" for at, label in enumerate(labels)]


def _named(plot: ET.Element, at: int, names: Sequence[str], values: Sequence[int], series: Series) -> None:
    """Give the bars of a series their colour, and each a name that is seen when it is pointed at; drop those of nothing."""
    group = next(each for each in plot if f"serie-{at} " in f"{each.get('class')} ")
    group.set("class", f"series {series.style}")
    (bars,) = group
    for bar, name, value in zip(list(bars), names, values, strict=True):
        if not value:
            bars.remove(bar)
            continue
        (rect,) = bar.iter("rect")
        bar[:] = [rect]
        ET.SubElement(rect, "title").text = f"{name}, {series.name}: {value:,}"


def _bare(plot: ET.Element) -> ET.Element:
    """Take out what only pygal's own style and script need."""
    for group in plot.iter("g"):
        for each in list(group):
            if each.tag == "title" or each.get("class") == "background" or (each.tag == "text" and not each.text):
                group.remove(each)
    for each in plot.iter():
        each.attrib = {
            name: value if name == "class" else DIGITS.sub(r"\1", value)
            for name, value in each.attrib.items()
            if name in KEPT and value and not (name == "class" and each.tag == "rect")
        }
    return plot
