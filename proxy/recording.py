"""Writes a turn down as the journal has it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.conversations import conversation_id
from adapters.models.native import arguments_text
from proxy import record
from proxy.answer import Answer
from proxy.errors import UpstreamRefused
from proxy.heard import Heard, Knowledge, answers_of, usage_of
from proxy.outcome import End, Outcome
from proxy.plan import Plan
from proxy.reading import Reader
from proxy.redact import excerpt
from proxy.tally import Spent
from rules.conversation import ToolCall, Turn

BROKE_OFF = "broke-off"
"""What an answer is called that was given up in mid-stream: its client, or our time, was gone."""

ERROR = 4_000
"""Characters of an error's words that are kept."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The turn that is spoken of.

    heard    what came of each question, in order
    timings  in seconds
    known    what the process knew when it began
    moves    from the next turn on the tools of this conversation are told as text
    """

    plan: Plan
    turn_id: str
    heard: Sequence[Heard]
    end: End
    timings: Mapping[str, float]
    known: Knowledge = field(default_factory=Knowledge)
    moves: bool = False

    @property
    def answers(self) -> list[Answer]:
        """The finished answers, in order."""
        return answers_of(self.heard)


def as_record(subject: Subject, outcome: Outcome, upstream: str) -> record.Record:
    """Write a turn down as the journal has it."""
    plan, heard = subject.plan, subject.heard
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
        attempts=tuple(map(_attempt, heard)),
        repairs=outcome.repairs,
        healed=plan.history.steps,
        engine=tuple(_engine(at, each.answer) for at, each in enumerate(heard, 1) if each.answer and each.answer.engine),
        skipped_rules=(
            *plan.history.raised,
            *(name for each in subject.answers for name in (*each.verdict.raised, *each.unchecked)),
        ),
        final=_final(subject.end.turn),
        usage=_usage(subject),
        timings=subject.timings,
        upstream=upstream,
        request=_asked(plan),
        known=_known(subject),
    )


def _usage(subject: Subject) -> record.Usage:
    """Add up the tokens of all answers, also of those that broke off; `extra` is what came behind the first."""
    used = [each.prompt + each.completion for each in (heard.usage for heard in subject.heard if heard.reader)]
    total = usage_of(subject.heard)
    return record.Usage(total.prompt, total.completion, sum(used), sum(used[1:]))


def _known(subject: Subject) -> record.Known:
    """Write down what decided beside the request."""
    plan, known = subject.plan, subject.known
    return record.Known(
        server=known.server.fields(),
        granted=tuple(sorted(each.name for each in known.granted)),
        ungrammatical=known.ungrammatical,
        dropped=_calls(plan.conversation.dropped),
        note=plan.note,
        broken=plan.broken,
    )


def spent(subject: Subject) -> Spent:
    """Say what a turn cost."""
    used, total = usage_of(subject.heard), subject.timings.get("total", 0.0)
    first = next((each for each in subject.heard if each.answer), None)
    if first is None or first.answer is None or len(subject.answers) < 2:
        return Spent(used.completion, 0, total, 0.0)
    extra = used.prompt + used.completion - first.usage.prompt - first.usage.completion
    return Spent(used.completion, max(extra, 0), total, max(total - first.answer.seconds, 0.0))


def called(subject: Subject) -> bool:
    """Say whether the model made a call."""
    return any(answer.turn.calls for answer in subject.answers)


def _asked(plan: Plan) -> record.Asked:
    tools = tuple(tool.name for tool in plan.conversation.tools)
    return record.Asked(len(plan.conversation.turns), tools, plan.streamed, plan.prefix, plan.body.having({}))


def _attempt(heard: Heard) -> record.Attempt:
    """Write down what came of one question."""
    used, fault, answer = heard.usage, heard.fault, heard.answer
    attempt = record.Attempt(
        heard.reader.raw if heard.reader else "",
        "cut",
        record.Usage(used.prompt, used.completion, used.prompt + used.completion),
        problem=fault.code if fault else "" if answer else BROKE_OFF,
        http=fault.status if fault else 200,
        error=excerpt(fault.words if isinstance(fault, UpstreamRefused) else fault.message, ERROR) if fault else "",
        conceded=heard.learned.name if heard.learned else "",
        rung=heard.rung,
        came=_came(heard.reader) if heard.reader else record.Came(),
    )
    return _answered(attempt, answer) if answer else attempt


def _answered(attempt: record.Attempt, answer: Answer) -> record.Attempt:
    repeat = answer.repeat
    return replace(
        attempt,
        ending=answer.turn.ending,
        seconds=round(answer.seconds, 4),
        problem=answer.problem.reason if answer.problem else "",
        repeated=record.Repeated(repeat.chars, repeat.tokens) if repeat else record.Repeated(),
        came=replace(attempt.came, lengths=answer.reader.lengths if repeat else ()),
    )


def _came(reader: Reader) -> record.Came:
    """Write down how the server gave an answer."""
    return record.Came(
        reader.source,
        None if reader.content == reader.raw else reader.content,
        reader.thought,
        _calls(event.call for event in reader.calls()),
        reader.finish_reason or "",
        reader.stop_reason if isinstance(reader.stop_reason, str) else "",
        reader.ended,
        reader.streamed,
        reader.done,
        version=reader.fingerprint or "",
    )


def _engine(attempt: int, answer: Answer) -> record.Engine:
    fault = answer.engine
    assert fault is not None
    return record.Engine(attempt, fault.kind, fault.name, fault.issues, fault.version, fault.read, fault.served)


def _calls(calls: Iterable[ToolCall]) -> tuple[record.FinalCall, ...]:
    return tuple(record.FinalCall(call.name, arguments_text(call)) for call in calls)


def _final(turn: Turn | None) -> record.Final:
    """Write down what the client got."""
    return record.Final(turn.text, _calls(turn.calls)) if turn else record.Final()
