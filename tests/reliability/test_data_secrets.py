"""D5 to D7: what is written down gives no secret away, no text where none is wanted, and no line that somebody forged."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from aiohttp import web

from proxy.body import NAME
from proxy.demo.speak import Said, whole
from tests.conftest import BASH, MODEL
from tests.fake_vllm import Answer, FakeVllm, refusing
from tests.reliability.canaries import CANARIES, Canary, Collector, chosen, found_in, since, sinks
from tests.reliability.load import ASK, Came, ask, unbounded
from tests.reliability.raw import exchange, post
from tests.reliability.stand import ROOT, Toolmend

CHAT = "/v1/chat/completions"
CALL = '<|tool_call>call:bash{command:<|"|>%s<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
"""A call that is mended, so that it is recorded."""


def said(text: str) -> dict[str, Any]:
    """A last message that begins with a line that says what is answered."""
    return {"messages": [{"role": "user", "content": text}]}


async def each(work: Iterable[Awaitable[Any]], at_once: int = 2) -> list[Any]:
    """Do all, a few at a time."""
    room = asyncio.Semaphore(at_once)

    async def one(task: Awaitable[Any]) -> Any:
        async with room:
            return await task

    return await asyncio.gather(*map(one, work))


@asynccontextmanager
async def watched(begin: Any, vllm: FakeVllm, *options: str, environment: dict[str, str] | None = None) -> Any:
    """Toolmend with a journal and traces, and what collects them."""
    collector = Collector()
    runner = await collector.listen()
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100", **(environment or {})}
    vllm.says("warm")
    try:
        async with begin(vllm.url, "--otel", *options, environment=variables, live=lambda: vllm.live) as made:
            yield made, collector
    finally:
        await runner.cleanup()


async def settled(made: Toolmend, collector: Collector | None = None) -> dict[str, bytes]:
    """Look at the sinks once nothing more is written into them."""
    before: dict[str, bytes] = {}
    for _ in range(40):
        found = await sinks(made, collector)
        if {name: text for name, text in found.items() if name != "metrics"} == before:
            return found
        before = {name: text for name, text in found.items() if name != "metrics"}
        await asyncio.sleep(0.3)
    raise AssertionError("it never stops writing")


def in_pieces(canary: Canary) -> Answer:
    """Call a tool as vLLM does that parses calls itself: the arguments come in pieces of five characters."""
    text = json.dumps({"command": canary.text, "timeout": "5"})
    name = {"index": 0, "id": "c0", "type": "function", "function": {"name": "bash", "arguments": ""}}
    parts = [{"index": 0, "function": {"arguments": text[at : at + 5]}} for at in range(0, len(text), 5)]
    call = {"id": "c0", "type": "function", "function": {"name": "bash", "arguments": text}}

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if not body.get("stream"):
            return web.json_response(whole(Said(calls=[call]), body))
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for delta in [{"tool_calls": [each]} for each in (name, *parts)]:
            await stream.write(event({"delta": delta}))
        await stream.write(event({"delta": {}, "finish_reason": "tool_calls"}) + b"data: [DONE]\n\n")
        return stream

    return answer


def event(choice: dict[str, Any]) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: " + orjson.dumps({**head, "choices": [{"index": 0, "finish_reason": None, **choice}]}) + b"\n\n"


def breaking(words: str) -> Answer:
    """Begin to answer, and then report an error."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if not body.get("stream"):
            return web.json_response({"error": {"message": words, "code": 500}})
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(event({"delta": {"content": "Hel"}}))
        await stream.write(b"data: " + orjson.dumps({"error": {"message": words, "code": 500}}) + b"\n\n")
        return stream

    return answer


