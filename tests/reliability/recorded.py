"""What the fake vLLM says to toolmend's own question, recorded, and servers that say parts of it."""

from __future__ import annotations

import asyncio

from proxy.demo.speak import Said, events
from tests.conftest import MODEL
from tests.reliability.hostile import Script
from tests.reliability.injector import reset
from tests.reliability.load import Came

CALL = Said('Naïve 😀.\n<|tool_call>call:bash{command:<|"|>echo "é" > /tmp/a<|"|>}<tool_call|>')
ARGUMENTS = '{"command": "echo \\"é\\" > /tmp/a"}'

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"

ASKED = {"model": MODEL, "logprobs": True, "stream_options": {"include_usage": True}}


def spoken(said: Said = CALL) -> list[bytes]:
    """Return the events of an answer, `[DONE]` among them."""
    return list(events(said, ASKED))


def chunked(said: Said = CALL) -> bytes:
    """Return an answer as it goes over the wire, in chunks."""
    pieces = [b"%x\r\n%b\r\n" % (len(each), each) for each in spoken(said)]
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(pieces) + b"0\r\n\r\n"


def unframed(*pieces: bytes) -> bytes:
    """Return an answer whose end is the end of its connection."""
    return HEAD + b"\r\n" + b"".join(pieces)


def broken(data: bytes, *, by_reset: bool) -> Script:
    """Send some bytes, and end the connection by RST or FIN."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.001)
        if by_reset:
            reset(writer)

    return answer


def sliced(data: bytes, *sizes: int) -> Script:
    """Send bytes in slices, each handed to the network by itself; sizes are taken in turn."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        at = number = 0
        while at < len(data):
            size = sizes[number % len(sizes)]
            writer.write(data[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)
            at, number = at + size, number + 1

    return answer


def failed(came: Came, *, stream: bool) -> str:
    """Assert that an answer is a failure, told as one, with no part of a call in it; return its message."""
    assert not came.error
    assert came.calls == {}
    assert not came.done
    assert came.finish is None
    if came.status == 200:
        assert stream
        (error,) = [each["error"] for each in came.events if "error" in each]
    else:
        assert came.headers["content-type"] == "application/json"
        (answer,) = came.whole
        error = answer["error"]
    assert error["message"]
    return str(error["message"])
