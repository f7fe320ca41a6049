"""Which recorded turns are fit to learn from: what was delivered is right by the record, by today's code, and by the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from proxy.checker import Checker, Skipped
from proxy.errors import Fault
from proxy.exchange import Exchange
from proxy.plan import Plan
from proxy.replay.first_answer import attempt_of
from proxy.replay.recorded import Recorded
from proxy.replay.run import Entry, NotReplayable, Page, Remembered, Silent, Terms, plan_of, services_of
from proxy.replay.terms import is_cut, refuse_shortened
from rules.conversation import Conversation, ToolCall, Turn
from rules.problems import judge
from rules.schema import is_plain_tool

LEARNED_FROM: Final = ("mended", "asked-again")
"""Outcomes of turns that were put right."""

REDACTED: Final = "[redacted "
DRIFTED: Final = "today's code delivers something else"


class Unfit(Exception):
    """A turn that is not exported. Its text says why, in words that are the same for all such turns."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn to learn from.

    plan    its request, understood
    turn    what was delivered, before it was written in the client's own form: the text as the client got it, and the calls
    shown   the text that the client got: for one that takes no structured calls the action is in it
    first   the model's first answer (one of `attempts`)
    """

    entry: Entry
    plan: Plan
    turn: Turn
    shown: str
    first: Mapping[str, Any]


class Watched(Remembered):
    """Keeps what was delivered."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry)
        self.plan: Plan | None = None
        self.turn: Turn | None = None

    def delivered(self, plan: Plan, headers: Mapping[str, str], turn: Turn, left_out: Any) -> None:  # noqa: ARG002 - as Sessions has it
        """Keep the turn."""
        self.plan, self.turn = plan, turn


async def take(entry: Entry, terms: Terms, *, shortened: bool = False) -> Taken:
    """Return what is to be learned from a turn. Raises Unfit."""
    _refuse_what_was_not_mended(entry)
    try:
        refuse_shortened(entry, allowed=shortened)
        understood = plan_of(entry, terms)
        first = attempt_of(entry)
        served = await _served(entry, understood, terms)
    except (NotReplayable, Fault) as error:
        raise Unfit(str(error)) from error
    turn, final = served.turn, entry["final"]
    for call in turn.calls:
        await _refuse_what_is_wrong(call, served.plan.conversation, terms.checker)
    if served.outcome not in LEARNED_FROM:
        raise Unfit(DRIFTED)
    text = final["text"] if final["calls"] else turn.text
    return Taken(entry, served.plan, replace(turn, text=text), final["text"], first)


def _refuse_what_was_not_mended(entry: Entry) -> None:
    if entry["mode"] != "repair":
        raise Unfit("it was only observed: nothing was delivered by us")
    if entry["outcome"] not in LEARNED_FROM:
        raise Unfit(f"its outcome is {entry['outcome']}")
    texts = [str(entry["final"]["text"]), *(str(call["arguments"]) for call in entry["final"]["calls"])]
    if any(map(is_cut, texts)):
        raise Unfit("what was delivered was too long to be kept whole")
    if any(REDACTED in text for text in texts):
        raise Unfit("what was delivered held a secret, which was taken out")


@dataclass(frozen=True, slots=True)
class Served:
    """A turn that was served again: its plan, what was delivered, and the outcome."""

    plan: Plan
    turn: Turn
    outcome: str


async def _served(entry: Entry, plan: Plan, terms: Terms) -> Served:
    """Serve the turn again. Raises Unfit where today's code delivers something else, or no call."""
    page, watched = Page(), Watched(entry)
    upstream = Recorded(terms.settings, entry["attempts"], aborted=False)
    services = replace(services_of(entry, plan, terms, upstream, page), sessions=watched)
    await Exchange(services, plan, {}, str(entry["turn"])).run(Silent(streamed=plan.streamed))
    if watched.plan is None or watched.turn is None or page.record is None:
        raise Unfit(DRIFTED)
    now = page.record.final
    before = [(call["name"], call["arguments"]) for call in entry["final"]["calls"]]
    if now.text != entry["final"]["text"] or [(call.name, call.arguments) for call in now.calls] != before:
        raise Unfit(DRIFTED)
    if not watched.turn.calls:
        raise Unfit("no call was delivered")
    return Served(watched.plan, watched.turn, page.record.outcome)


async def _refuse_what_is_wrong(call: ToolCall, within: Conversation, checker: Checker) -> None:
    spec = within.tool(call.name)
    if spec is None or isinstance(call.arguments, str) or not call.whole:
        raise Unfit("a delivered call is none of a declared tool")
    if is_plain_tool(spec):
        found: Any = judge(call, within)
    else:
        outcome = await checker.check(call, spec)
        if isinstance(outcome, Skipped):
            raise Unfit("a delivered call could not be checked against its schema")
        found = outcome.items
    if found:
        raise Unfit("a delivered call does not fit its schema")
