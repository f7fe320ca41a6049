"""Damages every call of BFCL in every way and writes down what came back: `python -m tests.conformance.damage`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, Literal, TypeAlias

from docs.rules_page import page, with_damage
from rules.base import repair
from rules.conversation import Conversation, ToolCall, Turn
from rules.registry import RULES
from tests.conformance.bfcl_cases import Case, load
from tests.conformance.bfcl_data import VERSION, bfcl_data
from tests.conformance.compare import difference, same_call
from tests.damage.call_faults import CALL_FAULTS
from tests.damage.faults import Fault, Right
from tests.damage.key_faults import KEY_FAULTS
from tests.damage.shapes import shape_of
from tests.damage.value_faults import VALUE_FAULTS

FAULTS: Final[tuple[Fault, ...]] = (*VALUE_FAULTS, *KEY_FAULTS, *CALL_FAULTS)
NEEDED: Final = 0.99
"""The part of the calls that has to come back, where nothing was lost."""

SHOWN: Final = 3

Kind: TypeAlias = Literal["back", "asked", "kept", "unsafe"]
"""What became of a damaged call: it came back as it was, the model is asked, it is taken as it was written, or neither."""

Tally: TypeAlias = dict[str, Counter[str]]
"""Fault -> how often each kind of outcome."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all faults, print what was not as it should be, write the table; 1 where too little came back, or anything is unsafe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the page to write, with the new table")
    options = parser.parse_args(arguments)
    cases = [case for case in load(bfcl_data()) if not case.unusable]
    tally, samples = run(cases)
    print(table(tally, cases), *samples, sep="\n")
    if options.write:
        options.write.write_text(page(with_damage(options.write.read_text("utf-8"), table(tally, cases))), "utf-8")
    return int(failed(tally))


def run(cases: Sequence[Case]) -> tuple[Tally, list[str]]:
    """Damage all calls of all cases, shared among the cores; return the counts and a few samples of what did not come back."""
    tally: Tally = {fault.name: Counter() for fault in FAULTS}
    samples: dict[tuple[str, Kind], list[str]] = {}
    with ProcessPoolExecutor() as pool:
        for number, found in pool.map(damaged, enumerate(cases), chunksize=50):
            for fault, kind, said in found:
                tally[fault][kind] += 1
                if said:
                    samples.setdefault((fault, kind), []).append(f"  {kind}: {fault} in {cases[number].id}: {said}")
    return tally, [line for lines in samples.values() for line in lines[:SHOWN]]


def damaged(numbered: tuple[int, Case]) -> tuple[int, list[tuple[str, Kind, str]]]:
    """Damage each call of one case by each fault, each time in another way; return the outcomes, and what to say of them."""
    number, case = numbered
    found: list[tuple[str, Kind, str]] = []
    for at, call in enumerate(case.calls, number):
        spec = next(tool for tool in case.tools if tool.name == call.name)
        right = Right(call, shape_of(spec.parameters), case.tools)
        for fault in FAULTS:
            ways = list(fault.damage(right))
            found += [(fault.name, *outcome(ways[at % len(ways)], right, fault))] if ways else []
    return number, found


def outcome(damaged_call: ToolCall, right: Right, fault: Fault) -> tuple[Kind, str]:
    """Mend a damaged call and compare it with what it was; say how it differs where it should not."""
    verdict = repair(Turn("assistant", calls=(damaged_call,)), Conversation(right.tools), RULES, trap=False)
    if verdict.problem:
        return "asked", f"{damaged_call.name}({damaged_call.arguments})"[:200] if fault.knowable else ""
    if same_call(verdict.turn.calls[0], right.call):
        return "back", ""
    if verdict.turn.calls == (damaged_call,):
        return "kept", f"{damaged_call.name}({damaged_call.arguments})"[:200] if fault.knowable else ""
    return "unsafe", f"{difference(verdict.turn.calls, (right.call,))} by {', '.join(verdict.repairs)}"


def failed(tally: Mapping[str, Counter[str]]) -> bool:
    """Tell whether too little came back of what could, or anything came back as something else."""
    return any(each["unsafe"] for each in tally.values()) or any(
        fault.knowable and tally[fault.name]["back"] < NEEDED * tally[fault.name].total() for fault in FAULTS
    )


_HEAD: Final = """\
| fault | calls | came back | asked | as written | unsafe |
|---|---:|---:|---:|---:|---:|
"""


def table(tally: Tally, cases: Sequence[Case]) -> str:
    """Return what stands between the markers of docs/rules.md."""
    calls = sum(len(case.calls) for case in cases)
    said = f"The {len(cases):,} cases of bfcl-eval {VERSION} whose right answers are right by their declarations, with {calls:,} calls.\n"
    parts = [[fault for fault in FAULTS if fault.knowable is knowable] for knowable in (True, False)]
    rows = [_row(fault.name, tally[fault.name]) for part in parts for fault in part if tally[fault.name]]
    lines = [_row("*all that lose nothing*", _sum(parts[0], tally)), _row("*all that lose something*", _sum(parts[1], tally))]
    number = sum(bool(tally[fault.name]) for fault in parts[0])
    return f"{said}\n{_HEAD}" + "\n".join([*rows[:number], lines[0], *rows[number:], lines[1]]) + "\n"


def _row(name: str, counts: Counter[str]) -> str:
    every = counts.total()
    back = f"{counts['back']:,} ({100 * counts['back'] / max(every, 1):.2f} %)" if counts["back"] else "0"
    return f"| {name} | {every:,} | {back} | {counts['asked']:,} | {counts['kept']:,} | {counts['unsafe']:,} |"


def _sum(faults: Sequence[Fault], tally: Tally) -> Counter[str]:
    return sum((tally[fault.name] for fault in faults), Counter())


if __name__ == "__main__":
    sys.exit(main())
