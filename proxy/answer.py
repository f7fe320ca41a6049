"""One answer of the model: asked for, read as it streams, decoded, and judged by the rules."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import aiohttp

from adapters.base import Unwritable
from adapters.engine.compare import EngineFault
from adapters.guards.repeat import Repeat, problem_of, told_once
from adapters.structured.constraint import Constraint
from adapters.turns import ECHOED, RECOVERED, TurnBuilder, recovered, unechoed, unfenced
from proxy.arriving import Reading, Show, Shown, pieces, read_pieces
from proxy.checker import Skipped
from proxy.decoding import Decoding
from proxy.engine import compared
from proxy.errors import UpstreamBroken
from proxy.plan import Plan
from proxy.reading import Reader, Usage
from rules.advice import capped, quoted
from rules.base import Problem, Verdict, repair
from rules.conversation import ToolCall, Turn
from rules.problems import problem_from
from rules.registry import RULES
from rules.schema import is_plain_tool


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt, finished. `raw` is the model's exact text where the server gave it; `seconds` is its duration.

    engine    what the server's own parsers got wrong; None: nothing, or they were not asked
    told      `raw` as it is told back to the model: what it repeats without end is counted
    repeat    what it repeated when it was cut off
    left_out  names of calls that are not delivered, because the client takes one
    """

    verdict: Verdict
    raw: str
    usage: Usage
    seconds: float
    reader: Reader
    unchecked: tuple[str, ...] = ()
    engine: EngineFault | None = None
    told: str = ""
    repeat: Repeat | None = None
    left_out: tuple[str, ...] = ()

    @property
    def turn(self) -> Turn:
        """The turn, mended."""
        return self.verdict.turn

    @property
    def problem(self) -> Problem | None:
        """What only the model can mend."""
        return self.verdict.problem

    @property
    def is_cut(self) -> bool:
        """Whether a limit, or the server, ended it; a stop string is the client's own wish."""
        return self.turn.ending == "length" or (self.turn.ending == "cut" and not isinstance(self.reader.stop_reason, str))


async def read_answer(reading: Reading, response: aiohttp.ClientResponse, show: Show) -> Answer:
    """Read, decode and judge one answer. Raises the faults of the model server."""
    plan, upstream = reading.plan, reading.upstream
    reader = Reader(plan.profile.raw, reading.limit, keep_logprobs=plan.wants_logprobs, rung=reading.rung)
    reading.begun(reader)
    decoding = Decoding(plan, TurnBuilder(keep_thinking=plan.keeps_thinking))
    problem = None
    async for some in pieces(upstream, response, reader):
        problem = await read_pieces(reading, decoding, reader, some, show)
        if problem:
            response.close()
            break
    if reader.finish_reason == "repetition":  # the server was asked to look out for it as well
        problem = problem or problem_of("repeated-cycle")
    if problem is None and reader.finish_reason is None:
        raise UpstreamBroken("the model server's answer broke off before it was finished (no finish_reason)", code="truncated")
    text, thought = decoding.finish(reader)
    last, turn = decoding.builder.finish("cut" if problem else reader.ending())
    if (turn.text.strip() or thought) and not problem:
        await show(reader, Shown(text + last, thought, ()))
    written, mended = finished(plan, turn, decoding, reader)
    verdict, unchecked = await judge(reading, written, problem)
    left_out = left_out_of(written, verdict) if "keep_first_call" in verdict.repairs else ()
    engine, reread = compared(decoding, reader, written, verdict, reading.known) if reading.parsed and not problem else (None, ())
    turn = replace(verdict.turn, calls=tuple(identified(verdict.turn.calls)))
    verdict = replace(verdict, turn=turn, repairs=mended + reread + verdict.repairs)
    spent, told = time.monotonic() - reading.since, decoding.told(reader)
    return Answer(verdict, reader.raw, reader.tokens(), spent, reader, unchecked, engine, told, decoding.repeat, left_out)


