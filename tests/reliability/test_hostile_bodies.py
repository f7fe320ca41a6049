"""Bodies that are bombs, and numbers out of bounds: refused in words, with little memory, and without keeping others waiting."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import BASH, MODEL
from tests.reliability.load import JSON, unbounded
from tests.reliability.shared import Shared
from tests.reliability.stand import QUIET, Toolmend

pytestmark = pytest.mark.asyncio(loop_scope="session")

Say = Callable[[str], None]

MB = 1_000_000
LIMIT = 16 * 1024 * 1024
MEMORY = 150 * MB
GOOD = orjson.dumps({"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]})


def messages(content: bytes) -> bytes:
    return b'{"model":"m","messages":[{"role":"user","content":' + content + b"}]}"


def nested(depth: int, opener: bytes = b"[", closer: bytes = b"]") -> bytes:
    return messages(opener * depth + b"1" + closer * depth)


def of_size(size: int) -> bytes:
    """Write a request of exactly so many bytes."""
    bare = messages(b'""')
    return messages(b'"' + b"x" * (size - len(bare)) + b'"')


BOMBS: dict[str, tuple[bytes, dict[str, str]]] = {
    "a byte too large": (of_size(LIMIT + 1), {}),
    "three times too large": (b"x" * (3 * LIMIT), {}),
    "gzip": (gzip.compress(GOOD), {"Content-Encoding": "gzip"}),
    "gzip of 100 MB": (gzip.compress(bytes(100 * MB), 1), {"Content-Encoding": "gzip"}),
    "deflate": (zlib.compress(GOOD), {"Content-Encoding": "deflate"}),
    "an unknown coding": (GOOD, {"Content-Encoding": "br, gzip"}),
    "another type": (GOOD, {"Content-Type": "text/plain"}),
    "a form": (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
    "XML": (b"<a/>", {"Content-Type": "application/xml"}),
    "6 MB of objects": (b'{"model":"m","messages":[' + b"{}," * (2 * MB) + b"{}]}", {}),
    "6 MB of lists": (b'{"model":"m","messages":[],"a":[' + b"[]," * (2 * MB) + b"[]]}", {}),
    "16 MB of numbers": (b'{"model":"m","messages":[],"a":[' + b"1," * (8 * MB - 100) + b"1]}", {}),
    "16 MB of brackets": (b"[" * (LIMIT - 1), {}),
    "lists 100,000 deep": (nested(100_000), {}),
    "objects 100,000 deep": (nested(100_000, b'{"a":', b"}"), {}),
    "lists 1,100 deep": (nested(1_100), {}),
    "never closed": (b'{"a":' * 1_000, {}),
    "nothing": (b"", {}),
    "blanks": (b" " * MB, {}),
    "bytes that are no text": (messages(b'"\xff\xfe"'), {}),
    "half a character": (messages(b'"\xc3"'), {}),
    "a surrogate as bytes": (messages(b'"\xed\xa0\x80"'), {}),
    "half a surrogate": (messages(b'"\\ud800"'), {}),
    "a mark of order": (b"\xef\xbb\xbf" + GOOD, {}),
    "UTF-16": (GOOD.decode().encode("utf-16"), {}),
    "a comma behind the last": (GOOD[:-1] + b",}", {}),
    "two values": (GOOD + GOOD, {}),
    "NaN": (messages(b"NaN"), {}),
    "NUL": (messages(b'"\x00"'), {}),
    "a number of 5,000 digits": (messages(b"9" * 5_000), {}),
    "a number beyond all": (messages(b"1e999"), {}),
    "a list": (b"[]", {}),
    "a number": (b"1", {}),
    "null": (b"null", {}),
    "no messages": (b'{"model":"m"}', {}),
    "100,000 messages": (b'{"model":"m","messages":[' + b'{"role":"user"},' * 99_999 + b'{"role":"user"}]}', {}),
    "a model of 1 MB": (b'{"model":"' + b"m" * MB + b'","messages":[]}', {}),
    "messages that are none": (b'{"model":"m","messages":[1]}', {}),
    "tools that are none": (b'{"model":"m","messages":[],"tools":{}}', {}),
}
"""None of these reaches the model server."""

ODD: dict[str, bytes] = {
    "16 MB of text": of_size(LIMIT),
    "a name of 1 MB": GOOD[:-1] + b',"' + b"k" * MB + b'":1}',
    "a member twice": b'{"model":"a",' + GOOD[1:],
    "content that is a number": messages(b"123456789012345678901234567890"),
    "content that is null": messages(b"null"),
    "lists 200 deep": nested(200),
    "a role of 1 MB": b'{"model":"m","messages":[{"role":"' + b"r" * MB + b'","content":"x"}]}',
    "2,000 messages": b'{"model":"m","messages":[' + b'{"role":"user"},' * 1_999 + b'{"role":"user"}]}',
    "1 MB of escapes": messages(b'"' + b"\\u0041" * (MB // 6) + b'"'),
    "1 MB of backslashes": messages(b'"' + b"\\\\" * (MB // 2) + b'"'),
}
"""Odd, and served: whatever the model server makes of it. Each must be answered, and not by a fault of ours."""


class Peak:
    """The most memory that a process had since it was asked to forget, above what it has now. Linux."""

    def __init__(self, made: Toolmend) -> None:
        self._proc = Path(f"/proc/{made.process.pid}")
        self._before = 0
        self.worst = 0

    def __enter__(self) -> Peak:
        (self._proc / "clear_refs").write_text("5")
        self._before = self._read("VmRSS")
        return self

    def __exit__(self, *exc: object) -> None:
        self.worst = self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


async def sent(shared: Shared, body: bytes, headers: dict[str, str], *, chunks: bool = False) -> tuple[int, bytes]:
    """Send a body, told its size or in chunks. An answer that came before it was read to its end counts as well."""

    async def pieces() -> Any:
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    async with unbounded() as session:
        given = {**JSON, **headers}
        try:
            async with session.post(
                f"{shared.url}/v1/chat/completions", data=pieces() if chunks else io.BytesIO(body), headers=given
            ) as answer:
                return answer.status, await answer.read()
        except (ConnectionError, OSError):
            return 0, b""


@pytest.mark.row("H5")
@pytest.mark.parametrize("chunks", [False, True], ids=["sized", "chunked"])
async def test_bombs_are_refused_in_words(shared: Shared, reached: Say, chunks: bool) -> None:
    wrong, most = [], 0
    for name, (body, headers) in BOMBS.items():
        with Peak(shared.toolmend) as peak:
            status, answer = await sent(shared, body, headers, chunks=chunks)
        most = max(most, peak.worst)
        if status not in (400, 413, 415) or not orjson.loads(answer)["error"]["message"]:
            wrong.append((name, status, answer[:200]))
    served = shared.toolmend
    await served.reading()
    reached(
        f"{'chunked' if chunks else 'sized'}: {len(BOMBS) - len(wrong)} of {len(BOMBS)} refused, {most / MB:.0f} MB more at most,"
        f" a step of {served.worked * 1000:.0f} ms at most"
    )
    assert wrong == []
    assert shared.vllm.requests == []
    assert most <= MEMORY


@pytest.mark.row("H5")
async def test_what_is_odd_is_answered(shared: Shared, reached: Say, stream: bool) -> None:
    wrong, most = [], 0
    for name, bare in ODD.items():
        body = bare[:-1] + b',"stream":true}' if stream and len(bare) < LIMIT else bare
        with Peak(shared.toolmend) as peak:
            status, answer = await sent(shared, body, {})
        most = max(most, peak.worst)
        wrong += [] if status == 200 or 400 <= status < 500 else [(name, status, answer[:200])]
    reached(f"{len(ODD) - len(wrong)} of {len(ODD)} odd ones answered, {most / MB:.0f} MB more at most")
    assert wrong == []
    assert most <= MEMORY


NUMBERS: dict[str, dict[str, Any]] = {
    "n: a million": {"n": 1_000_000},
    "n: beyond 64 bits": {"n": 2**63},
    "tools: 10,000": {"tools": [BASH] * 10_000},
    "messages: 100,000": {"messages": [{"role": "user", "content": "x"}] * 100_000},
    "100,000 members": {f"m{at}": at for at in range(100_000)},
    "tools: 2 MB": {"tools": [{**BASH, "x": "x" * 2 * MB}]},
}
"""These are refused."""

BOUNDED: dict[str, dict[str, Any]] = {
    **{f"n: {value!r}": {"n": value} for value in (-1, 0, 1.5, "1", True, [1])},
    **{f"max_tokens: {value!r}": {"max_tokens": value} for value in (-1, 0, 10**18, 1.5, "5", True, None, [])},
    **{f"max_completion_tokens: {value!r}": {"max_completion_tokens": value} for value in (-1, 10**18, {})},
    **{f"temperature: {value!r}": {"temperature": value} for value in (-1, 1e308, "hot", None)},
    **{f"stop: {str(value)[:12]}": {"stop": value} for value in ([""], ["x"] * 10_000, "y" * MB, [1], {"a": 1})},
    **{f"tool_choice: {str(value)[:20]}": {"tool_choice": value} for value in (-1, "all", {"type": "function"}, [[]], "x" * MB)},
    **{f"stream_options: {value!r}": {"stream_options": value} for value in (1, [], {"include_usage": 10**18})},
    **{f"logprobs: {value!r}": {"logprobs": value, "top_logprobs": value} for value in (-1, 10**9, "all", [])},
    "tools: 256": {"tools": [BASH] * 256},
    "messages: 2,000": {"messages": [{"role": "user", "content": "x"}] * 2_000},
    "a model that is a list": {"model": [["m"]]},
    "a seed beyond 64 bits": {"seed": 2**63},
}
"""These are the model server's to judge; here they must cost nothing."""


async def cpu(shared: Shared) -> float:
    return (await shared.toolmend.reading()).cpu


@pytest.mark.row("H19")
async def test_numbers_out_of_bounds_are_refused_or_cost_nothing(shared: Shared, reached: Say, stream: bool) -> None:
    wrong, most = [], 0.0
    for name, more in {**NUMBERS, **BOUNDED}.items():
        body = orjson.dumps({**orjson.loads(GOOD), "stream": stream, **more})
        shared.forget()
        before = await cpu(shared)
        status, answer = await sent(shared, body, {})
        spent = await cpu(shared) - before
        most = max(most, spent)
        wanted = (400, 413) if name in NUMBERS else (200, 400)
        slow = QUIET and spent > 0.1 + NOISE
        if status not in wanted or len(shared.vllm.bodies) != (status == 200) or slow:
            wrong.append((name, status, answer[:100], spent))
    reached(
        f"{len(NUMBERS) + len(BOUNDED) - len(wrong)} of {len(NUMBERS) + len(BOUNDED)} refused or served, {most * 1000:.0f} ms CPU at most"
    )
    assert wrong == []


NOISE = 0.05
"""Seconds of CPU between two looks that are the looks' own (two readings of the metrics, a tick every 5 ms)."""
