"""TLS: clients are served https, an https model server is checked, and files that do not work are named at start."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web

from proxy.serve import end_listening, listen, make_runner
from proxy.settings import Settings
from proxy.tls import TlsError, server_context
from tests.conftest import BASH, MODEL
from tests.fake_vllm import FakeVllm

ROOT = Path(__file__).parents[2]
CALL = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'


class Files:
    """An authority of the test's own, and a certificate of 127.0.0.1 by it."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        made = authority.issue_cert("127.0.0.1", "localhost")
        self.ca, self.cert, self.key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
        self.both, self.other = folder / "both.pem", folder / "other.pem"
        authority.cert_pem.write_to_path(self.ca)
        for blob in made.cert_chain_pems:
            blob.write_to_path(self.cert, append=True)
        made.private_key_pem.write_to_path(self.key)
        made.private_key_and_cert_chain_pem.write_to_path(self.both)
        authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(self.other)
        self.trusting = ssl.create_default_context()
        authority.configure_trust(self.trusting)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"upstream": "http://127.0.0.1:1", "probe": False, **given})


@pytest.fixture
async def secret_vllm(files: Files) -> AsyncIterator[FakeVllm]:
    """A fake vLLM that speaks https."""
    fake = FakeVllm()
    runner = web.AppRunner(fake.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context(settings(tls_cert=files.both))).start()
    fake.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


async def asked(told: Settings, trusting: ssl.SSLContext, *, stream: bool) -> tuple[int, str]:
    """Ask a toolmend that serves https with these settings; return status and body."""
    runner = make_runner(told)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context(told)).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}/v1/chat/completions"
        body = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH], "stream": stream}
        async with aiohttp.ClientSession() as session, session.post(url, json=body, ssl=trusting) as answer:
            return answer.status, await answer.text()
    finally:
        await runner.cleanup()


async def test_a_turn_is_mended_over_tls_on_both_sides(secret_vllm: FakeVllm, files: Files, stream: bool) -> None:
    secret_vllm.says(CALL)
    told = settings(upstream=secret_vllm.url, upstream_ca=files.ca, tls_cert=files.cert, tls_key=files.key)
    status, text = await asked(told, files.trusting, stream=stream)
    assert status == 200
    assert '"tool_calls"' in text
    assert "ls" in text
    assert "<|tool_call>" not in text


async def test_a_model_server_that_nobody_vouches_for_is_not_asked(secret_vllm: FakeVllm, files: Files) -> None:
    secret_vllm.says("never")
    status, text = await asked(settings(upstream=secret_vllm.url, tls_cert=files.both), files.trusting, stream=False)
    assert status == 502
    assert "certificate verify failed" in text
    assert secret_vllm.bodies == []


@pytest.mark.parametrize("command", [["probe"], ["doctor", "--level", "1"], ["tune", "--protocol", "native", "--repeats", "1"]])
async def test_commands_trust_whom_they_are_told_to_trust(secret_vllm: FakeVllm, files: Files, command: list[str]) -> None:
    secret_vllm.says(CALL)

    async def ran(*options: str) -> bytes:
        line = [sys.executable, "-m", "proxy", *command, "--upstream", secret_vllm.url, *options]
        process = await asyncio.create_subprocess_exec(*line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await process.communicate()
        return out

    assert b"certificate" in await ran()
    assert (secret_vllm.gets, secret_vllm.bodies) == ([], [])
    said = await ran("--upstream-ca", str(files.ca))
    assert b"certificate" not in said
    assert secret_vllm.bodies, said
    assert b"cannot be read" in await ran("--upstream-ca", "none.pem")


@pytest.mark.parametrize(
    "case", ["absent", "absent key", "mismatch", "no key", "no pem", "encrypted", "absent ca", "no ca", "alone"]
)
def test_files_that_do_not_work_are_named(files: Files, tmp_path: Path, case: str) -> None:
    junk, none, locked = tmp_path / "junk.pem", tmp_path / "none.pem", tmp_path / "locked.pem"
    junk.write_text("no pem\n")
    if case == "encrypted":
        command = ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", str(files.key), "-out", str(locked)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no openssl here to encrypt a key with")
    options, complaint = {
        "absent": (["--tls-cert", none], f"{none}: cannot be read"),
        "absent key": (["--tls-cert", files.cert, "--tls-key", none], f"{none}: cannot be read"),
        "mismatch": (["--tls-cert", files.cert, "--tls-key", files.other], f"{files.other}: is not the private key"),
        "no key": (["--tls-cert", files.cert], "is --tls-key missing?"),
        "no pem": (["--tls-cert", junk, "--tls-key", files.key], "must be a certificate"),
        "encrypted": (["--tls-cert", files.cert, "--tls-key", locked], "is encrypted, which is not supported"),
        "absent ca": (["--upstream-ca", none], f"{none}: cannot be read"),
        "no ca": (["--upstream-ca", junk], "holds no certificate"),
        "alone": (["--tls-key", files.key], "say --tls-cert as well"),
    }[case]
    command = [sys.executable, "-m", "proxy", "serve", "--upstream", "http://127.0.0.1:1", *map(str, options)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert ran.returncode == 2
    assert complaint in ran.stderr


def test_old_tls_is_not_spoken(files: Files) -> None:
    context = server_context(settings(tls_cert=files.both))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert server_context(settings()) is None
    with pytest.raises(TlsError):
        server_context(settings(tls_cert=files.ca))


async def test_the_program_serves_https(files: Files) -> None:
    command = [sys.executable, "-m", "proxy", "serve", "--upstream", "http://127.0.0.1:1", "--no-probe", "--port", "0"]
    environment = {**os.environ, "TOOLMEND_TLS_CERT": str(files.both), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        line = (await process.stdout.readline()).decode()
        assert '"url": "https://127.0.0.1:' in line
    finally:
        process.terminate()
        await process.wait()


async def test_a_connection_in_the_queue_is_served_by_tls_while_the_server_stops(files: Files) -> None:
    told = settings(tls_cert=files.both)
    runner, tls = make_runner(told), server_context(told)
    await runner.setup()
    try:
        site = await listen(runner, "127.0.0.1", 0, tls=tls)
        queued = socket.create_connection(runner.addresses[0][:2])  # the loop does not run meanwhile: nobody accepts it
        queued.setblocking(False)
        opening = asyncio.create_task(asyncio.open_connection(sock=queued, ssl=files.trusting, server_hostname="127.0.0.1"))
        await end_listening(site, runner, tls)
        reader, writer = await opening
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    finally:
        await runner.cleanup()
