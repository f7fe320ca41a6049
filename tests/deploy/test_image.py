"""The Dockerfile keeps what docs/containers.md promises, and its health check tells a healthy server from a sick one."""

import asyncio
import json
import os
import re
import ssl
import sys
from pathlib import Path

import pytest
import trustme
from aiohttp import web

ROOT = Path(__file__).parents[2]
INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text())).splitlines()
FINAL = INSTRUCTIONS[max(place for place, line in enumerate(INSTRUCTIONS) if line.startswith("FROM ")) :]


def the(instruction: str) -> str:
    """Return what follows an instruction that the final stage has once."""
    (line,) = [line for line in FINAL if line.startswith(f"{instruction} ")]
    return line.removeprefix(f"{instruction} ").strip()


def health_check() -> list[str]:
    return json.loads(the("HEALTHCHECK").partition(" CMD ")[2])


def test_the_process_gets_the_signal_itself_and_is_nobody() -> None:
    assert json.loads(the("ENTRYPOINT")) == ["toolmend"]  # exec form: no shell stands between
    assert json.loads(the("CMD")) == ["serve"]
    assert the("STOPSIGNAL") == "SIGTERM"
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", the("USER"))


def test_no_key_and_no_leave_to_do_without_one_is_baked_in() -> None:
    environment = the("ENV")
    assert "TOOLMEND_HOST=0.0.0.0" in environment
    assert "KEY" not in environment


def test_all_that_is_installed_is_checked_by_hash_or_is_ours() -> None:
    installs = [part for line in INSTRUCTIONS for part in line.split("&&") if re.search(r"pip (--python \S+ )?install", part)]
    assert len(installs) == 3
    for each in installs:
        assert "--require-hashes" in each or ("--no-index" in each and "--no-deps" in each), each


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    sources = [word for line in INSTRUCTIONS if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]]
    assert sources
    let_in = [line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for source in sources:
        assert (ROOT / source).exists()
        assert any(Path(source).match(pattern) for pattern in let_in), source


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_the_health_check_asks_healthz(aiohttp_server, status: int, code: int, tls: bool) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context:
        trustme.CA().issue_cert("toolmend.example").configure_cert(context)
    server = await aiohttp_server(app, ssl=context)
    name, *arguments = health_check()
    assert name == "python3"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, "TOOLMEND_PORT": str(server.port)} | ({"TOOLMEND_TLS_CERT": "cert.pem"} if tls else {}),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == code
    assert asked == ["/healthz"]
