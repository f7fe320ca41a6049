"""What is said about a turn afterwards: the reply's headers, the operator's event, the journal's record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from adapters.conversations import conversation_id
from adapters.engine.compare import EngineFault
from adapters.models.native import arguments_text
from adapters.turns import ECHOED, RECOVERED
from proxy import record
from proxy.answer import Answer
from proxy.engine import REREAD
from proxy.errors import BadRequest, Fault
from proxy.journal import Journal
from proxy.plan import Plan
from proxy.reading import Reader
from rules.conversation import Turn

log = structlog.get_logger()

Name = Literal["as-is", "mended", "asked-again", "failed-open", "relayed", "error", "aborted"]


@dataclass(frozen=True, slots=True)
class End:
    """How serving a turn ended: with what was delivered, with an error, or (not `complete`) with neither."""

    turn: Turn | None = None
    error: Fault | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. `fault` and `reason` say what was wrong with it first, empty where nothing was.

    as-is        right as it came
    mended       put right from what was there: by rules, or by reading what the server's own parser lost
    asked-again  put right by the model itself
    failed-open  not put right; delivered in a form that the client survives
    relayed      passed on untouched, since the tools that its prompt describes could not be read
    error        no answer
    aborted      the client was gone, or we failed (the log then has "unhandled"), before an answer was delivered
    """

    name: Name
    fault: str = ""
    reason: str = ""
    repairs: tuple[str, ...] = ()

    @staticmethod
    def of(answers: Sequence[Answer], end: End) -> Outcome:
        """Judge a turn by its answers, and by how it ended."""
        repairs = tuple(dict.fromkeys(name for answer in answers for name in answer.verdict.repairs))
        if end.error is not None:
            return Outcome("error", "client-schema" if isinstance(end.error, BadRequest) else "upstream", end.error.code, repairs)
        if not end.complete:
            return Outcome("aborted", "", "unfinished", repairs)
        problem = next((answer.problem for answer in answers if answer.problem), None)
        fault, reason = (problem.fault, problem.reason) if problem else _mended(repairs)
        if problem is None and not repairs and answers and answers[-1].engine:
            return Outcome("mended", "engine-parser", answers[-1].engine.kind)
        if problem is None and not repairs and answers and not answers[-1].reader.done:
            return Outcome("as-is", "upstream", "missing-done")
        if answers[-1].problem is not None:
            return Outcome("failed-open", fault, reason, repairs)
        if len(answers) > 1:
            return Outcome("asked-again", fault, reason, repairs)
        return Outcome("mended" if repairs else "as-is", fault, reason, repairs)


MENDED_BY = {
    "match_tool_name": "model-name",
    "alias_tool_name": "model-name",
    "read_shell_fence": "model-format",
    "drop_unreadable_call": "model-format",
    "read_arguments": "model-format",
    "collapse_duplicates": "model-loop",
    "keep_first_call": "model-format",
    RECOVERED: "model-format",
    ECHOED: "model-format",
    REREAD: "model-format",
}
"""Rule -> the class of fault that it mends; all others mend arguments. What is no rule is found by reading the whole answer."""


def _mended(repairs: Sequence[str]) -> tuple[str, str]:
    """Return the class and reason of a turn that rules put right: the first rule's."""
    return (MENDED_BY.get(repairs[0], "model-arguments"), repairs[0]) if repairs else ("", "")


@dataclass(frozen=True, slots=True)
class Subject:
    """The turn that is spoken of.

    timings  in seconds
    readers  of all answers in order, where some broke off
    moves    from the next turn on the tools of this conversation are told as text
    """

    plan: Plan
    turn_id: str
    answers: Sequence[Answer]
    end: End
    timings: Mapping[str, float]
    readers: Sequence[Reader] = ()
    moves: bool = False

    @property
    def heard(self) -> list[Answer | Reader]:
        """All that came, in order: answers, and readers of what broke off."""
        finished: dict[int, Answer | Reader] = {id(answer.reader): answer for answer in self.answers}
        return [finished.get(id(reader), reader) for reader in self.readers or [answer.reader for answer in self.answers]]