@dataclass(frozen=True)
class Sender:
    """Sends canaries to toolmend: each in every way where it is `thorough`, else each in one way of every kind, by turns.

    streams  whether answers are streamed, by turns
    """

    made: Toolmend
    vllm: FakeVllm
    session: aiohttp.ClientSession
    streams: Iterator[bool]
    thorough: bool

    def some(self, ways: Sequence[Any], canary: Canary) -> Sequence[Any]:
        """Choose ways for a canary."""
        return ways if self.thorough else [ways[CANARIES.index(canary) % len(ways)]]

    async def ask(self, body: dict[str, Any]) -> Came:
        """Ask the chat route."""
        return await ask(self.session, self.made.url, stream=next(self.streams), **body)


async def in_heads(sender: Sender) -> None:
    """Send the canaries in headers, queries and paths, rightly and wrongly."""
    url, session = sender.made.url, sender.session
    body = orjson.dumps({**ASK, "stream": next(sender.streams)})
    names = ("Authorization", "x-api-key", "x-request-id", "x-session-id", "Cookie", "x-c")

    async def one(canary: Canary) -> None:
        line = canary.line
        headers = {"Content-Type": "application/json", **dict.fromkeys(names, line)}
        if canary.marked:  # the name of a program stands in traces, without what is known for a secret
            headers["User-Agent"] = line
        for more in sender.some(({}, {"x-toolmend-mode": line}, {"Content-Encoding": line}, {"Host": quote(line)}), canary):
            async with session.post(f"{url}{CHAT}?key={quote(canary.text)}", data=body, headers={**headers, **more}) as answer:
                await answer.read()
        for target in sender.some((f"/v1/{quote(line, safe='')}", f"{CHAT}/{quote(line)}?{quote(line)}"), canary):
            await exchange(url, post(b"{}", f"x-api-key: {line}", target=target))
        for first in sender.some((f"GET /{line} HTTP/9.9", line, f"GET / HTTP/1.1\r\n{line}"), canary):
            await exchange(url, f"{first}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())

    await each(map(one, CANARIES))


async def in_errors(sender: Sender) -> None:
    """Let the model server tell the canaries in errors, and send them in bodies that cannot be served."""
    told: dict[str, Said | Answer] = {}
    for canary in CANARIES:
        words = orjson.dumps({"error": {"message": f"bad input {canary.text}", "code": 400}})
        ways = [
            (f"refused {canary.name}", refusing(400, words)),
            (f"failed {canary.name}", refusing(500, f"<html>{canary.text}</html>".encode())),
            (f"broke {canary.name}", breaking(f"bad input {canary.text}")),
        ]
        told.update(sender.some(ways, canary))
    sender.vllm.says(chosen(sender.vllm, told))
    await each(sender.ask(said(name)) for name in told)
    for canary in CANARIES:
        quoted = json.dumps(canary.text)
        for body in sender.some((f'{{"model": {quoted[:-1]}', f'{{"messages": 7, "user": {quoted}}}', f"[{quoted}]"), canary):
            await exchange(sender.made.url, post(body.encode()))


async def in_bodies(sender: Sender) -> None:
    """Send the canaries in every member of a body, and let the model say them."""
    told: dict[str, Said | Answer] = {"all": Said(CALL % "ls")}
    for canary in CANARIES:
        odd = f'<|tool_call>call:bash{{command:<|"|>ls<|"|>,{canary.line}:5,timeout:<|"|>{canary.text}<|"|>}}<tool_call|>'
        ways: list[tuple[str, Said | Answer]] = [
            (f"text {canary.name}", Said(f"Look: {canary.text}\n{CALL % 'ls'}")),
            (f"call {canary.name}", Said(CALL % canary.text)),
            (f"pieces {canary.name}", in_pieces(canary)),
            (f"wrong {canary.name}", Said(odd)),
        ]
        told.update(sender.some(ways, canary))
    sender.vllm.says(chosen(sender.vllm, told))
    await each(sender.ask(said(name)) for name in told if name != "all")
    await each(sender.ask(everywhere(canary)) for canary in CANARIES)


async def in_models(sender: Sender) -> None:
    """Name the canaries as models."""
    await each(sender.ask({**everywhere(canary), "model": canary.text}) for canary in CANARIES)


def everywhere(canary: Canary) -> dict[str, Any]:
    """A request with a canary in each of its members."""
    text = canary.text
    call = {"id": text[:60], "type": "function", "function": {"name": "bash", "arguments": json.dumps({"command": text})}}
    tool = {
        "type": "function",
        "function": {
            "name": "other",
            "description": text,
            "parameters": {"type": "object", "properties": {"a": {"type": "string", "default": text}}},
        },
    }
    messages = [
        {"role": "system", "content": text},
        {"role": "user", "content": [{"type": "text", "text": text}]},
        {"role": "assistant", "content": text, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": text[:60], "content": text},
        {"role": "user", "content": f"all\n{text}", "name": text},
    ]
    return {"model": MODEL, "messages": messages, "tools": [BASH, tool], "user": text, "metadata": {text: text, "note": text}}


def told_by(words: list[str], journal: Path) -> bytes:
    """Return what a command says of a journal."""
    done = subprocess.run(
        [sys.executable, "-m", "proxy", *words, "--journal", str(journal)], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


WAYS = [
    pytest.param((False, True), id="by turns"),
    pytest.param((False,), id="whole", marks=pytest.mark.slow),
    pytest.param((True,), id="stream", marks=pytest.mark.slow),
]
"""How answers come; thorough are those that come in one way."""


@pytest.mark.row("D5")
@pytest.mark.parametrize("streams", WAYS)
async def test_no_secret_is_written_down(
    begin: Any, vllm: FakeVllm, streams: tuple[bool, ...], journal: Path, reached: Callable[[str], None]
) -> None:
    async with watched(begin, vllm, "--journal", str(journal)) as (made, collector), unbounded() as session:
        sender = Sender(made, vllm, session, cycle(streams), len(streams) == 1)
        at_first = await settled(made, collector)
        vllm.says(Said(CALL % "ls"))
        await in_heads(sender)
        after_heads = await settled(made, collector)
        await in_errors(sender)
        after_errors = await settled(made, collector)
        await in_bodies(sender)
        await in_models(sender)
        in_the_end = await settled(made, collector)
    heads = found_in(*since(at_first, after_heads).values())
    errors = found_in(*since(after_heads, after_errors, but=["journal"]).values())
    bodies = found_in(*since(after_errors, in_the_end).values(), after_errors["journal"])
    commands = (["report"], ["sql", "--format", "json", "select * from turns"], ["show", "last"]) if len(streams) == 1 else ()
    outside = found_in(*(told_by(words, journal) for words in commands))
    assert in_the_end["journal"].count(b"\n") > 2 * len(CANARIES), "too few turns were recorded: the journal was hardly tried"
    assert in_the_end["traces"]
    assert heads == []
    assert errors == []
    unmarked = {each.name for each in CANARIES if not each.marked}
    assert {*bodies, *outside} <= unmarked, "docs/journal.md says which are not found"
    assert len(bodies) <= 0.05 * len(CANARIES)
    reached(
        f"{len(heads)} of {len(CANARIES)} from headers and queries, {len(errors)} from errors, {len(bodies)} from bodies, in"
        f" {len(in_the_end) + len(commands)} sinks ({' and '.join('stream' if each else 'whole' for each in streams)})"
    )


@pytest.mark.row("D6")
@pytest.mark.slow
@pytest.mark.parametrize("streams", WAYS[1:])
async def test_without_bodies_there_is_no_text_in_the_journal(
    begin: Any, vllm: FakeVllm, streams: tuple[bool, ...], journal: Path, reached: Callable[[str], None]
) -> None:
    options = ("--journal", str(journal), "--journal-bodies", "off")
    async with watched(begin, vllm, *options) as (made, collector), unbounded() as session:
        sender = Sender(made, vllm, session, cycle(streams), len(streams) == 1)
        await in_errors(sender)
        await in_bodies(sender)
        written = await settled(made, collector)
    journaled = written["journal"]
    words = [each for each in (b"bad input", b"Look", b"Hel", b"always", b"python", b"html", b'"ls"') if each in journaled]
    found = found_in(journaled, written["metrics"], written["traces"], written["stderr"])
    lines = journaled.count(b"\n")
    assert lines > 2 * len(CANARIES)
    assert b'"sha256"' in journaled
    assert found == []
    assert words == []
    reached(
        f"{len(found)} canaries and {len(words)} other texts in {lines} lines ({' and '.join('stream' if each else 'whole' for each in streams)})"
    )


FORGED = {
    "lines": 'm\r\n{"event": "listening", "level": "error"}\n',
    "escapes": "m\x1b[31m\x1b]0;title\x07\x9b2J\x08",
    "separators": "m\u2028{\u2029}\x85\x0b\x0c",
    "half a character": "m\ud800",
    "nothing": "m\x00\x7f",
    "quotes": 'm"}\n{"',
    "long": "m" + "\u2028" * 30_000,
}


@pytest.mark.row("D7")
async def test_nobody_forges_a_line(
    begin: Any, vllm: FakeVllm, stream: bool, journal: Path, reached: Callable[[str], None]
) -> None:
    """The same in the model's name, in ids, names, paths, queries and headers, and out of the model's mouth."""
    vllm.says(Said(CALL % "ls"))
    paths = ["/v1/%0d%0a%7b%7d", "/v1/%1b%5b31m", "/v1/%e2%80%a8", "/v1/%ff%00", "/v1/" + "%0a" * 2_000]
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as made, unbounded() as session:
        answers: list[Came] = []
        for text in FORGED.values():
            vllm.says(Said(CALL % text[:2_000]), Said(CALL % "ls"))
            call = {
                "id": text[:200],
                "type": "function",
                "function": {"name": text[:200], "arguments": json.dumps({"a": text[:200]})},
            }
            result = {"role": "tool", "tool_call_id": text[:200], "content": text[:200]}
            history = [{"role": "user", "content": "go", "name": text[:200]}, {"role": "assistant", "tool_calls": [call]}, result]
            body = {**ASK, "stream": stream, "messages": [*history, {"role": "user", "content": text}]}
            for model in (MODEL, text):
                data = json.dumps({**body, "model": model, "user": text[:200]}).encode()
                async with session.post(
                    made.url + CHAT, data=io.BytesIO(data), headers={"Content-Type": "application/json"}
                ) as answer:
                    answers.append(Came(status=answer.status, data=await answer.read()))
        raw = [await exchange(made.url, post(orjson.dumps(ASK), target=path)) for path in paths]
        for value in ("a\xe9b\xff", "\x1b[31m", "a\tb"):
            head = post(orjson.dumps(ASK)).replace(b"Host:", b"x-request-id: " + value.encode("latin-1") + b"\r\nHost:")
            raw.append(await exchange(made.url, head.replace(b"/v1/chat", f"/v1/{value}/chat".encode("latin-1"))))
            raw.append(await exchange(made.url, head))
        await settled(made)
        written = await sinks(made)
    refused = [
        (400, 400) if name == "half a character" else (200, 400 if len(text) > NAME else 200) for name, text in FORGED.items()
    ]
    assert [each.status for each in answers] == [status for pair in refused for status in pair]  # half a character is no JSON
    assert all(each.startswith(b"HTTP/1.") for each in raw)
    count = 0
    for name in ("stdout", "journal"):
        lines = written[name].decode().splitlines()  # which splits at all that any reader may take for the end of a line
        assert len(lines) == written[name].count(b"\n")
        assert all(isinstance(json.loads(line), dict) for line in lines)
        assert not [each for each in written[name].decode() if (each < " " and each != "\n") or "\x7f" <= each <= "\x9f"]
        count += len(lines)
    assert written["stderr"] == b""
    assert sum(each["event"] == "answered" for each in map(json.loads, written["stdout"].splitlines())) >= refused.count(200)
    assert len(made.records()) >= refused.count(200) // 2
    reached(f"{count} lines of {count} whole ({'stream' if stream else 'whole'})")
