"""The server itself: what it refuses, relays and survives, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import sys
import time
from typing import Any

import aiohttp
import openai
import pytest

from proxy.demo.speak import Said
from proxy.serve import waiting
from proxy.settings import Limits
from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing

ASK = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}


async def raw_request(url: str, data: bytes, seconds: float = 5) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    await writer.drain()
    try:
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


def head(*lines: str, target: str = "/v1/chat/completions", version: str = "1.1", host: str = "127.0.0.1") -> bytes:
    """Write a request's head."""
    return "\r\n".join([f"POST {target} HTTP/{version}", f"Host: {host}", "Connection: close", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (head("Content-Type: application/json", "Content-Length: 2", version="2.0") + b"{}", b"505"),
        (head("Content-Type: application/json", "Content-Length: 2", version="0.9") + b"{}", b"505"),
        (head("Content-Type: application/json", "Transfer-Encoding: gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n", b"400"),
        (head("Content-Type: application/json", "Transfer-Encoding: chunked", version="1.0") + b"2\r\n{}\r\n0\r\n\r\n", b"400"),
        (head("Content-Type: application/json", "Content-Length: 2", "Transfer-Encoding: chunked") + b"{}", b"400"),
        (head("Content-Type: application/json", "Content-Length: 2", target="http://evil.example/v1/models") + b"{}", b"400"),
        (head("Content-Type: text/plain", "Content-Length: 2") + b"{}", b"415"),
        (head("Content-Type: application/json", "Content-Encoding: gzip", "Content-Length: 2") + b"{}", b"415"),
        (head("Content-Type: application/json", "Content-Length: 2", host="evil.example") + b"{}", b"403"),
        (head("Content-Type: application/json", "Content-Length: 2", target="/collective_rpc") + b"{}", b"404"),
        (head("Content-Type: application/json", "Content-Length: 99999999"), b"413"),
        (head("Content-Type: application/json", "Content-Length: 3") + b"{]}", b"400"),
        (head("Content-Type: application/json", "Content-Length: 2") + b"{}", b"400"),
        (head("Content-Type: application/json", "Content-Length: 17") + b'{"messages": "x"}', b"400"),
    ],
)
async def test_what_no_honest_client_sends_is_refused(vllm: FakeVllm, start: Start, request_bytes: bytes, status: bytes) -> None:
    vllm.says("never")
    answer = await raw_request(await start(upstream=vllm.url), request_bytes)
    assert answer.split(b" ")[1] == status, answer
    assert vllm.bodies == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"messages":[' + b"{}," * 600_000 + b"{}]}",
        b'{"messages":[{"role":"user","content":"\\ud800"}]}' + b" " * 9,
        b"\xff",
    ],
    ids=["deep", "many", "surrogate", "bytes"],
)
async def test_body_bombs_are_refused_in_words(vllm: FakeVllm, start: Start, body: bytes) -> None:
    url = await start(upstream=vllm.url)
    vllm.says("fine")
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/v1/chat/completions", data=io.BytesIO(body), headers={"Content-Type": "application/json"}
        ) as response,
    ):
        assert response.status in (400, 413)
        assert (await response.json())["error"]["message"]


async def test_a_body_that_drips_is_cut(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url, limits=Limits(body_seconds=0.3))
    began = time.monotonic()
    answer = await raw_request(url, head("Content-Type: application/json", "Content-Length: 50") + b"{")
    assert b" 408 " in answer
    assert time.monotonic() - began < 4


async def test_other_routes_pass_byte_for_byte(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    body = b'{ "model" :"m", "input":[1e400, 123456789012345678901] }'
    async with aiohttp.ClientSession(cookies={"secret": "c"}) as session:
        headers = {"Content-Type": "application/json", "X-Forwarded-For": "1.2.3.4", "Authorization": "Bearer k"}
        async with session.post(f"{url}/v1/embeddings?a=b", data=body, headers=headers) as response:
            assert await response.read() == body
            assert response.headers["x-request-id"] == "r1"
            assert "set-cookie" not in response.headers
    sent = vllm.headers[-1]
    assert sent["Authorization"] == "Bearer k"
    assert sent["Accept-Encoding"] == "identity"
    assert "Cookie" not in sent
    assert "X-Forwarded-For" not in sent


async def test_a_429_never_reaches_a_client_of_the_relay_either(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says(refusing(429, b"{}", **{"Retry-After": "0"}), "fine")
    async with aiohttp.ClientSession() as session:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "title?"}]}
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            assert response.status == 200
        vllm.says(refusing(429, b"{}", **{"Retry-After": "500"}))
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "501")


async def test_health_and_readiness(vllm: FakeVllm, start: Start) -> None:
    async with aiohttp.ClientSession() as session:
        url = await start(upstream=vllm.url)
        for path in ("healthz", "readyz"):
            async with session.get(f"{url}/{path}") as response:
                assert response.status == 200
        alone = await start(upstream="http://127.0.0.1:9")
        async with session.get(f"{alone}/healthz") as response:
            assert response.status == 200
        async with session.get(f"{alone}/readyz") as response:
            assert response.status == 502


async def test_an_unreachable_server_is_said_to_be(start: Start, vllm: FakeVllm, stream: bool) -> None:
    proxy = Proxy(await start(upstream="http://127.0.0.1:9"), vllm, stream)
    with pytest.raises(openai.InternalServerError, match="cannot reach the model server"):
        await proxy.ask(tools=[BASH])


async def test_a_silent_server_is_given_up(start: Start, vllm: FakeVllm, stream: bool) -> None:
    async def silent(request: Any, asked: Any) -> Any:
        await asyncio.sleep(30)

    vllm.says(silent)
    proxy = Proxy(await start(upstream=vllm.url, limits=Limits(first_byte_seconds=0.3)), vllm, stream)
    with pytest.raises(openai.InternalServerError, match="first_byte_seconds"):
        await proxy.ask(tools=[BASH])


