"""Prints a summary on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from proxy.report.marks import visible
from proxy.report.summary import Cause, Group, Rates, Summary
from proxy.tables import table

WIDTH: Final = 24
"""Characters of the longest bar."""

COLOURS: Final = {
    "as-is": "bright_black",
    "mended": "green",
    "asked-again": "cyan",
    "failed-open": "yellow",
    "relayed": "magenta",
    "error": "red",
    "aborted": "bright_black",
}
"""Outcome -> colour, in the order in which they are shown."""


def lines(summary: Summary, skipped: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the report, coloured; who prints them takes the colours out where there are none."""
    yield from _head(summary)
    if summary.turns:
        yield from ("", _title(f"by {summary.by}"), _table(summary.groups, summary.by))
        yield from ("", _title("costliest reasons"), *_causes(summary.causes))
    if summary.advice:
        yield from ("", _title("what to change first"), *(f"  {place}. {each}" for place, each in enumerate(summary.advice, 1)))
    if skipped:
        yield from ("", _title("not read"), *(f"  {each}" for each in skipped))


def _head(summary: Summary) -> Iterator[str]:
    span = f"  {summary.first} to {summary.last}" if summary.first else ""
    yield f"{_title(f'{summary.turns} turns that were not right as they came')}{span}"
    told = [
        click.style(f"{summary.outcomes[name]} {name}", fg=colour)
        for name, colour in COLOURS.items()
        if summary.outcomes.get(name)
    ]
    if told:
        yield "  " + ", ".join(told)
    yield from _rates(summary.rates)
    if summary.extra_tokens or summary.extra_seconds:
        yield f"  asking again cost {summary.extra_tokens:,} tokens and {summary.extra_seconds:,.1f} s"


def _rates(rates: Rates) -> Iterator[str]:
    if not rates.turns:
        yield "  of how many turns in all is not known: the journal holds no counts yet (they come once a minute)"
        return
    yield f"  of {rates.turns:,} turns in all, {rates.called:,} with a call"
    if rates.error_before is not None and rates.error_after is not None:
        after = click.style(
            f"{rates.error_after:.1%}", fg="green" if rates.error_after < rates.error_before else "yellow", bold=True
        )
        yield f"  tool call error rate {rates.error_before:.1%} as it came, {after} as the client got it"
        yield f"  schema accuracy {1 - rates.error_before:.1%} as it came, {1 - rates.error_after:.1%} as the client got it"


def _title(text: str) -> str:
    return click.style(text, bold=True)


def _table(groups: Sequence[Group], by: str) -> str:
    most = max(each.turns for each in groups)
    rows = [[each.name, each.turns, _bar(each, most), each.lost or "", _tokens(each), _seconds(each)] for each in groups]
    return table([by, "turns", "", "lost", "tokens", "seconds"], rows, (False, True, False, True, True, True))


def _bar(group: Group, most: int) -> str:
    """Draw the turns of a group, each outcome in its colour."""
    parts = []
    for name, colour in COLOURS.items():
        count = group.outcomes[name]
        if count:
            parts.append(click.style("█" * max(round(count / most * WIDTH), 1), fg=colour))
    return "".join(parts)


def _tokens(group: Group) -> str:
    return f"{group.extra_tokens:,}" if group.extra_tokens else ""


def _seconds(group: Group) -> str:
    return f"{group.extra_seconds:.1f}" if group.extra_seconds else ""


def _causes(causes: Sequence[Cause]) -> Iterator[str]:
    for place, cause in enumerate(causes, 1):
        cost = f", {cause.extra_tokens:,} tokens, {cause.extra_seconds:.1f} s" if cause.extra_tokens else ""
        lost = click.style(f", {cause.lost} lost", fg="yellow") if cause.lost else ""
        yield f"  {place:>2}. {click.style(cause.name, bold=True)} ({cause.fault}): {cause.turns} turns{lost}{cost}"
        if cause.known:
            yield f"      {cause.known.what} {cause.known.done}"
        if cause.issues:
            yield f"      known: {', '.join(cause.issues[:6])}"
        yield click.style(f"      {cause.turn}  {visible(cause.snippet)}", fg="bright_black")


def as_json(summary: Summary, skipped: Sequence[str]) -> dict[str, Any]:
    """Return the report for programs."""
    rates = summary.rates
    counts = {name: getattr(rates, name) for name in rates.__slots__}
    error_rate = {"before": rates.error_before, "after": rates.error_after}
    return {
        "turns": summary.turns,
        "first": summary.first,
        "last": summary.last,
        "outcomes": dict(summary.outcomes),
        "all": {**counts, "tool_call_error_rate": error_rate} if rates.turns else None,
        "extra": {"tokens": summary.extra_tokens, "seconds": round(summary.extra_seconds, 3)},
        "by": summary.by,
        "groups": [_group(each) for each in summary.groups],
        "reasons": [_group(each) | _about(each) for each in summary.causes],
        "advice": list(summary.advice),
        "not_read": list(skipped),
    }


def _group(group: Group) -> dict[str, Any]:
    cost = {"tokens": group.extra_tokens, "seconds": round(group.extra_seconds, 3)}
    return {"name": group.name, "turns": group.turns, "lost": group.lost, "outcomes": dict(group.outcomes), "extra": cost}


def _about(cause: Cause) -> dict[str, Any]:
    known = cause.known
    about = {"what": known.what, "done": known.done, "change": known.change, "setting": known.setting} if known else {}
    return {"class": cause.fault, "example": {"turn": cause.turn, "text": cause.snippet}, "issues": cause.issues, **about}
