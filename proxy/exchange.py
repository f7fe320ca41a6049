"""One chat request, from the client's bytes to the client's answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import structlog
from aiohttp import web

from adapters.advice import ask_again, ask_under_grammar, quoted, shorten
from adapters.base import Unwritable
from adapters.clients.chat_wire import Ends, Head
from proxy.answer import Answer, Reading, Shown, complete, read_answer
from proxy.checker import Checker
from proxy.concessions import NO_LOGPROBS, Concession, Memory
from proxy.constrained import Grammars, constraint_for
from proxy.errors import Fault, UpstreamBroken, UpstreamRefused
from proxy.journal import Journal
from proxy.ladder import RIGHT, Allowance, Gate, allowance, best_of, calming, fail_open, sampling
from proxy.notes import End, Outcome, Subject, note
from proxy.plan import Plan, Question, parses, upstream_body
from proxy.profiles import Profile
from proxy.reading import Reader, Usage
from proxy.reply import Reply, StreamReply, WholeReply
from proxy.sessions import Sessions
from proxy.settings import Settings
from proxy.upstream import Upstream
from rules.base import Problem
from rules.conversation import Turn

log = structlog.get_logger()

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    profiles: tuple[Profile, ...]
    upstream: Upstream
    checker: Checker
    journal: Journal | None
    memory: Memory = field(default_factory=Memory)
    gate: Gate = field(default_factory=Gate)
    sessions: Sessions = field(default_factory=Sessions)
    grammars: Grammars = field(default_factory=Grammars)


class Exchange:
    """Serves one chat request. All of its state lives and dies with the request."""

    def __init__(self, services: Services, plan: Plan, headers: Mapping[str, str], turn_id: str) -> None:
        self._services = services
        self._plan = services.sessions.settle(plan, headers)
        self._headers = headers
        self._turn_id = turn_id
        self._started = time.monotonic()
        self._answers: list[Answer] = []
        self._readers: list[Reader] = []
        self._constrained: set[tuple[str, tuple[str, ...]]] = set()
        self._reply: Reply
        self._first_byte: float | None = None
        self._logprobs: tuple[Any, ...] = ()

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Answer the request, write down what was not right, and tell the operator in one line."""
        headers = {"x-toolmend-turn": self._turn_id, "x-toolmend-mode": self._plan.mode}
        reply = StreamReply(request, headers, self._services.settings.limits) if self._plan.streamed else WholeReply(headers)
        gate = self._services.gate
        gate.active += 1
        end = End()
        try:
            async with reply:
                self._reply = reply
                try:
                    turn = await self._settle()
                    response = await reply.finish(self._head(), turn, self._ends(turn), self._notes())
                    end = End(turn, complete=True)
                    return response
                except Fault as error:
                    end, error.noted = End(error=error, complete=True), True
                    return await reply.fail(error)
        finally:
            gate.active -= 1
            self._write_down(end)

    # -- asking

    async def _settle(self) -> Turn:
        """Ask until the turn is right or the budget is spent; return it as the client takes it."""
        answer = first = await self._ask(Question())
        allowed = allowance(self._services.settings.budget, self._headers, self._started)
        while (
            answer.problem is not None
            and self._worth_asking(answer.problem)
            and allowed.left
            and await self._services.gate.enter(allowed.seconds)
        ):
            before = len(self._readers)
            again = await self._ask_again(answer, allowed)
            if again is None:
                break
            spent = sum(reader.tokens().completion for reader in self._readers[before:])
            answer, allowed = again, allowed.spent(spent)
        turn = answer.turn
        if answer.problem is not None:
            turn = fail_open(best_of(first, answer), self._plan.client.name, self._plan.conversation)
        elif first.problem is not None and first.problem.reason in RIGHT and not turn.text.strip():
            turn = replace(turn, text=first.turn.text)  # it was right, and as a stream it has been shown
        self._services.sessions.delivered(self._plan, self._headers, turn, answer.left_out)
        return self._expressed(self._behind_what_was_sent(turn))

    def _worth_asking(self, problem: Problem) -> bool:
        return not problem.hopeless and not (problem.once and problem.reason in self._plan.conversation.asked)

    def _expressed(self, turn: Turn) -> Turn:
        """Write a turn as the client takes it. A call that it cannot be given, asked again or not, is shown as text."""
        express, within = self._plan.client.express, self._plan.conversation
        try:
            return express(turn, within)
        except Unwritable:
            return express(replace(turn, calls=(), text=shorten(quoted(turn))), within)

    def _behind_what_was_sent(self, turn: Turn) -> Turn:
        """Put a turn behind the text that the client has seen, which cannot be taken back."""
        sent = self._reply.sent
        if turn.text.startswith(sent):
            return turn
        return replace(turn, text=sent if turn.calls or sent.startswith(turn.text) else f"{sent}\n\n{turn.text}".rstrip())

    async def _ask_again(self, answer: Answer, allowed: Allowance) -> Answer | None:
        """Ask once more, with advice and changed sampling. Where that fails, the answer that we have has to do."""
        assert answer.problem is not None
        question = self._next_question(answer, allowed)
        self._plan = self._plan.asked(answer.problem.reason)
        try:
            with self._services.gate.asking():
                async with asyncio.timeout(max(allowed.seconds, 0.001)):
                    if question.constraint is not None:
                        settled = await self._ask_constrained(answer, question)
                        if settled is not None:
                            return settled
                        question = self._in_words(answer, allowed)
                    return await self._ask(question)
        except (Fault, TimeoutError) as error:
            log.warning("asking again failed", turn=self._turn_id, error=str(error) or "out of time")
            return None

    def _next_question(self, answer: Answer, allowed: Allowance) -> Question:
        """Return what is asked next: for what is missing alone, under a grammar, where that can be; else for all, in words."""
        assert answer.problem is not None
        grammars, model = self._services.grammars, self._plan.model
        form = grammars.form(model)
        made = constraint_for(answer.problem, answer.turn, self._plan.conversation, form) if form else None
        if made is None or (made.call.name, made.names) in self._constrained or not grammars.bears(model, made):
            return self._in_words(answer, allowed)
        self._constrained.add((made.call.name, made.names))
        more = ask_under_grammar(answer.turn, answer.told, answer.problem, made.names)
        changed = sampling(len(self._answers), allowed, self._plan.limit)
        return Question(tuple(more), frozenset(), changed, allowed.tokens, made)

    def _in_words(self, answer: Answer, allowed: Allowance) -> Question:
        assert answer.problem is not None
        number = len(self._answers)
        more = ask_again(answer.turn, answer.told, answer.problem)
        changed = sampling(number, allowed, self._plan.limit) | calming(number, answer.problem)
        return Question(tuple(more), answer.problem.hides, changed, allowed.tokens)

    async def _ask_constrained(self, before: Answer, question: Question) -> Answer | None:
        """Ask under a grammar, and put what comes into the call; None where nothing comes of it.

        A model that makes the call once more was not held to the grammar; its call counts.
        """
        assert question.constraint is not None
        grammars, model = self._services.grammars, self._plan.model
        try:
            answer = await self._ask(question)
        except (UpstreamRefused, UpstreamBroken) as error:
            log.warning("the grammar failed", turn=self._turn_id, form=question.constraint.form.name, error=str(error))
            grammars.refused(model, question.constraint)
            return None
        completed = await complete(self._reading(question), before, answer, question.constraint)
        if completed is None:
            if answer.turn.ending == "stop":
                grammars.ignored(model, question.constraint.form)
            return answer if answer.turn.calls else None
        self._answers[-1] = completed
        return completed

    async def _ask(self, question: Question) -> Answer:
        """Ask the model, and once more for each thing that its server turns out not to bear."""
        services, plan = self._services, self._plan
        while True:
            granted = services.memory.granted(plan.model)
            body = upstream_body(plan, granted, question)
            try:
                answer = await self._send(body, question, granted)
            except UpstreamRefused as refusal:
                if refusal.status == 400 and services.memory.learn(plan.model, refusal.words, plan.body.fields):
                    continue
                raise
            if answer.reader.unspaced:
                services.memory.grant(plan.model, NO_LOGPROBS)
            self._answers.append(answer)
            return answer

    async def _send(self, body: bytes, question: Question, granted: frozenset[Concession]) -> Answer:
        plan, upstream = self._plan, self._services.upstream
        show = self._show if not self._answers else self._keep
        async with upstream.ask("POST", CHAT, body, upstream.headers(self._headers)) as response:
            if response.status != 200:
                raise await upstream.refusal(response)
            self._first_byte = self._first_byte or time.monotonic()
            async with upstream.bounded():
                reading = self._reading(question, parsed=parses(plan, granted) and question.constraint is None)
                return await read_answer(reading, response, show)

    def _reading(self, question: Question, *, parsed: bool = False) -> Reading:
        services, limit = self._services, question.limit(self._plan)
        return Reading(
            self._plan, services.upstream, services.checker, limit, question.budget, parsed=parsed, begun=self._readers.append
        )

    # -- showing

    async def _show(self, reader: Reader, shown: Shown) -> None:
        """Send what is certain, unless the turn is held: as the operator wants, or for a client that acts on it as a whole."""
        self._logprobs += shown.logprobs if self._plan.wants_logprobs else ()
        held = self._services.settings.stream == "hold" or self._plan.conversation.policy.acts
        if held or not self._plan.streamed:
            return
        head = self._head_of(reader)
        if shown.thought and self._plan.profile.thinking == "field":
            await self._reply.thought(head, shown.thought)
        if shown.text:
            logprobs, self._logprobs = self._logprobs, ()
            await self._reply.text(head, shown.text, logprobs)

    async def _keep(self, reader: Reader, shown: Shown) -> None:
        """Show nothing: the text of the first answer stands, and of a later one only its calls are new."""

    def _head(self) -> Head:
        return self._head_of(self._answers[0].reader)

    def _head_of(self, reader: Reader) -> Head:
        known = reader.head
        more = {key: value for key, value in known.items() if key in ("system_fingerprint", "service_tier")}
        created = known.get("created")
        return Head(
            str(known.get("id") or f"chatcmpl-{self._turn_id}"),
            created if isinstance(created, int) else int(time.time()),
            str(known.get("model") or self._plan.model),
            more,
        )

    def _ends(self, turn: Turn) -> Ends:
        usage = reduce(Usage.plus, (reader.tokens() for reader in self._readers), Usage())
        whole = self._plan.wants_logprobs and not self._plan.streamed
        logprobs = tuple(self._answers[-1].reader.logprobs) if whole else self._logprobs
        reason = finish_reason(turn, self._answers[-1].reader)
        return Ends(
            reason, usage.wire() if self._plan.wants_usage else None, logprobs, thinking=self._plan.profile.thinking == "field"
        )

    # -- writing down

    def _notes(self) -> dict[str, str]:
        outcome = Outcome.of(self._answers, End(complete=True))
        return {
            "x-toolmend-attempts": str(len(self._readers)),
            "x-toolmend-repairs": ",".join(outcome.repairs),
            "x-toolmend-outcome": outcome.name,
        }

    def _write_down(self, end: End) -> None:
        timings = {"total": time.monotonic() - self._started}
        if self._first_byte is not None:
            timings["first_byte"] = self._first_byte - self._started
        finished = {id(answer.reader) for answer in self._answers}
        broken = tuple(reader for reader in self._readers if id(reader) not in finished)
        moves = bool(self._answers) and self._services.sessions.learn(self._plan, self._headers, self._answers[0].problem)
        subject = Subject(self._plan, self._turn_id, self._answers, end, timings, broken, moves)
        note(subject, self._services.journal, self._services.settings.upstream)


def finish_reason(turn: Turn, reader: Reader) -> str:
    """Tell the client how the turn ended, and never that it is complete where it was cut."""
    if turn.calls:
        return "tool_calls"
    if turn.ending == "length" or reader.finish_reason in (None, "repetition"):
        return "length"
    return "stop" if reader.finish_reason in ("stop", "tool_calls", "function_call") else str(reader.finish_reason)
