"""Ranks the forms that were measured, and tells how sure the ranking is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from proxy.doctor.gathered import Gathered
from proxy.doctor.tuning import Measured
from proxy.tables import table


def ranked(measured: Sequence[Measured]) -> list[Measured]:
    """Return the forms, the best first: by plays that came out right; among equals by tokens for one."""
    asked = [each for each in measured if each.trials]
    return sorted(asked, key=lambda each: (-each.right / len(each.trials), each.tokens or float("inf")))


def apart(best: Measured, other: Measured) -> bool:
    """Tell whether the counts tell two forms apart: their bounds do not overlap."""
    return best.bounds[0] > other.bounds[1]


def chosen(measured: Sequence[Measured]) -> Measured | None:
    """Return the form to use: the first one measured, which is how it is done now, unless another is better beyond chance."""
    order = ranked(measured)
    if not order or not order[0].right:
        return None
    current = next((each for each in measured if each.trials), None)
    return current if current is not None and not apart(order[0], current) else order[0]


def text(gathered: Gathered, measured: Sequence[Measured]) -> str:
    """Write the report."""
    assert gathered.profile is not None
    head = f'{gathered.model} at {gathered.upstream}, profile "{gathered.profile.name}"'
    spent = f"{gathered.purse.asked} requests, {gathered.purse.used} tokens, {gathered.seconds:g} s"
    rows = [
        [
            each.protocol,
            f"{each.right}/{len(each.trials)}",
            "{:.0%} to {:.0%}".format(*each.bounds),
            f"{each.untouched}/{len(each.trials)}",
            f"{each.tokens:.0f}" if each.tokens is not None else "-",
        ]
        for each in ranked(measured)
    ]
    headers = ["protocol", "right", "with 95 % confidence", "of these, as they came", "tokens for a right one"]
    partial = f"PARTIAL: {gathered.stopped}." if gathered.stopped else ""
    return "\n\n".join(filter(None, (f"{head}\n{spent}", table(headers, rows), partial, _verdict(measured))))


def _verdict(measured: Sequence[Measured]) -> str:
    use, order = chosen(measured), ranked(measured)
    if use is None:
        return "No form brought a right play: toolmend doctor says why."
    alike = [each.protocol for each in order if each is not use and not apart(order[0], each)]
    said = f"Use: protocol = {json.dumps(use.protocol)}."
    if use is order[0] and not alike:
        return f"{said} It is better than each other one, beyond chance."
    return f"{said} Not told apart by these counts: {', '.join([use.protocol, *alike])}; more --repeats tell more."


def as_json(gathered: Gathered, measured: Sequence[Measured], code: int) -> dict[str, Any]:
    """Return the report as one object."""
    use = chosen(measured)
    return {
        "upstream": gathered.upstream,
        "model": gathered.model or None,
        "profile": gathered.profile.name if gathered.profile else None,
        "complete": not gathered.stopped and bool(measured),
        "stopped": gathered.stopped or None,
        "exit": code,
        "spent": {"requests": gathered.purse.asked, "tokens": gathered.purse.used, "seconds": gathered.seconds},
        "forms": [
            {
                "protocol": each.protocol,
                "plays": len(each.trials),
                "right": each.right,
                "bounds": [round(bound, 4) for bound in each.bounds],
                "as_they_came": each.untouched,
                "tokens": round(each.tokens, 1) if each.tokens is not None else None,
            }
            for each in ranked(measured)
        ],
        "use": use.protocol if use else None,
    }
