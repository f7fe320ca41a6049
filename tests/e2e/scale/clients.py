"""Conversations of many turns through the official SDK, with its own retries, and a ledger of every request that it sent."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from tests.conftest import BASH, MODEL
from tests.e2e.scale.engine import right

BROKEN = (httpx2.RemoteProtocolError, httpx2.ReadError, openai.APIConnectionError)


@dataclass
class Ledger:
    """What came of each request, by its id: `200`, another status, or the name of the error; and of each turn.

    broken  ids of the streams that began and broke off
    early   of these, the ids of those that had shown a call or an end by then
    wrong   turns whose result was not the one that there should be
    """

    sent: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    turns: int = 0

    def figures(self) -> Counter[str]:
        return Counter(self.sent.values())


class Counting(httpx2.AsyncHTTPTransport):
    """Gives each request that goes out an id of its own, and notes what came of it. It retries nothing: the SDK does."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=200))
        self._ledger = ledger

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        number = len(self._ledger.sent)
        key = f"{request.headers['x-request-id']}-{number}"
        request.headers["x-request-id"] = key
        self._ledger.sent[key] = "open"
        try:
            response = await super().handle_async_request(request)
        except Exception as error:
            self._ledger.sent[key] = type(error).__name__
            raise
        self._ledger.sent[key] = str(response.status_code)
        response.extensions["sent_as"] = key
        return response


@dataclass
class Agent:
    """One conversation: its client keeps the whole history, as agents do."""

    client: openai.AsyncOpenAI
    ledger: Ledger
    name: str
    stream: bool
    session: bool

    async def run(self, turns: int) -> None:
        messages: list[Any] = [
            {"role": "system", "content": "You work in a shell."},
            {"role": "user", "content": f"This is conversation {self.name}."},
        ]
        for turn in range(turns):
            call = await self._turn(messages, turn)
            if call != ("bash", right(self.name, turn)):
                self.ledger.wrong.append(f"{self.name} turn {turn}: {call}")
            self.ledger.turns += 1
            arguments = json.dumps(right(self.name, turn))
            made = {"id": f"call-{turn}", "type": "function", "function": {"name": "bash", "arguments": arguments}}
            messages.append({"role": "assistant", "content": "", "tool_calls": [made]})
            messages.append({"role": "tool", "tool_call_id": f"call-{turn}", "content": f"{self.name} has done {turn}"})

    async def _turn(self, messages: list[Any], turn: int) -> Any:
        """Ask until an answer is complete, as an agent does that sees its stream break."""
        headers = {"x-request-id": f"{self.name}-{turn}"} | ({"x-session-id": self.name} if self.session else {})
        for _ in range(6):
            answer = await self._ask({"model": MODEL, "messages": messages, "tools": [BASH], "extra_headers": headers})
            if answer is not None:
                return answer
            await asyncio.sleep(0.5)
        return "no answer in six"

    async def _ask(self, body: dict[str, Any]) -> Any:
        if not self.stream:
            answer = await self.client.chat.completions.create(**body)
            calls = answer.choices[0].message.tool_calls or []
            return _one([(call.function.name, call.function.arguments) for call in calls])
        raw = await self.client.chat.completions.with_raw_response.create(**body, stream=True)
        key = raw.http_response.extensions["sent_as"]
        calls: dict[int, list[str]] = {}
        finish = None
        try:
            async for chunk in raw.parse():
                for choice in chunk.choices:
                    finish = choice.finish_reason or finish
                    for call in choice.delta.tool_calls or []:
                        seen = calls.setdefault(call.index, ["", ""])
                        seen[0] += call.function.name or ""
                        seen[1] += call.function.arguments or ""
        except BROKEN:
            self.ledger.broken.append(key)
            if calls or finish:
                self.ledger.early.append(key)
            return None
        return _one([(name, arguments) for name, arguments in calls.values()]) if finish else f"ended without an end: {calls}"


def _one(calls: list[tuple[str, str]]) -> Any:
    return (calls[0][0], json.loads(calls[0][1])) if len(calls) == 1 else f"{len(calls)} calls"


def client_of(url: str, ledger: Ledger) -> openai.AsyncOpenAI:
    """Return the SDK as it comes (it retries connection errors and 5xx twice), but for the ledger."""
    http = httpx2.AsyncClient(transport=Counting(ledger), timeout=httpx2.Timeout(60))
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", http_client=http)


async def converse(client: openai.AsyncOpenAI, ledger: Ledger, streams: int, whole: int, turns: int) -> None:
    """Hold so many conversations at once; every second one names its session."""
    agents = [Agent(client, ledger, f"c{at}", at < streams, at % 2 == 0) for at in range(streams + whole)]
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(agent.run(turns))
