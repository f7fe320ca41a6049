"""F2 to F5: streams of the model server that break, end too early, tell of errors, or come in odd forms."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import aiohttp
import openai
import orjson
import pytest

from proxy.demo.speak import Said
from tests.conftest import BASH, Proxy
from tests.fake_vllm import FakeVllm
from tests.reliability.conftest import Begin
from tests.reliability.hostile import Hostile, hostile
from tests.reliability.load import ask
from tests.reliability.recorded import ARGUMENTS, broken, chunked, failed, sliced, spoken, unframed
from tests.reliability.stand import Toolmend
from tests.reliability.until import until

WIRE, EVENTS = chunked(), spoken()
DONE = WIRE.index(b"data: [DONE]\n\n") + len(b"data: [DONE]\n\n")
"""From here on nothing is missing but the end of HTTP's own framing."""
WARM = unframed(*spoken(Said("warm")))
BODY = WIRE.index(b"\r\n\r\n") + 4

Reached = Callable[[str], None]


def told(served: Toolmend) -> list[tuple[str, str, str]]:
    return [(each["outcome"], each["class"], each["reason"]) for each in served.records()]


async def recorded(served: Toolmend, number: int) -> list[tuple[str, str, str]]:
    await until(lambda: len(told(served)) >= number)
    return told(served)


@pytest.mark.row("F2")
@pytest.mark.parametrize("step", [50, pytest.param(1, marks=pytest.mark.slow)])
async def test_wherever_a_connection_breaks_it_is_an_error(
    begin: Begin, session: aiohttp.ClientSession, reached: Reached, step: int
) -> None:
    failures = 0
    async with hostile(WIRE) as server, begin(server.url, live=lambda: server.live) as served:
        for cut in (*range(0, len(WIRE), step), DONE - 1, DONE):
            for by_reset, stream in product((False, True), repeat=2):
                server.requests.clear()
                server.answers = [broken(WIRE[:cut], by_reset=by_reset)]
                came = await ask(session, served.url, stream=stream)
                if cut >= DONE:
                    assert came.calls == {0: {"name": "bash", "arguments": ARGUMENTS}}
                    continue
                failed(came, stream=stream)
                assert len(server.requests) <= (1 if cut >= BODY else 2)
                failures += 1
    reached(f"{failures:,} of {failures:,} told as errors, cut every {step} bytes by FIN and by RST")


@pytest.mark.row("F2")
async def test_the_sdk_raises_wherever_a_connection_breaks(begin: Begin, vllm: FakeVllm) -> None:
    async with hostile(WIRE) as server, begin(server.url, live=lambda: server.live) as served:
        for number, cut in enumerate(range(BODY, DONE, 499)):
            for stream in (False, True):
                server.answers = [broken(WIRE[:cut], by_reset=bool(number % 2))]
                with pytest.raises(openai.APIError):
                    await Proxy(served.url, vllm, stream).ask(tools=[BASH])


@pytest.mark.row("F3")
async def test_an_answer_that_just_ends_is_a_failure_and_recorded(
    begin: Begin, session: aiohttp.ClientSession, reached: Reached, journal: Path
) -> None:
    ends = next(at for at, each in enumerate(EVENTS) if b'"finish_reason":"' in each)
    async with (
        hostile(WARM) as server,
        begin(server.url, "--journal", str(journal), live=lambda: server.live) as served,
    ):
        for cut in range(ends + 1):
            for stream in (False, True):
                server.requests.clear()
                server.answers = [unframed(*EVENTS[:cut])]
                failed(await ask(session, served.url, stream=stream), stream=stream)
                assert len(server.requests) == 1
        asked = 2 * (ends + 1)
        assert await recorded(served, asked) == [("error", "upstream", "truncated")] * asked
    reached(f"{asked} of {asked} told and recorded")


def reported(error: object) -> bytes:
    return b"data: " + orjson.dumps({"error": error}) + b"\n\n"


SERVERS_OWN = {"message": "EngineCore died", "type": "InternalServerError", "code": 500}
REFUSAL = {"message": "the prompt is too odd", "type": "BadRequestError", "code": 400}

