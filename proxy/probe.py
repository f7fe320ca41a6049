"""Asks a model server what it can do: what it is and which models it serves, and three questions to a model.

Each request is recorded as one event. `prober.py` says when, `probe_questions.py` what is asked and what the answers tell.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import orjson
import structlog

from proxy.arriving import pieces
from proxy.capabilities import NO_PARSER, Capabilities, Served, read_models, read_version, server_of
from proxy.concessions import Concession, Memory
from proxy.errors import BadRequest, Fault, Overloaded, UpstreamBroken, UpstreamRefused, UpstreamUnreachable
from proxy.probe_questions import Answer, Question, Refused, questions
from proxy.reading import Reader
from proxy.upstream import CHAT, Upstream

log = structlog.get_logger()

REQUESTS: Final = 5
"""The most requests that finding out may take, at start and after a change."""

SECONDS: Final = 30.0
"""The most that one of them may take. The first structured request of a vLLM takes seconds: the tokenizer is compiled for it."""

BODY: Final = 4 * 1024 * 1024
"""The longest list of models that is read, in bytes."""

OUT: Final = "no answer in time"

SHOWN: Final = 20
"""Model names that one event holds at most."""

ABSENT: Final = frozenset({502, 503, 504})
"""What a gateway says of a server that is not there, and llama-server while it loads."""


class NotThere(Exception):
    """Raised where the server cannot be reached, or is not there yet."""


class Denied(Exception):
    """Raised where the server wants a key that we do not hold, or knows no such model."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a server tells of itself."""

    base: Capabilities
    served: tuple[Served, ...]

    def of(self, model: str) -> Capabilities:
        """Return what is known of a model before it is asked."""
        length = next((each.max_model_len for each in self.served if each.name == model), None)
        return replace(self.base, max_model_len=length)

    @property
    def only(self) -> str:
        """The model, where there is one: any other name that is answered is another for it, or an adapter loaded since."""
        return self.served[0].name if len({each.base for each in self.served}) == 1 else ""

    def named_alike(self, model: str) -> tuple[str, ...]:
        """Return the names behind which the same weights stand, and the adapters over them."""
        base = next((each.base for each in self.served if each.name == model), None)
        return tuple(each.name for each in self.served if each.base == base) or (model,)


@dataclass(slots=True)
class Round:
    """The requests of one occasion, `left` at most. `headers` hold the key that they are sent with."""

    upstream: Upstream
    headers: Mapping[str, str]
    left: int = REQUESTS
    tokens: int = field(default=0, init=False)

    async def look(self) -> Look:
        """Ask what the server is. Raises NotThere and Denied."""
        body, _, note = await self._get("/version")
        version = read_version(body)
        self._record("version", note, {"version": version})
        body, header, note = await self._get("/v1/models")
        served = read_models(body)
        server, names = server_of(served, header), tuple(each.name for each in served)
        self._record("models", note, {"server": server, "models": names[:SHOWN]})
        _admitted(note["status"])
        return Look(Capabilities(server, version, names), served)

    async def find(self, model: str, known: Capabilities, dialect: str) -> tuple[Capabilities, frozenset[Concession]]:
        """Ask a model. Returns what is known then, and what the server turned out not to bear on the way."""
        learned = Memory()
        asking = questions(known, model, dialect)
        question = next(asking, None)
        while question is not None and self.left > 0:
            known = await self._answered(question, known, learned, model)
            try:
                question = asking.send(known)
            except StopIteration:
                question = None
        asking.close()
        return known, learned.granted(model)

    async def _answered(self, question: Question, known: Capabilities, learned: Memory, model: str) -> Capabilities:
        """Ask one question, and once more for each thing that the server turns out not to bear."""
        while True:
            granted = learned.granted(model)
            answer, note = await self._chat(question, granted)
            complaint = answer.words if isinstance(answer, Refused) and answer.status == 400 else ""
            more = learned.learn(model, complaint, granted) if complaint else None
            if more is not None and more.name == "tools_in_prompt":
                known = replace(known, tool_parser=NO_PARSER)
            if more is None or self.left <= 0:
                after = question.read(known, answer)
                self._record(question.name, note, _changes(known, after))
                return after
            self._record(question.name, note, {"learned": more.name})

    async def _get(self, path: str) -> tuple[bytes, str, dict[str, Any]]:
        """Ask a route that takes nothing. Returns the body, empty unless all went well, the `Server` header, and a note."""
        began = time.monotonic()
        self.left -= 1
        try:
            async with asyncio.timeout(SECONDS), self.upstream.ask("GET", path, None, self.headers) as response:
                body = await self.upstream.body(response, BODY)
        except (UpstreamUnreachable, Overloaded, TimeoutError) as error:
            self._record(path.rpartition("/")[2], _failed(error, began), {})
            raise NotThere(str(error) or OUT) from error
        note = {"status": response.status, "seconds": _seconds(began)}
        return body if response.status == 200 else b"", response.headers.get("server", ""), note

    async def _chat(self, question: Question, granted: frozenset[Concession]) -> tuple[Answer, dict[str, Any]]:
        began = time.monotonic()
        self.left -= 1
        status, tokens = 200, 0
        try:
            async with asyncio.timeout(SECONDS):
                reader = await self._read(_body(question, granted))
            answer: Answer = reader
            used = reader.tokens()
            tokens = used.prompt + used.completion
        except (UpstreamRefused, BadRequest) as error:
            status = error.status
            answer = Refused(status, error.words if isinstance(error, UpstreamRefused) else error.message)
        except (Fault, Denied, NotThere, TimeoutError) as error:
            self._record(question.name, _failed(error, began), {})
            if isinstance(error, UpstreamUnreachable):
                raise NotThere(str(error)) from error
            raise
        self.tokens += tokens
        return answer, {"status": status, "seconds": _seconds(began), "tokens": tokens}

    async def _read(self, body: Mapping[str, Any]) -> Reader:
        reader = Reader("logprobs", body["max_tokens"])
        headers = {**self.headers, "Content-Type": "application/json"}
        async with self.upstream.ask("POST", CHAT, orjson.dumps(body), headers) as response:
            if response.status != 200:
                _admitted(response.status, missing=True)
                raise await self.upstream.refusal(response)
            try:
                async for some in pieces(self.upstream, response, reader):
                    for _ in some:
                        pass
            except UpstreamBroken as error:
                if error.code != "upstream_error_event":
                    raise
                raise BadRequest(error.message, status=500) from error
        reader.finish()
        return reader

    @staticmethod
    def _record(name: str, note: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        log.info("probe", question=name, **note, found=found)


def _seconds(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _failed(error: Exception, began: float) -> dict[str, Any]:
    return {"seconds": _seconds(began), "error": str(error)[:200] or OUT}


def _body(question: Question, granted: frozenset[Concession]) -> dict[str, Any]:
    changes, drops = dict(question.body), frozenset[str]()
    for concession in granted:
        changes, drops = concession.apply(changes, drops)
    return {name: value for name, value in changes.items() if name not in drops}


def _changes(before: Capabilities, after: Capabilities) -> dict[str, Any]:
    old = asdict(before)
    return {name: value for name, value in asdict(after).items() if value != old[name]}


def _admitted(status: int, *, missing: bool = False) -> None:
    """Raise for a status that tells of the asker or the moment, and nothing of what the server can do."""
    if status in ABSENT:
        raise NotThere(f"HTTP {status}")
    if status in (401, 403) or (missing and status == 404):
        raise Denied(f"HTTP {status}")
