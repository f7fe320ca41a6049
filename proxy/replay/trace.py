"""Follows one recorded answer through the rules, change by change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.observe import Read, read_turn
from proxy.plan import Plan
from proxy.replay.recorded import bytes_of
from rules.base import Rule, Verdict, repair
from rules.conversation import Turn
from rules.registry import RULES


@dataclass(frozen=True, slots=True)
class Change:
    """What one rule did."""

    rule: str
    safety: str
    before: Turn
    after: Turn


@dataclass(frozen=True, slots=True)
class Trace:
    """An answer as it was read, what each rule changed, and what the rules said in the end."""

    read: Read
    changes: tuple[Change, ...]
    verdict: Verdict


def trace(attempt: Mapping[str, Any], plan: Plan) -> Trace:
    """Read a recorded attempt again, and run the rules over it. Checks that need the worker are left out."""
    changes: list[Change] = []

    def changed(rule: Rule, before: Turn, after: Turn) -> None:
        changes.append(Change(rule.name, rule.safety, before, after))

    read = read_turn(bytes_of(attempt), plan)
    verdict = repair(read.turn, plan.conversation, RULES, changed=changed)
    return Trace(read, tuple(changes), verdict)