ENDINGS = {
    "no finish_reason": ([*EVENTS[:6], EVENTS[-1]], 502, "finish_reason", "truncated"),
    "nothing but DONE": ([EVENTS[-1]], 502, "finish_reason", "truncated"),
    "an error in mid-stream": ([*EVENTS[:12], reported(SERVERS_OWN), EVENTS[-1]], 502, "EngineCore died", "upstream_error_event"),
    "an error in mid-call": ([*EVENTS[:16], reported(SERVERS_OWN)], 502, "EngineCore died", "upstream_error_event"),
    "a refusal in mid-stream": ([*EVENTS[:12], reported(REFUSAL), EVENTS[-1]], 502, "too odd", "upstream_error_event"),
    "an error at first": ([reported(SERVERS_OWN), EVENTS[-1]], 502, "EngineCore died", "upstream_error_event"),
    "an error that is a text": ([reported("out of memory"), EVENTS[-1]], 502, "out of memory", "upstream_error_event"),
    "a refusal at first": ([reported(REFUSAL), EVENTS[-1]], 400, "too odd", "BadRequestError"),
}
"""What the server sends; the status where it is still ours to choose; words of the message; the reason that is recorded."""


@pytest.mark.row("F4")
async def test_errors_in_a_stream_are_errors_and_not_mended(
    begin: Begin, session: aiohttp.ClientSession, reached: Reached, journal: Path
) -> None:
    async with (
        hostile(WARM) as server,
        begin(server.url, "--journal", str(journal), live=lambda: server.live) as served,
    ):
        for number, (sent, status, words, reason) in enumerate(ENDINGS.values()):
            for stream in (False, True):
                server.requests.clear()
                server.answers = [unframed(*sent)]
                came = await ask(session, served.url, stream=stream)
                assert words in failed(came, stream=stream)
                assert came.status == status or (stream and came.status == 200 and came.text)
                assert len(server.requests) == 1, "an error is not asked again"
            kinds = await recorded(served, 2 * (number + 1))
            assert [(outcome, last) for outcome, _, last in kinds[-2:]] == [("error", reason)] * 2
    reached(f"{2 * len(ENDINGS)} of {2 * len(ENDINGS)} passed on as errors, each asked once")


def apart(event: bytes) -> bytes:
    """Write an event's data in two lines."""
    first, comma, rest = event.partition(b',"')
    return first + b',\ndata: "' + rest if comma else event


def between(event: bytes) -> bytes:
    return b": ping\n\nevent: ping\n\nid\nfoo: bar\n: {}\n" + event + b"data:\n\n"


VARIANTS: dict[str, bytes] = {
    "plain": b"".join(EVENTS),
    "CRLF": b"".join(EVENTS).replace(b"\n", b"\r\n"),
    "CR": b"".join(EVENTS).replace(b"\n", b"\r"),
    "every kind of end": b"".join(each.replace(b"\n", (b"\n", b"\r\n", b"\r")[at % 3]) for at, each in enumerate(EVENTS)),
    "comments": b"".join(map(between, EVENTS)),
    "several lines": b"".join(map(apart, EVENTS)),
    "a byte order mark": b"\xef\xbb\xbf" + b"".join(EVENTS),
    "id, retry and event": b"".join(b"id: 7\nretry: 10\nevent: message\n" + each for each in EVENTS),
    "no blank": b"".join(EVENTS).replace(b"data: ", b"data:"),
    "no last line": b"".join(EVENTS).rstrip(b"\n"),
    "no DONE": b"".join(EVENTS[:-1]),
}


def slicings(full: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Say how which variant is cut: whole, in pairs and odd pieces; byte by byte; and, in full, at random."""
    chance = random.Random(5)
    for name, data in VARIANTS.items():
        yield name, (len(data),)
        yield name, (97, 1, 2)
        if full or name == "CR":
            yield name, (1,)
        for _ in range(130 if full else 0):
            yield name, tuple(chance.choice((1, 2, 3, 50, 400, 4000)) for _ in range(9))


@pytest.mark.row("F5")
@pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"])
async def test_neither_slices_nor_forms_change_what_the_sdk_reads(
    begin: Begin, vllm: FakeVllm, reached: Reached, full: bool
) -> None:
    read = 0
    async with hostile(unframed(*EVENTS)) as server, begin(server.url, live=lambda: server.live) as served:
        for name, sizes in slicings(full):
            server.answers = [sliced(unframed(VARIANTS[name]), *sizes)]
            await same(server, served, vllm, name)
            read += 2
    reached(f"{read} of {read} read by the SDK, {len(VARIANTS)} forms")


async def same(server: Hostile, served: Toolmend, vllm: FakeVllm, name: str) -> None:
    for stream in (False, True):
        seen = await Proxy(served.url, vllm, stream).ask(tools=[BASH])
        assert (seen.text.strip(), seen.finish) == ("Naïve 😀.", "tool_calls"), name
        assert seen.calls == [("bash", orjson.loads(ARGUMENTS))], name
