"""A finding: something that is wrong, whose fault it is, what speaks for it, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.doctor.catalogue import CATALOGUE, Blame, Entry, Weight
from proxy.doctor.causes import Cause
from proxy.doctor.gathered import Gathered

EVIDENCE: Final = 3
"""Pieces of evidence that a finding shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """See above.

    code      a key of the catalogue
    level     the lowest level at which it was seen; 0: at none, by a check of its own
    evidence  what was seen, each in a line
    change    what to do about it: flags of vLLM, settings of toolmend or of the framework
    helped    how many of the plays that failed by it came out right through toolmend, and how many were played so
    """

    code: str
    blame: Blame
    weight: Weight
    level: int
    what: str
    evidence: tuple[str, ...]
    change: tuple[str, ...]
    helped: tuple[int, int]


def finding(causes: Iterable[tuple[int, Cause]], gathered: Gathered) -> Finding:
    """Make one finding of causes of one code, each with its level."""
    found = list(causes)
    code = found[0][1].code
    entry = CATALOGUE[code]
    fills = {**_known(gathered), **{key: value for _, cause in found for key, value in cause.fills.items()}}
    helped = [cause.helped for _, cause in found if cause.helped is not None]
    words = list(dict.fromkeys(cause.words for _, cause in found if cause.words))
    more = [f"and {len(words) - EVIDENCE} more like it"] if len(words) > EVIDENCE else []
    return Finding(
        code,
        entry.blame,
        entry.weight,
        min(level for level, _ in found),
        entry.what.format_map(fills),
        (*words[:EVIDENCE], *more),
        (*(each.format_map(fills) for each in entry.change), *_between(entry, fills, helped)),
        (sum(helped), len(helped)),
    )


def _between(entry: Entry, fills: Mapping[str, Any], helped: Sequence[bool]) -> tuple[str, ...]:
    """Say what toolmend does about it, where it was seen to help."""
    if not entry.between or not any(helped):
        return ()
    how = entry.between.format_map(fills)
    return (f"toolmend: put it between the framework and the server (toolmend serve --upstream {fills['upstream']}): {how}",)


def _known(gathered: Gathered) -> Mapping[str, Any]:
    models = ", ".join(gathered.models[:8]) or "it lists none"
    return {"upstream": gathered.upstream, "proxy": gathered.proxy, "models": models}


def grouped(causes: Iterable[tuple[int, Cause]], gathered: Gathered) -> list[Finding]:
    """Make a finding of each code, in the order in which the codes were first seen."""
    by_code: dict[str, list[tuple[int, Cause]]] = {}
    for level, cause in causes:
        by_code.setdefault(cause.code, []).append((level, cause))
    return [finding(each, gathered) for each in by_code.values()]