def note(subject: Subject, journal: Journal | None, upstream: str) -> None:
    """Tell the operator in one line, and the journal where the turn was not right as it came."""
    plan, outcome = subject.plan, Outcome.of(subject.answers, subject.end)
    faults = [answer.engine for answer in subject.answers if answer.engine]
    log.info(
        "answered",
        turn=subject.turn_id,
        client=plan.client.name,
        model=plan.model[:200],
        outcome=outcome.name,
        attempts=len(subject.heard),
        repairs=outcome.repairs,
        healed=plan.history.steps,
        reason=outcome.reason,
        engine=tuple(each.name or each.kind for each in faults),
        engine_issues=tuple(dict.fromkeys(issue for each in faults for issue in each.issues)),
        error=subject.end.error.message[:500] if subject.end.error else "",
        seconds=round(subject.timings["total"], 3),
    )
    if subject.moves:
        log.warning("native calls keep failing: moved to text", turn=subject.turn_id, dialect=plan.profile.text_dialect)
    notable = outcome.name != "as-is" or outcome.reason or plan.history.raised or any(map(_odd, subject.answers))
    if journal is not None and notable:
        journal.write(as_record(subject, outcome, upstream))


def note_unreadable(plan: Plan, turn_id: str, journal: Journal | None, upstream: str) -> None:
    """Tell operator and journal of a request that is passed on because the tools in its prompt cannot be read."""
    outcome = Outcome("relayed", "client-schema", plan.unreadable)
    log.warning("unreadable", turn=turn_id, client=plan.client.name, model=plan.model[:200], reason=outcome.reason)
    if journal is not None:
        journal.write(as_record(Subject(plan, turn_id, (), End(complete=True), {}), outcome, upstream))


def _odd(answer: Answer) -> bool:
    return bool(answer.verdict.raised or answer.unchecked or answer.engine) or answer.turn.ending in ("length", "cut")


def as_record(subject: Subject, outcome: Outcome, upstream: str) -> record.Record:
    """Write a turn down as the journal has it."""
    plan, answers = subject.plan, subject.answers
    heard = subject.heard
    used = [each.tokens() if isinstance(each, Reader) else each.usage for each in heard]
    completion, prompt = sum(each.completion for each in used), sum(each.prompt for each in used)
    first = used[0].prompt + used[0].completion if used else 0
    return record.Record(
        ts=time.time(),
        turn=subject.turn_id,
        conversation=conversation_id(plan.conversation),
        client=plan.client.name,
        model=plan.model,
        dialect=plan.dialect.name if plan.dialect else "native",
        moved_to=plan.profile.text_dialect if subject.moves else "",
        profile=plan.profile.name,
        mode=plan.mode,
        outcome=outcome.name,
        fault=outcome.fault,
        reason=outcome.reason,
        attempts=tuple(_broken(each) if isinstance(each, Reader) else _attempt(each) for each in heard),
        repairs=outcome.repairs,
        healed=plan.history.steps,
        engine=tuple(_engine(at, each.engine) for at, each in enumerate(heard, 1) if isinstance(each, Answer) and each.engine),
        skipped_rules=(*plan.history.raised, *(name for each in answers for name in (*each.verdict.raised, *each.unchecked))),
        final=_final(subject.end.turn),
        usage=record.Usage(prompt, completion, prompt + completion, prompt + completion - first),
        timings=subject.timings,
        upstream=upstream,
        request=record.Asked(len(plan.conversation.turns), tuple(tool.name for tool in plan.conversation.tools), plan.streamed),
    )


def _attempt(answer: Answer) -> record.Attempt:
    usage = record.Usage(answer.usage.prompt, answer.usage.completion, answer.usage.prompt + answer.usage.completion)
    problem = answer.problem.reason if answer.problem else ""
    repeated = record.Repeated(answer.repeat.chars, answer.repeat.tokens) if answer.repeat else record.Repeated()
    seconds = round(answer.seconds, 4)
    return record.Attempt(answer.raw, answer.turn.ending, usage, seconds, problem, repeated=repeated, rung=answer.reader.rung)


def _engine(attempt: int, fault: EngineFault) -> record.Engine:
    return record.Engine(attempt, fault.kind, fault.name, fault.issues, fault.version, fault.read, fault.served)


def _broken(reader: Reader) -> record.Attempt:
    used = reader.tokens()
    usage = record.Usage(used.prompt, used.completion, used.prompt + used.completion)
    return record.Attempt(reader.raw, "cut", usage, problem="broke-off", rung=reader.rung)


def _final(turn: Turn | None) -> record.Final:
    if turn is None:
        return record.Final()
    return record.Final(turn.text, tuple(record.FinalCall(call.name, arguments_text(call)) for call in turn.calls))
