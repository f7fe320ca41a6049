"""One chat request, from the client's bytes to the client's answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import structlog
from aiohttp import web

from adapters.advice import quoted, shorten
from adapters.base import Unwritable
from adapters.clients.chat_wire import Ends, Head
from proxy.arriving import Shown
from proxy.asking import Asking
from proxy.errors import Fault, Stopping, forget_where
from proxy.heard import begun
from proxy.ladder import RIGHT, best_of, fail_open
from proxy.notes import note
from proxy.outcome import End, outcome_of
from proxy.plan import Plan
from proxy.reading import Reader
from proxy.recording import Subject
from proxy.reply import Reply
from proxy.services import Services
from rules.conversation import Turn

log = structlog.get_logger()

OVERDUE: Final = "toolmend stops"
"""What a task is cancelled with that serves a request when the time to drain is over: its client is still there."""


class Exchange:
    """Serves one chat request. All of its state lives and dies with the request."""

    def __init__(self, services: Services, plan: Plan, headers: Mapping[str, str], turn_id: str) -> None:
        self._services = services
        self._asking = Asking(services, services.sessions.settle(plan, headers), headers, turn_id)
        self._headers = headers
        self._turn_id = turn_id
        self._holds = not plan.streamed or services.settings.stream == "hold" or plan.conversation.policy.acts
        self._keeps_logprobs = plan.wants_logprobs
        self._started = time.monotonic()
        self._reply: Reply
        self._logprobs: tuple[Any, ...] = ()
        self._shown_as: Head | None = None

    @property
    def _plan(self) -> Plan:
        return self._asking.plan

    async def run(self, reply: Reply) -> web.StreamResponse:
        """Answer the request, write down what was not right, and tell the operator in one line."""
        gate = self._services.gate
        gate.active += 1
        end = End()
        try:
            async with reply:
                self._reply = reply
                try:
                    with in_time():
                        turn = await self._settle()
                        response = await reply.finish(self._head(), turn, self._ends(turn), self._notes())
                    end = End(turn, complete=True)
                    return response
                except Fault as error:
                    end, error.noted = End(error=error, complete=True), True
                    return await reply.fail(error)
        except ConnectionError:
            raise
        except Exception:
            end = replace(end, failed=end.error is None)
            raise
        finally:
            gate.active -= 1
            self._write_down(end)
            for fault in (end.error, *(each.fault for each in self._asking.heard)):
                forget_where(fault)

    # -- asking

    async def _settle(self) -> Turn:
        """Ask until the turn is right or the budget is spent; return it as the client takes it."""
        first, answer = await self._asking.run(self._show, self._started)
        turn = answer.turn
        if answer.problem is not None:
            turn = fail_open(best_of(first, answer), self._plan.client.name, self._plan.conversation)
        elif first.problem is not None and first.problem.reason in RIGHT and not turn.text.strip():
            turn = replace(turn, text=first.turn.text)  # it was right, and as a stream it has been shown
        self._services.sessions.delivered(self._plan, self._headers, turn, answer.left_out)
        return self._expressed(self._behind_what_was_sent(turn))

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

    # -- showing

    async def _show(self, reader: Reader, shown: Shown) -> None:
        """Send what is certain, unless the turn is held: as the operator wants, or for a client that acts on it as a whole."""
        if self._keeps_logprobs:
            self._logprobs += shown.logprobs
        if self._holds:
            return
        head = self._shown_as = self._shown_as or self._head_of(reader)
        if shown.thought and self._plan.profile.thinking == "field":
            await self._reply.thought(head, shown.thought)
        if shown.text:
            logprobs, self._logprobs = self._logprobs, ()
            await self._reply.text(head, shown.text, logprobs)

    def _head(self) -> Head:
        return self._head_of(self._asking.answers[0].reader)

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
        usage = self._asking.usage()
        whole = self._plan.wants_logprobs and not self._plan.streamed
        logprobs = tuple(self._asking.answers[-1].reader.logprobs) if whole else self._logprobs
        reason = finish_reason(turn, self._asking.answers[-1].reader)
        return Ends(
            reason, usage.wire() if self._plan.wants_usage else None, logprobs, thinking=self._plan.profile.thinking == "field"
        )

    # -- writing down

    def _notes(self) -> dict[str, str]:
        outcome = outcome_of(self._plan, self._asking.heard, End(complete=True))
        return {
            "x-toolmend-attempts": str(begun(self._asking.heard)),
            "x-toolmend-repairs": ",".join(outcome.repairs),
            "x-toolmend-outcome": outcome.name,
        }

    def _write_down(self, end: End) -> None:
        timings = {"total": time.monotonic() - self._started}
        if self._asking.first_byte is not None:
            timings["first_byte"] = self._asking.first_byte - self._started
        moves = bool(self._asking.answers) and self._services.sessions.learn(
            self._plan, self._headers, self._asking.answers[0].problem
        )
        subject = Subject(self._plan, self._turn_id, self._asking.heard, end, timings, self._asking.known, moves)
        note(subject, self._services.journal, self._services.settings.upstream)


@contextmanager
def in_time() -> Iterator[None]:
    """Make a fault of it where the time to drain is over, so that the client is told."""
    try:
        yield
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is None or OVERDUE not in cancelled.args:
            raise
        task.uncancel()
        what = "toolmend stops, and there is no more time for this answer (limits.drain_seconds)"
        raise Stopping(what, retry_after=1) from None


def finish_reason(turn: Turn, reader: Reader) -> str:
    """Tell the client how the turn ended, and never that it is complete where it was cut."""
    if turn.calls:
        return "tool_calls"
    if turn.ending == "length" or reader.finish_reason in (None, "repetition"):
        return "length"
    return "stop" if reader.finish_reason in ("stop", "tool_calls", "function_call") else str(reader.finish_reason)
