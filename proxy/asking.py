"""Asks the model until its answer is right or the budget is spent: the ladder, run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple

import structlog

from adapters.advice import ask_again, ask_under_grammar
from proxy.answer import Answer, Reading, Show, Shown, complete, read_answer
from proxy.concessions import NO_LOGPROBS, Concession
from proxy.constrained import constraint_for
from proxy.errors import Fault, UpstreamBroken, UpstreamRefused
from proxy.ladder import Allowance, allowance, calming, sampling
from proxy.plan import Plan
from proxy.question import Question, parses, upstream_body
from proxy.reading import Reader, Usage
from proxy.services import Services
from proxy.upstream import CHAT
from rules.base import Problem

log = structlog.get_logger()


class Attempts(NamedTuple):
    """The first answer, and the last one, which is the right one if any was."""

    first: Answer
    last: Answer


async def hide(reader: Reader, shown: Shown) -> None:
    """Show nothing."""


class Asking:
    """Asks for one turn. What it has heard by then is there at any time, also where it breaks off.

    plan        as it is by now: it knows what the model was asked about
    answers     finished ones, in order
    readers     of all answers, finished or not
    first_byte  when the first answer began (monotonic seconds)
    """

    def __init__(self, services: Services, plan: Plan, headers: Mapping[str, str], turn_id: str) -> None:
        self.plan = plan
        self.answers: list[Answer] = []
        self.readers: list[Reader] = []
        self.first_byte: float | None = None
        self._services = services
        self._headers = headers
        self._turn_id = turn_id
        self._constrained: set[tuple[str, tuple[str, ...]]] = set()

    async def run(self, show: Show, started: float) -> Attempts:
        """Ask, and ask again. Only the first answer is shown as it comes: of a later one only its calls are new."""
        answer = first = await self._ask(Question(), show)
        allowed = allowance(self._services.settings.budget, self._headers, started)
        while (
            answer.problem is not None
            and self._worth_asking(answer.problem)
            and allowed.left
            and await self._services.gate.enter(allowed.seconds)
        ):
            before = len(self.readers)
            again = await self._ask_again(answer, allowed)
            if again is None:
                break
            answer, allowed = again, allowed.spent(self.usage(since=before).completion)
        return Attempts(first, answer)

    def usage(self, since: int = 0) -> Usage:
        """Return the tokens of all answers, or of those from one on."""
        return reduce(Usage.plus, (reader.tokens() for reader in self.readers[since:]), Usage())

    def _worth_asking(self, problem: Problem) -> bool:
        return not problem.hopeless and not (problem.once and problem.reason in self.plan.conversation.asked)

    async def _ask_again(self, answer: Answer, allowed: Allowance) -> Answer | None:
        """Ask once more, with advice and changed sampling. Where that fails, the answer that we have has to do."""
        assert answer.problem is not None
        question = self._next_question(answer, allowed)
        self.plan = self.plan.asked(answer.problem.reason)
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
        grammars, model = self._services.grammars, self.plan.model
        form = grammars.form(model)
        made = constraint_for(answer.problem, answer.turn, self.plan.conversation, form) if form else None
        if made is None or (made.call.name, made.names) in self._constrained or not grammars.bears(model, made):
            return self._in_words(answer, allowed)
        self._constrained.add((made.call.name, made.names))
        more = ask_under_grammar(answer.turn, answer.told, answer.problem, made.names)
        changed = sampling(len(self.answers), allowed, self.plan.limit)
        return Question(tuple(more), frozenset(), changed, allowed.tokens, made)

    def _in_words(self, answer: Answer, allowed: Allowance) -> Question:
        assert answer.problem is not None
        number = len(self.answers)
        more = ask_again(answer.turn, answer.told, answer.problem)
        changed = sampling(number, allowed, self.plan.limit) | calming(number, answer.problem)
        return Question(tuple(more), answer.problem.hides, changed, allowed.tokens)

    async def _ask_constrained(self, before: Answer, question: Question) -> Answer | None:
        """Ask under a grammar, and put what comes into the call; None where nothing comes of it.

        A model that makes the call once more was not held to the grammar; its call counts.
        """
        assert question.constraint is not None
        grammars, model = self._services.grammars, self.plan.model
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
        self.answers[-1] = completed
        return completed

    async def _ask(self, question: Question, show: Show = hide) -> Answer:
        """Ask the model, and once more for each thing that its server turns out not to bear."""
        services, plan = self._services, self.plan
        while True:
            granted = services.memory.granted(plan.model)
            body = upstream_body(plan, granted, question)
            try:
                answer = await self._send(body, self._reading(question, granted), show)
            except UpstreamRefused as refusal:
                if refusal.status == 400 and services.memory.learn(plan.model, refusal.words, plan.body.fields):
                    continue
                raise
            if answer.reader.unspaced:
                services.memory.grant(plan.model, NO_LOGPROBS)
            services.prober.seen(plan.model, answer.reader, self._headers)
            self.answers.append(answer)
            return answer

    async def _send(self, body: bytes, reading: Reading, show: Show) -> Answer:
        upstream = self._services.upstream
        async with upstream.ask("POST", CHAT, body, upstream.headers(self._headers)) as response:
            if response.status != 200:
                raise await upstream.refusal(response)
            self.first_byte = self.first_byte or time.monotonic()
            async with upstream.bounded():
                return await read_answer(reading, response, show)

    def _reading(self, question: Question, granted: frozenset[Concession] = frozenset()) -> Reading:
        services, limit = self._services, question.limit(self.plan)
        parsed = parses(self.plan, granted) and question.constraint is None
        return Reading(
            self.plan, services.upstream, services.checker, limit, question.budget, parsed=parsed, begun=self.readers.append
        )
