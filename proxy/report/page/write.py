"""Writes the page: one HTML file with its style and script in it, which asks nobody for anything."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from proxy.failures.base import CLASSES
from proxy.report.marks import visible
from proxy.report.page import sections
from proxy.report.page.charts import Chart, drawn
from proxy.report.page.chosen import Choice, Chosen
from proxy.report.page.figures import outcomes_in
from proxy.report.summary import Summary
from proxy.report.text import COLOURS

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """The page, and how much is on it."""

    html: str
    shown: int
    turns: int


def page(summary: Summary, choice: Choice, skipped: Sequence[str], now: float) -> Page:
    """Return the page.

    summary  of the entries that `choice` watched
    skipped  what was not read, in sentences
    now      seconds since 1970
    """
    chosen = choice.made()
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    html = _template().render(
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        summary=summary,
        skipped=skipped,
        chosen=chosen,
        beside=_beside(chosen),
        made=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        lost=sum(summary.outcomes.get(name, 0) for name in ("failed-open", "error", "aborted")),
        **_figures(choice),
    )
    return Page(html, len(chosen.shown), chosen.turns)


def _figures(choice: Choice) -> Mapping[str, Any]:
    figures = choice.figures
    timeline, matrix, rungs = figures.timeline(), figures.matrix(), figures.rungs()
    return {
        "timeline": timeline,
        "outcomes": outcomes_in(timeline.bins),
        "matrix": matrix,
        "rungs": rungs,
        "over_time": _figure(sections.over_time(timeline)) if timeline.bins else None,
        "by_class": _figure(sections.by_class(matrix)) if matrix.classes else None,
        "by_rung": _figure(sections.by_rung(rungs)) if rungs else None,
    }


def _figure(chart: Chart) -> Mapping[str, Any]:
    wide, narrow = drawn(chart)
    return {"svg": Markup(wide + narrow), "series": chart.series}


def _beside(chosen: Chosen) -> Mapping[int, tuple[int | None, int | None]]:
    """Return, for each turn that is shown, which one is shown before and behind it in its conversation."""
    found: dict[int, tuple[int | None, int | None]] = {}
    for conversation in chosen.conversations:
        places = [place for _, place in conversation.rows if place is not None]
        around = (None, *places, None)
        found |= {place: (around[at], around[at + 2]) for at, place in enumerate(places)}
    return found


def _policy(style: str, script: str) -> str:
    """Forbid everything but the style and the script that stand in the page: texts of models and users are on it, too."""
    allowed = f"style-src {_hash(style)}; script-src {_hash(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _seen(value: Any) -> Any:
    """Make what would not be seen visible in whatever text is written; it is escaped behind this."""
    return visible(value) if type(value) is str else value


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        style_of=sections.style_of, span_of=sections.span_of, step_in_words=sections.step_in_words, classes=CLASSES, known=COLOURS
    )
    return environment.get_template("page.html.jinja")
