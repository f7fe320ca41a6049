"""What is said about a turn afterwards: the operator's event, and where it was not right as it came, the journal's record."""

from __future__ import annotations

import structlog

from proxy.heard import begun
from proxy.journal import Book
from proxy.outcome import End, Outcome, outcome_of
from proxy.plan import Plan
from proxy.recording import Subject, as_record, called, spent
from proxy.redact import excerpt
from proxy.tally import Kind
from proxy.watch import count_turn

log = structlog.get_logger()


def note(subject: Subject, journal: Book | None, upstream: str) -> None:
    """Tell the operator in one line, and the journal where the turn was not right as it came."""
    plan, outcome = subject.plan, outcome_of(subject.plan, subject.heard, subject.end)
    count_turn(subject, outcome)
    faults = [answer.engine for answer in subject.answers if answer.engine]
    log.info(
        "answered",
        turn=subject.turn_id,
        client=plan.client.name,
        model=excerpt(plan.model, 200),
        outcome=outcome.name,
        attempts=begun(subject.heard),
        repairs=outcome.repairs,
        healed=plan.history.steps,
        reason=outcome.reason,
        engine=tuple(each.name or each.kind for each in faults),
        engine_issues=tuple(dict.fromkeys(issue for each in faults for issue in each.issues)),
        error=excerpt(subject.end.error.told, 500) if subject.end.error else "",
        seconds=round(subject.timings["total"], 3),
    )
    if subject.moves:
        log.warning("native calls keep failing: moved to text", turn=subject.turn_id, dialect=plan.profile.text_dialect)
    notable = outcome.name != "as-is" or outcome.reason
    if journal is not None:
        journal.count(
            Kind(plan.client.name, excerpt(plan.model, 200), plan.profile.name, plan.mode),
            outcome,
            spent(subject),
            called=called(subject),
        )
        if notable:
            journal.write(as_record(subject, outcome, upstream))


def kind_of(plan: Plan) -> Kind:
    """Say with which other turns a turn is counted."""
    return Kind(plan.client.name, excerpt(plan.model, 200), plan.profile.name, plan.mode)


def note_unreadable(plan: Plan, turn_id: str, journal: Book | None, upstream: str) -> None:
    """Tell operator and journal of a request that is passed on because the tools in its prompt cannot be read."""
    outcome = Outcome("relayed", "client-schema", plan.unreadable)
    log.warning("unreadable", turn=turn_id, client=plan.client.name, model=excerpt(plan.model, 200), reason=outcome.reason)
    subject = Subject(plan, turn_id, (), End(complete=True), {})
    count_turn(subject, outcome)
    if journal is not None:
        journal.count(kind_of(plan), outcome, spent(subject), called=False)
        journal.write(as_record(subject, outcome, upstream))
