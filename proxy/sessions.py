"""What is remembered of a conversation between its requests.

An improvement and never a need: with many replicas, or after a restart, a conversation begins without memory and still comes out
right. Frameworks send their history with each request, but some leave out the turns that they refused, so that neither the model
nor a rule sees that the same thing was tried before.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.conversations import conversation_id
from proxy.plan import Plan
from rules.advice import listed
from rules.base import Problem
from rules.conversation import ToolCall, Turn

FAILED = ("model-arguments", "model-name", "model-format")
"""Classes of faults that another way to tell the tools may help against."""

DROPPED = 16
"""Dropped calls that are remembered: more than any limit counts to."""


def key_of(plan: Plan, headers: Mapping[str, str]) -> str:
    """Return the same key for every request of a session: who asks which model, and how the conversation began."""
    asks = f"{headers.get('authorization', '')}\x00{plan.model}\x00{conversation_id(plan.conversation)}"
    return hashlib.sha256(asks.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A call that went out: behind how many messages and turns, their fingerprint, and the length of the last one's text."""

    call: ToolCall
    messages: int
    turns: int
    fingerprint: str
    length: int


@dataclass(slots=True)
class Session:
    """One conversation.

    failures   first answers in a row whose native calls were wrong
    moved      its tools are told as text by now
    note       what the model is to be told with the next request
    delivered  the last call that went out alone
    dropped    calls that the client left out of its history, the last ones in a row
    broken     steps that healed a fault in its history
    """

    failures: int = 0
    moved: bool = False
    note: str = ""
    delivered: Delivered | None = None
    dropped: tuple[ToolCall, ...] = ()
    broken: frozenset[str] = frozenset()


@dataclass(slots=True)
class Sessions:
    """The last `size` conversations. After `failures` wrong native turns in a row a conversation moves to text."""

    failures: int = 3
    size: int = 4096
    _known: OrderedDict[str, Session] = field(default_factory=OrderedDict)

    def settle(self, plan: Plan, headers: Mapping[str, str]) -> Plan:
        """Return the plan with what is remembered of its conversation."""
        session = self._known.get(key_of(plan, headers))
        if session is None:
            return plan
        session.dropped = _dropped(session, plan.conversation.turns, _sent(plan))
        note, session.note = session.note, ""
        broken = tuple(step for step in plan.broken if step not in session.broken)
        plan = replace(plan, note=note, broken=broken, conversation=replace(plan.conversation, dropped=session.dropped))
        return plan.in_text() if session.moved and plan.profile.protocol == "auto" else plan

    def learn(self, plan: Plan, headers: Mapping[str, str], problem: Problem | None) -> bool:
        """Take what was wrong with the first answer of a native turn (None: nothing); tell whether the conversation moves now."""
        if plan.profile.protocol != "auto" or plan.dialect is not None or plan.in_text() is plan:
            return False
        session = self._session(plan, headers)
        failed = problem is not None and problem.fault in FAILED
        session.failures = session.failures + 1 if failed else 0
        moves = session.failures >= self.failures
        session.moved = session.moved or moves
        return moves

    def delivered(self, plan: Plan, headers: Mapping[str, str], turn: Turn, left_out: Sequence[str]) -> None:
        """Remember what a client got, and the names of the calls that it did not get."""
        session = self._session(plan, headers)
        turns = plan.conversation.turns
        session.broken |= frozenset(plan.broken)
        session.delivered = None
        if len(turn.calls) == 1 and turns:
            length = len(turns[-1].text)
            session.delivered = Delivered(turn.calls[0], _sent(plan), len(turns), _fingerprint(turns, length), length)
        if left_out:
            session.note = (
                f"(Only {listed([turn.calls[0].name])} of your last turn was run: one call is taken at a time. "
                f"Not run: {listed(left_out)}. Make such a call again if it is still wanted.)"
            )

    def _session(self, plan: Plan, headers: Mapping[str, str]) -> Session:
        key = key_of(plan, headers)
        session = self._known.setdefault(key, Session())
        self._known.move_to_end(key)
        while len(self._known) > self.size:
            self._known.popitem(last=False)
        return session


def _sent(plan: Plan) -> int:
    """Return how many messages the client has sent: the same complaint once more is a message, though the model sees it once."""
    return len(plan.body.fields["messages"])


def _dropped(session: Session, turns: Sequence[Turn], sent: int) -> tuple[ToolCall, ...]:
    """Tell which calls the client has dropped: behind the history that the last one answered stand complaints, and no call."""
    last = session.delivered
    if last is None or len(turns) < last.turns or _fingerprint(turns[: last.turns], last.length) != last.fingerprint:
        return ()
    complaints = turns[last.turns :]
    if any(turn.calls for turn in complaints):
        return ()
    if sent <= last.messages:  # the same request once more
        return session.dropped
    session.delivered = None
    return (*session.dropped, last.call)[-DROPPED:]


def _fingerprint(turns: Sequence[Turn], length: int) -> str:
    """Return what identifies turns. Of the last one's text only so much counts: complaints may be written behind it."""
    digest = hashlib.sha256()
    for turn in (*turns[:-1], replace(turns[-1], text=turns[-1].text[:length])):
        calls = [(call.name, call.arguments) for call in turn.calls]
        digest.update(repr((turn.role, turn.text, calls)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