async def test_a_server_that_stops_in_mid_answer_is_given_up(start: Start, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(Said("word " * 100))
    vllm.pause = 0.5
    proxy = Proxy(await start(upstream=vllm.url, limits=Limits(idle_seconds=0.2)), vllm, stream)
    with pytest.raises(openai.APIError, match="idle_seconds"):
        await proxy.ask(tools=[BASH])
    await asyncio.sleep(0.6)
    assert vllm.live == 0


async def test_keys_are_asked_for(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url, client_key="right", upstream_key="ours")
    vllm.says("hi")
    async with aiohttp.ClientSession() as session:
        for key, status in (("right", 200), ("wrong", 401), ("r\xefght", 401), ("", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            async with session.post(f"{url}/v1/chat/completions", json=ASK, headers=headers) as response:
                assert response.status == status
        async with session.get(f"{url}/healthz") as response:
            assert response.status == 200
    assert {each["Authorization"] for each in vllm.headers} == {"Bearer ours"}


async def test_clients_that_go_leave_no_stream_behind(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says(Said("word " * 4000))
    vllm.pause = 0.02
    body = json.dumps({**ASK, "stream": True}).encode()
    request = head("Content-Type: application/json", f"Content-Length: {len(body)}") + body
    host, port = url.removeprefix("http://").split(":")

    async def read_a_little() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await reader.readuntil(b"word")
        return writer

    writers = await asyncio.gather(*(read_a_little() for _ in range(200)))
    assert vllm.live == 200
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(1.0)
    assert vllm.live == 0


async def test_whole_answers_are_given_up_with_their_clients(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says(Said("word " * 4000))
    vllm.pause = 0.02
    async with aiohttp.ClientSession() as session:
        asking = [asyncio.create_task(session.post(f"{url}/v1/chat/completions", json=ASK)) for _ in range(20)]
        while vllm.live < 20:
            await asyncio.sleep(0.02)
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    await asyncio.sleep(1.0)
    assert vllm.live == 0


async def test_comments_keep_a_held_stream_alive(vllm: FakeVllm, start: Start) -> None:
    limits = Limits(heartbeat_after_seconds=0.1, heartbeat_seconds=0.1)
    url = await start(upstream=vllm.url, limits=limits)
    vllm.says('<|tool_call>call:bash{command:<|"|>' + "x" * 60 + '<|"|>}<tool_call|>')
    vllm.pause = 0.04
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json={**ASK, "stream": True}) as response:
            text = await response.text()
    before, _, _ = text.partition("tool_calls")
    assert before.count(": ka\n\n") >= 3


async def test_an_early_error_keeps_its_status_in_a_stream(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says(refusing(404, b'{"error":{"message":"no such model","type":"NotFoundError","code":404}}'))
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json={**ASK, "stream": True}) as response:
            assert response.status == 404


async def test_more_than_it_can_serve_is_sent_away(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url, limits=Limits(max_streams=2, queue_seconds=0.1))
    vllm.says(Said("word " * 50))
    vllm.pause = 0.02
    async with aiohttp.ClientSession() as session:

        async def ask() -> tuple[int, str | None]:
            async with session.post(f"{url}/v1/chat/completions", json=ASK) as response:
                await response.read()
                return response.status, response.headers.get("Retry-After")

        answers = await asyncio.gather(*(ask() for _ in range(6)))
    assert sorted(status for status, _ in answers) == [200, 200, 503, 503, 503, 503]
    assert all(after for status, after in answers if status == 503)


async def test_redirects_are_not_followed(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says(refusing(307, b"{}", Location="http://127.0.0.1:1/elsewhere"))
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json=ASK, allow_redirects=False) as response:
            assert response.status == 502


async def test_a_stop_signal_lets_streams_finish(vllm: FakeVllm) -> None:
    vllm.says(Said("word " * 40))
    vllm.pause = 0.02
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", "serve", "--upstream", vllm.url, "--port", "0", "--no-probe",
        stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        url = json.loads(await process.stdout.readline())["url"]
        async with aiohttp.ClientSession() as session:

            async def ask() -> str:
                async with session.post(f"{url}/v1/chat/completions", json={**ASK, "stream": True}) as response:
                    return await response.text()

            asking = [asyncio.create_task(ask()) for _ in range(20)]
            while vllm.live < 20:
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            texts = await asyncio.gather(*asking)
        assert all(text.endswith("data: [DONE]\n\n") for text in texts)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_what_is_asked_on_an_open_connection_while_it_stops_is_answered(vllm: FakeVllm) -> None:
    """A proxy before us sends its question just then, and may not send it again."""
    vllm.says("fine")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", "serve", "--upstream", vllm.url, "--port", "0", "--no-probe",
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        host, port = json.loads(await process.stdout.readline())["url"].removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        process.send_signal(signal.SIGTERM)
        assert json.loads(await process.stdout.readline())["event"] == "stopping"
        body = json.dumps(ASK).encode()
        kept = head("Content-Type: application/json", f"Content-Length: {len(body)}").replace(b"Connection: close\r\n", b"")
        writer.write(kept + body)
        async with asyncio.timeout(10):
            answer = await reader.read()  # it ends: the connection is closed behind the answer
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nConnection: close\r\n" in answer
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_connections_in_the_queue_are_taken_before_the_listener_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with socket.create_connection(listener.getsockname()), socket.create_connection(listener.getsockname()):
            taken = list(waiting(listener))
    assert len(taken) == 2
    for each in taken:
        each.close()
