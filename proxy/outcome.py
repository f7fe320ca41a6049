"""How a turn ended, and whose fault it was that it was not right as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from proxy.answer import Answer
from proxy.errors import BadRequest, Fault, Stopping, UpstreamRefused
from proxy.failures.base import Class
from proxy.failures.refusals import Told, refused_as
from proxy.failures.table import MENDED_BY
from proxy.heard import Heard, answers_of
from proxy.plan import Plan
from rules.conversation import Turn

Name = Literal["as-is", "mended", "asked-again", "failed-open", "relayed", "error", "aborted"]

CONCEDED: Final = {
    "merge_users": Told("engine-template", "merge_users"),
    "system_first": Told("engine-template", "system_first"),
    "plain_content": Told("engine-template", "plain_content"),
    "tools_in_prompt": Told("engine-parser", "no-tool-parser"),
}
"""What requests had to do without because of how the server was started, and what that is called."""


@dataclass(frozen=True, slots=True)
class End:
    """How serving a turn ended: with what was delivered, with an error, or (not `complete`) with neither.

    failed  we raised an exception
    """

    turn: Turn | None = None
    error: Fault | None = None
    complete: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. `fault` and `reason` say what was wrong with it first, empty where nothing was (docs/failures.md).

    as-is        right as it came
    mended       put right from what was there: by rules, by reading what the server's parser lost, by writing the request anew
    asked-again  put right by the model itself
    failed-open  not put right; delivered in a form that the client survives
    relayed      passed on untouched, since the tools that its prompt describes could not be read
    error        no answer
    aborted      the client was gone before an answer was delivered
    """

    name: Name
    fault: Class | Literal[""] = ""
    reason: str = ""
    repairs: tuple[str, ...] = ()


def outcome_of(plan: Plan, heard: Sequence[Heard], end: End) -> Outcome:
    """Judge a turn by what was heard, and by how it ended."""
    answers = answers_of(heard)
    repairs = tuple(dict.fromkeys(name for answer in answers for name in answer.verdict.repairs))
    if end.error is not None:
        told = _of_error(end.error)
        return Outcome("error", told.fault, told.reason, repairs)
    if end.failed:
        return Outcome("error", "ours", "unhandled", repairs)
    if not end.complete:
        return Outcome("aborted", "upstream", "unfinished", repairs)
    return _of_answers(answers, repairs) or _of_request(heard) or _of_rest(answers, plan)


def _of_error(error: Fault) -> Told:
    if isinstance(error, UpstreamRefused):
        return refused_as(error.status, error.words)
    if isinstance(error, Stopping):
        return Told("ours", error.code)
    return Told("client-schema" if isinstance(error, BadRequest) else "upstream", error.code)


def _of_answers(answers: Sequence[Answer], repairs: tuple[str, ...]) -> Outcome | None:
    """Judge what the model wrote and the server made of it; None where both were right."""
    problem = next((answer.problem for answer in answers if answer.problem), None)
    if problem is not None:
        name: Name = "asked-again" if answers[-1].problem is None else "failed-open"
        return Outcome(name, problem.fault, problem.reason, repairs)
    if repairs:
        return Outcome("mended", MENDED_BY.get(repairs[0], "model-arguments"), repairs[0], repairs)
    engine = answers[-1].engine if answers else None
    return Outcome("mended", "engine-parser", engine.kind) if engine else None


def _of_request(heard: Sequence[Heard]) -> Outcome | None:
    """Judge what the server complained of before it answered."""
    told = next((CONCEDED[each.learned.name] for each in heard if each.learned and each.learned.name in CONCEDED), None)
    return Outcome("mended", told.fault, told.reason) if told else None


def _of_rest(answers: Sequence[Answer], plan: Plan) -> Outcome:
    """Judge what does no harm to this turn, and is worth a line."""
    if plan.history.raised or any(answer.verdict.raised for answer in answers):
        return Outcome("as-is", "ours", "rule-failed")
    if any(answer.unchecked for answer in answers):
        return Outcome("as-is", "ours", "check-skipped")
    if answers and answers[-1].is_cut:
        return Outcome("as-is", "truncated", "text-cut")
    if answers and not answers[-1].reader.done:
        return Outcome("as-is", "upstream", "missing-done")
    return Outcome("as-is", "client-history", plan.broken[0]) if plan.broken else Outcome("as-is")