async def complete(reading: Reading, before: Answer, answer: Answer, constraint: Constraint) -> Answer | None:
    """Judge the turn before, its call completed by an answer under a grammar; None where that is not what was asked for."""
    if answer.turn.ending not in ("stop", "unsure"):
        return None
    texts = (answer.raw, answer.turn.text, answer.reader.content)
    turn = next((made for text in texts if (made := constraint.settled(before.turn, text)) is not None), None)
    if turn is None:
        return None
    verdict, unchecked = await judge(reading, turn, None)
    turn = replace(verdict.turn, calls=tuple(identified(verdict.turn.calls)))
    verdict = replace(verdict, turn=turn, repairs=before.verdict.repairs + verdict.repairs)
    return replace(answer, verdict=verdict, unchecked=unchecked, engine=None, told="", left_out=before.left_out)


def left_out_of(turn: Turn, verdict: Verdict) -> tuple[str, ...]:
    """Name the calls of a turn that gave way to the one that is delivered."""
    names = [call.name for call in turn.calls]
    kept = verdict.turn.calls[0].name
    names.remove(kept if kept in names else names[0])
    return tuple(names)


def finished(plan: Plan, turn: Turn, decoding: Decoding, reader: Reader) -> tuple[Turn, tuple[str, ...]]:
    """Settle what only the whole answer shows: calls of tools that nobody declared, a call in a thought, a thought that was none.

    A profile may be wrong about its template: what it takes for an unfinished thought, while the server shows it as the
    answer, is the answer. Taking it away would be worse than no proxy at all.

    Returns the turn and what is to be written down as mended.
    """
    if decoding.repeat:
        turn = replace(turn, text=told_once(turn.text, decoding.repeat), thinking=told_once(turn.thinking, decoding.repeat))
    if not plan.conversation.tools:
        turn = replace(turn, calls=())
    if plan.conversation.policy.acts:
        turn = unfenced(turn, plan.grammar())
    if decoding.bare:
        turn = replace(turn, text="")
    if plan.client.takes is not None:
        turn = plan.client.takes(turn, plan.conversation)
    mended: list[str] = []
    if decoding.builder.behind and not plan.prompted:
        before, turn = turn, unechoed(turn, decoding.builder.calls, plan.conversation)
        mended += [ECHOED] if turn is not before else []
    before, turn = turn, recovered(turn, plan.grammar(), plan.conversation)
    mended += [RECOVERED] if turn is not before else []
    return _said(turn, decoding, reader), tuple(mended)


def _said(turn: Turn, decoding: Decoding, reader: Reader) -> Turn:
    """Take for the answer what a wrong profile took for a thought."""
    mistaken = decoding.opened == "yes" and not reader.split and turn.ending == "stop"
    if mistaken and turn.thinking and not turn.text and not turn.calls and reader.content.strip():
        return replace(turn, text=reader.content, thinking="")
    return turn


def identified(calls: Iterable[ToolCall]) -> Iterable[ToolCall]:
    """Give each call an id of its own; a server's id stays where it is the first of its kind."""
    seen: set[str] = set()
    for call in calls:
        new = call.id if call.id and call.id not in seen else f"call_{secrets.token_hex(12)}"
        seen.add(new)
        yield replace(call, id=new)


async def judge(reading: Reading, turn: Turn, problem: Problem | None) -> tuple[Verdict, tuple[str, ...]]:
    """Run the rules, and check what is not plain in the worker. Returns the verdict and why checks were skipped.

    problem  what is wrong with the answer as a whole: no rule looks at what it holds
    """
    if problem is not None:
        return Verdict(turn, problem=problem), ()
    verdict = repair(turn, reading.plan.conversation, RULES)
    if verdict.problem is not None:
        return verdict, ()
    skipped: list[str] = []
    for call in verdict.turn.calls:
        spec = reading.plan.conversation.tool(call.name)
        if spec is None or is_plain_tool(spec):
            continue
        found = await reading.checker.check(call, spec)
        if isinstance(found, Skipped):
            skipped.append(found.reason)
        elif found.items:
            return replace(verdict, problem=problem_from(call, found.items)), tuple(skipped)
    return replace(verdict, problem=uncarried(verdict.turn, reading.plan)), tuple(skipped)


def uncarried(turn: Turn, plan: Plan) -> Problem | None:
    """Find what the client's own format cannot carry in a turn that is otherwise right."""
    try:
        plan.client.express(turn, plan.conversation)
    except Unwritable as error:
        call = turn.calls[0] if turn.calls else None
        what = f"Your call of {quoted(call.name)} cannot be passed on. " if call else ""
        return Problem("uncarriable-value", "model-arguments", capped(f"{what}{error}"), call)
    return None
