"""Conversations that moved from native tool calls to text, because their native calls kept failing.

An improvement and never a need: with many replicas, or after a restart, a conversation begins natively once more and still
comes out right.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.conversations import conversation_id
from proxy.plan import Plan
from rules.base import Problem

FAILED = ("model-arguments", "model-name", "model-format")
"""Classes of faults that another way to tell the tools may help against."""

MOVED = -1


def key_of(plan: Plan, headers: Mapping[str, str]) -> str:
    """Return the same key for every request of a session: who asks which model, and how the conversation began."""
    asks = f"{headers.get('authorization', '')}\x00{plan.model}\x00{conversation_id(plan.conversation)}"
    return hashlib.sha256(asks.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Moves:
    """Counts, per conversation, first answers in a row whose native calls were wrong; after `failures` of them it has moved."""

    failures: int = 3
    size: int = 4096
    _counts: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def settle(self, plan: Plan, headers: Mapping[str, str]) -> Plan:
        """Return the plan in the protocol that its conversation has come to."""
        if plan.profile.protocol != "auto" or self._counts.get(key_of(plan, headers)) != MOVED:
            return plan
        return plan.in_text()

    def learn(self, plan: Plan, headers: Mapping[str, str], problem: Problem | None) -> bool:
        """Take what was wrong with the first answer of a native turn (None: nothing); tell whether the conversation moves now."""
        if plan.profile.protocol != "auto" or plan.dialect is not None or plan.in_text() is plan:
            return False
        key = key_of(plan, headers)
        if problem is None or problem.fault not in FAILED:
            self._counts.pop(key, None)
            return False
        count = self._counts.pop(key, 0) + 1
        moves = count >= self.failures
        self._counts[key] = MOVED if moves else count
        while len(self._counts) > self.size:
            self._counts.popitem(last=False)
        return moves
