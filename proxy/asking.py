"""Asks the model until its answer is right or the budget is spent: the ladder, run."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import structlog

from adapters.advice import ask_again, ask_under_grammar
from adapters.conversations import conversation_id
from adapters.structured.constraint import RUNGS, Constraint, Rung, constraint_for
from adapters.structured.cost import FREE_TEXT, tokens_for
from adapters.structured.forms import unknown
from adapters.structured.servers import facts_of, way_of
from proxy.answer import Answer, complete, read_answer
from proxy.arriving import Reading, Show, Shown
from proxy.concessions import NO_LOGPROBS, NO_STRICT, Concession
from proxy.errors import Fault, UpstreamBroken, UpstreamRefused
from proxy.heard import Heard, Knowledge, answers_of, usage_of
from proxy.ladder import Allowance, allowance, calming, sampling
from proxy.plan import Plan
from proxy.question import Demand, Question, parses, strictly, upstream_body
from proxy.reading import Reader, Usage
from proxy.services import Services
from proxy.upstream import CHAT
from proxy.watch import asking_again
from rules.base import Problem

log = structlog.get_logger()

CONVERSATION = "x-toolmend-conversation"
"""Tells a router before the engines which questions have their beginning in common: it can keep them where that is cached."""

BLANKS = 32
"""Characters of nothing but blanks at the end of an answer that was cut: no code ends so."""


def known_now(services: Services, plan: Plan) -> Knowledge:
    """Take down what the process knows of the server that a plan asks."""
    return Knowledge(services.prober.of(plan.model), services.memory.granted(plan.model))


class Attempts(NamedTuple):
    """The first answer, and the last one, which is the right one if any was."""

    first: Answer
    last: Answer


async def hide(reader: Reader, shown: Shown) -> None:
    """Show nothing."""


def was_free(answer: Answer) -> bool:
    """Tell whether an answer that had to be a JSON object was not held to that: it ended as another text, or began as one."""
    said = answer.turn.text.strip() or answer.raw.strip()
    begun = bool(said) and not (answer.turn.thinking and not answer.turn.text.strip())
    return answer.turn.ending in ("stop", "unsure") or (begun and not said.startswith(("{", "`")))


def ran_on(answer: Answer) -> bool:
    """Tell whether an answer found no end, or was cut while it wrote blanks."""
    fault = answer.problem.fault if answer.problem else ""
    return fault == "model-degenerate" or (fault == "truncated" and not answer.raw[-BLANKS:].strip())


class Asking:
    """Asks for one turn. What it has heard by then is there at any time, also where it breaks off.

    plan        as it is by now: it knows what the model was asked about
    heard       what came of each question, in order
    known       what the process knew when it began
    first_byte  when the first answer began (monotonic seconds)
    """

    def __init__(self, services: Services, plan: Plan, headers: Mapping[str, str], turn_id: str) -> None:
        self.plan = plan
        self.heard: list[Heard] = []
        self.known = known_now(services, plan)
        self.first_byte: float | None = None
        self._services = services
        self._headers = headers
        self._turn_id = turn_id
        self._conversation = conversation_id(plan.conversation)
        self._tried: set[tuple[Rung, str, tuple[str, ...]]] = set()

    async def run(self, show: Show, started: float) -> Attempts:
        """Ask, and ask again. Only the first answer is shown as it comes: of a later one only its calls are new."""
        self._services.checker.expect(self.plan.conversation.tools)
        answer = first = await self._ask(Question(), show)
        if answer.problem is not None:
            self.known = replace(self.known, ungrammatical=self._services.grammars.out(self.plan.model))
        allowed = allowance(self._services.settings.budget, self._headers, started)
        while (
            answer.problem is not None
            and self._worth_asking(answer.problem)
            and allowed.left
            and await self._services.gate.enter(allowed.seconds)
        ):
            before = len(self.heard)
            again = await self._ask_again(answer, allowed)
            if again is None:
                break
            answer, allowed = again, allowed.spent(self.usage(since=before).completion)
        return Attempts(first, answer)

    def usage(self, since: int = 0) -> Usage:
        """Return the tokens of all answers, or of those from one on."""
        return usage_of(self.heard[since:])

    @property
    def answers(self) -> list[Answer]:
        """The finished answers, in order."""
        return answers_of(self.heard)

    def _worth_asking(self, problem: Problem) -> bool:
        return not problem.hopeless and not (problem.once and problem.reason in self.plan.conversation.asked)

    async def _ask_again(self, answer: Answer, allowed: Allowance) -> Answer | None:
        """Ask once more, for what the problem calls for next. Where that fails, the answer that we have has to do."""
        assert answer.problem is not None
        question = self._next_question(answer, answer.problem, allowed)
        self.plan = self.plan.asked(answer.problem.reason)
        try:
            with self._services.gate.asking(), asking_again():
                async with asyncio.timeout(max(allowed.seconds, 0.001)):
                    if question.demand is not None:
                        settled = await self._ask_demanded(answer, question, question.demand)
                        if settled is not None:
                            return settled
                        question = self._in_words(answer, answer.problem, allowed)
                    return await self._ask(question)
        except (Fault, TimeoutError) as error:
            log.warning(
                "asking again failed",
                turn=self._turn_id,
                rung=question.rung,
                error=error.told if isinstance(error, Fault) else "out of time",
            )
            return None

    def _next_question(self, answer: Answer, problem: Problem, allowed: Allowance) -> Question:
        """Return the first question that was not asked in vain: under a grammar where the server bears it, else in words."""
        for rung in RUNGS.get(problem.reason, ()) if self.plan.profile.grammar else ():
            if not self._tries(rung, problem):
                continue
            if rung == "words":
                break
            made = constraint_for(rung, problem, answer.turn, self.plan.conversation)
            demand = self._demand(answer, made) if made else None
            if demand:
                return self._demanding(answer, problem, allowed, demand)
        return self._in_words(answer, problem, allowed)

    def _demand(self, answer: Answer, made: Constraint) -> Demand | None:
        """Return the best form for the server that gave this answer; None where it bears none, or made an error of this one."""
        known, grammars = self._services.prober.of(self.plan.model), self._services.grammars
        way = way_of(known.seen_as(facts_of(answer.reader.head)))
        forms = (form for form in grammars.forms(self.plan.model, way.forms) if form.carries(made.schema))
        form = next(forms, None)
        return Demand(made, form, way.quiet) if form and grammars.bears(self.plan.model, form, made.schema) else None

    def _tries(self, rung: Rung, problem: Problem) -> bool:
        """Take note that something is asked for; False where it was asked for before."""
        tried = (rung, problem.call.name if problem.call else "", problem.members if rung == "members" else ())
        new = tried not in self._tried
        self._tried.add(tried)
        return new

    def _demanding(self, answer: Answer, problem: Problem, allowed: Allowance, demand: Demand) -> Question:
        more = ask_under_grammar(answer.turn, answer.told, problem, demand.constraint)
        cap = tokens_for(demand.constraint.schema)
        limit = min(cap, self.plan.limit or cap) if self.plan.limit or cap < FREE_TEXT else None
        changed = sampling(len(self.answers), allowed, limit)
        return Question(tuple(more), frozenset(), changed, min(cap, allowed.tokens), demand.constraint.rung, demand)

    def _in_words(self, answer: Answer, problem: Problem, allowed: Allowance) -> Question:
        number = len(self.answers)
        self._tries("words", problem)
        more = ask_again(answer.turn, answer.told, problem)
        changed = sampling(number, allowed, self.plan.limit) | calming(number, problem)
        return Question(tuple(more), problem.hides, changed, allowed.tokens, "words")

    async def _ask_demanded(self, before: Answer, question: Question, demand: Demand) -> Answer | None:
        """Ask under a grammar, and put what comes into the turn; None where nothing comes of it.

        A model that makes the call once more was not held to the grammar; its call counts.
        """
        grammars, model, schema = self._services.grammars, self.plan.model, demand.constraint.schema
        try:
            answer = await self._ask(question)
        except (UpstreamRefused, UpstreamBroken) as error:
            log.warning("the grammar failed", turn=self._turn_id, form=demand.form.name, error=error.told)
            if isinstance(error, UpstreamRefused) and error.status in (400, 422) and unknown(error.words):
                grammars.ignored(model, demand.form)  # which cost nothing, so the next form comes at once
                other = self._demand(before, demand.constraint)
                return await self._ask_demanded(before, replace(question, demand=other), other) if other else None
            if not (isinstance(error, UpstreamRefused) and "context length" in error.words):
                grammars.refused(model, demand.form, schema)
            return None
        completed = await complete(self._reading(question, Heard()), before, answer, demand.constraint)
        if completed is not None:
            self.heard[-1].answer = completed
            return completed
        if was_free(answer):
            grammars.ignored(model, demand.form)
        elif self.plan.limit is None or self.plan.limit > tokens_for(schema):
            grammars.endless(model, demand.form, schema)
        return answer if answer.turn.calls else None

    async def _ask(self, question: Question, show: Show = hide) -> Answer:
        """Ask the model, and once more for each thing that its server turns out not to bear."""
        services, model = self._services, self.plan.model
        while True:
            granted = services.memory.granted(model)
            heard = Heard(question.rung)
            self.heard.append(heard)
            try:
                answer = await self._send(
                    upstream_body(self.plan, granted, question), self._reading(question, heard, granted), show
                )
            except Fault as fault:
                heard.fault, heard.learned = fault, self._learn(fault, granted)
                if heard.learned is None:
                    raise
                continue
            heard.answer = answer
            if strictly(self.plan, granted) and ran_on(answer):
                services.memory.grant(model, NO_STRICT)
            if answer.reader.unspaced:
                services.memory.grant(model, NO_LOGPROBS)
            services.prober.seen(model, answer.reader, self._headers)
            return answer

    def _learn(self, fault: Fault, granted: frozenset[Concession]) -> Concession | None:
        """Return what the server need not be asked for any more, after which it may be asked again; None: nothing."""
        plan, memory = self.plan, self._services.memory
        if not isinstance(fault, UpstreamRefused):
            return None
        learned = memory.learn(plan.model, fault.words, granted, plan.body.fields) if fault.status == 400 else None
        if learned is None and strictly(plan, granted) and (fault.status >= 500 or re.search(NO_STRICT.complaint, fault.words)):
            learned = NO_STRICT
            memory.grant(plan.model, learned)
        return learned

    async def _send(self, body: bytes, reading: Reading, show: Show) -> Answer:
        upstream = self._services.upstream
        headers = upstream.headers(self._headers)
        headers[CONVERSATION] = self._conversation
        asking = upstream.ask("POST", CHAT, body, headers)
        del body  # once it is sent nobody needs it, and the answer may take long
        async with asking as response:
            if response.status != 200:
                raise await upstream.refusal(response)
            self.first_byte = self.first_byte or time.monotonic()
            async with upstream.bounded():
                return await read_answer(reading, response, show)

    def _reading(self, question: Question, heard: Heard, granted: frozenset[Concession] = frozenset()) -> Reading:
        services, limit = self._services, question.limit(self.plan)
        parsed = parses(self.plan, granted) and question.demand is None
        return Reading(
            self.plan,
            services.upstream,
            services.checker,
            limit,
            question.budget,
            parsed=parsed,
            rung=question.rung,
            known=services.prober.of(self.plan.model),
            begun=heard.begin,
        )
