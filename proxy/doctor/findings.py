"""A finding: something that is wrong, whose fault it is, what speaks for it, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from proxy.doctor.catalogue import CATALOGUE
from proxy.doctor.causes import Cause
from proxy.doctor.entries import Blame, Entry, Weight
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
    evidence = _evidence([cause for _, cause in found])
    more = [f"and {len(evidence) - EVIDENCE} more like it"] if len(evidence) > EVIDENCE else []
    return Finding(
        code,
        entry.blame,
        entry.weight,
        min((level for level, _ in found if level), default=0),
        entry.what.format_map(fills),
        (*evidence[:EVIDENCE], *more),
        (*(each.format_map(fills) for each in entry.change), *_between(entry, fills, helped)),
        (sum(helped), len(helped)),
    )


def _evidence(causes: Sequence[Cause]) -> list[str]:
    """Return what was seen, each thing once, with the first play that it was seen in and the number of others."""
    places: dict[str, list[str]] = {}
    for cause in causes:
        places.setdefault(cause.words, []).append(cause.where)
    return [f"{_places(where)}{words}" for words, where in places.items() if words]


def _places(where: Sequence[str]) -> str:
    plays = [each for each in where if each]
    more = f" and {len(plays) - 1} more" if len(plays) > 1 else ""
    return f"{plays[0]}{more}: " if plays else ""


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
