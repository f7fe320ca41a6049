"""Row D1 side by side: answers with nothing to mend; which come through byte for byte, and which with the same meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest

from tests.reliability.anchors.answers import ODD, Odd
from tests.reliability.anchors.conftest import Side
from tests.reliability.anchors.page import table
from tests.reliability.anchors.test_truncation import OBJECT, STREAM, Way, chunk, ways
from tests.reliability.anchors.upstream import Asked, Connection
from tests.reliability.load import ASK, JSON

pytestmark = pytest.mark.e2e_anchors

PIECE = 700
"""Bytes of a chunk: events are cut anywhere."""


@dataclass(frozen=True)
class Player:
    """Plays an answer: as it is where it was asked for so, else its other form."""

    streamed: bytes
    whole: bytes

    async def answer(self, asked: Asked, connection: Connection) -> bool:
        if not asked.streamed:
            await connection.send(OBJECT + b"Content-Length: %d\r\n\r\n" % len(self.whole) + self.whole)
            return True
        pieces = [self.streamed[at : at + PIECE] for at in range(0, len(self.streamed), PIECE)]
        await connection.send(STREAM + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)) + b"0\r\n\r\n")
        return True


def pairs() -> list[tuple[Odd, Player]]:
    """Give each answer its other form: toolmend asks for a stream where its client did not."""
    streams = {each.name: each.data for each in ODD if each.stream}
    plain = next(data for name, data in streams.items() if name == "unknown members")
    return [(each, Player(streams.get(each.name, plain), each.data)) for each in ODD]


async def came(session: aiohttp.ClientSession, url: str, way: Way, odd: Odd) -> tuple[int, bytes]:
    """Ask, and return the status and all bytes."""
    body = {**ASK, "stream": odd.stream, **({"stream_options": {"include_usage": True}} if odd.stream else {})}
    if not way.tools:
        body.pop("tools")
    try:
        async with session.post(f"{url}/v1/chat/completions", data=orjson.dumps(body), headers=JSON | way.headers) as answer:
            return answer.status, await answer.read()
    except aiohttp.ClientError:
        return 0, b""


def meaning(data: bytes, *, stream: bool) -> Any:
    """Return what an agent acts on: the text, names and arguments of the calls, and why it ended."""
    text, calls, ends = "", {}, None
    for event in _events(data) if stream else [data]:
        for choice in json.loads(event).get("choices") or []:
            said = choice.get("delta") or choice.get("message") or {}
            text += said.get("content") or ""
            ends = choice.get("finish_reason") or ends
            for at, call in enumerate(said.get("tool_calls") or []):
                made = calls.setdefault(call.get("index", at), ["", ""])
                made[0] += call["function"].get("name") or ""
                made[1] += call["function"].get("arguments") or ""
    return text, calls, ends


def _events(data: bytes) -> list[bytes]:
    found = [line.removeprefix(b"data:").strip(b" \r") for line in data.split(b"\n") if line.startswith(b"data:")]
    return [each for each in found if each and each != b"[DONE]"]


def same(odd: Odd, status: int, data: bytes) -> bool:
    """Whether it means the same."""
    try:
        return status == 200 and meaning(data, stream=odd.stream) == meaning(odd.data, stream=odd.stream)
    except (ValueError, AttributeError, KeyError):
        return False


async def test_what_needs_no_mending_comes_through(everyone: Side) -> None:
    side, asked = everyone, ways(everyone)
    bytes_same: dict[Odd, list[bool]] = {}
    means_same: dict[Odd, list[bool]] = {}
    async with aiohttp.ClientSession() as session:
        for odd, player in pairs():
            side.upstream.answer = player.answer
            got = [await came(session, side.urls[way.server], way, odd) for way in asked]
            bytes_same[odd] = [status == 200 and data == odd.data for status, data in got]
            means_same[odd] = [same(odd, *each) for each in got]
    kinds = ((False, "whole"), (True, "streamed"))
    changed = [
        (f"{odd.name} ({'streamed' if odd.stream else 'whole'})", *("same" if each else "**differs**" for each in means))
        for odd, means in means_same.items()
        if not all(means)
    ]
    side.page.parts["fidelity"] = [
        "### Answers with nothing to mend (D1)",
        "",
        f"{len(ODD)} answers of ours, none of them recorded from a model; streams in chunks of {PIECE} bytes. Meaning: the text, the "
        "names and arguments of calls as text, and finish_reason.",
        "",
        *table(
            ["", *(way.name for way in asked)],
            [
                (f"{words}, {kind}", *(_count(found, at, stream) for at in range(len(asked))))
                for words, found in (("byte for byte", bytes_same), ("same meaning", means_same))
                for stream, kind in kinds
            ],
        ),
        *(["", "Where the meaning differs:", "", *table(["", *(way.name for way in asked)], changed)] if changed else []),
    ]
    print("\n".join(side.page.parts["fidelity"]))
    relayed = [at for at, way in enumerate(asked) if way.server == "toolmend" and way.name != "toolmend"]
    assert [(odd.name, odd.stream, at) for odd, found in bytes_same.items() for at in relayed if not found[at]] == []
    assert [(odd.name, odd.stream) for odd, found in means_same.items() if not found[0]] == []


def _count(found: dict[Odd, list[bool]], at: int, stream: bool) -> str:
    own = [flags[at] for odd, flags in found.items() if odd.stream is stream]
    return f"{own.count(True)} of {len(own)}"
