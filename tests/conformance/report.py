"""Writes down how the cases ended: for the eye, and as the table of docs/dialects.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from docs.generate import models_of
from docs.markdown import in_cell
from tests.conformance.bfcl_cases import Case
from tests.conformance.bfcl_data import VERSION
from tests.conformance.round_trip import RULES_ALONE, Kind, Outcome

Results: TypeAlias = Mapping[str, Mapping[str, Outcome]]
"""Dialect -> case -> outcome."""

SHOWN = 10
"""Wrong cases of a dialect that are shown with what is wrong; of the others the ids are listed."""

_HEAD = """\
The data of bfcl-eval {version} has {all:,} such cases. {usable:,} of them are used, with {calls:,} calls; in the other {unusable} the
right answer is wrong by the case's own declarations ({reasons}).

| dialect | models | exact | refused | wrong |
|---|---|---:|---|---:|
"""


def failed(results: Results) -> bool:
    """Tell whether anything came back wrong."""
    return any(found.kind == "wrong" for each in results.values() for found in each.values())


def table(cases: Sequence[Case], results: Results) -> str:
    """Return what stands between the markers of docs/dialects.md."""
    rows = [_row(name, list(found.values())) for name, found in results.items() if name != RULES_ALONE]
    return _head(cases) + "\n".join(rows) + "\n"


def _head(cases: Sequence[Case]) -> str:
    usable = [case for case in cases if not case.unusable]
    reasons = Counter(case.unusable for case in cases if case.unusable)
    return _HEAD.format(
        version=VERSION,
        all=len(cases),
        usable=len(usable),
        calls=sum(len(case.calls) for case in usable),
        unusable=len(cases) - len(usable),
        reasons=_counted(reasons),
    )


def _row(name: str, found: Sequence[Outcome]) -> str:
    count = Counter(each.kind for each in found)
    refused = str(count["refused"])
    if count["refused"]:
        refused += f" ({in_cell(_counted(_reasons(found, 'refused')))})"
    cells = [name, models_of(name), count["exact"], refused, count["wrong"]]
    return f"| {' | '.join(map(str, cells))} |"


def listing(results: Results) -> str:
    """Return, for each dialect, the counts, a sample of each reason, and the ids of what is wrong."""
    return "\n".join(line for name, found in results.items() for line in _lines(name, found))


def _lines(name: str, found: Mapping[str, Outcome]) -> Iterator[str]:
    count = Counter(each.kind for each in found.values())
    yield f"{name}: {', '.join(f'{count[kind]} {kind}' for kind in sorted(count))}"
    for why, number in _reasons(found.values(), "refused").most_common():
        case, sample = next((case, each) for case, each in found.items() if (each.kind, each.why) == ("refused", why))
        yield f"  {number} refused: {why}, as in {case}: {sample.detail}"
    wrong = [(case, each) for case, each in found.items() if each.kind == "wrong"]
    for case, each in wrong[:SHOWN]:
        yield f"  WRONG {case}: {each.why}: {each.detail}"
    if wrong[SHOWN:]:
        yield f"  WRONG as well: {' '.join(case for case, _ in wrong[SHOWN:])}"


def _reasons(found: Iterable[Outcome], kind: Kind) -> Counter[str]:
    return Counter(each.why for each in found if each.kind == kind)


def _counted(reasons: Counter[str]) -> str:
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{number} × {why}" for why, number in ordered)
