"""40 secrets, none of them real, in the shapes in which secrets stand in texts; and everything that toolmend writes, to look for them."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from proxy.demo.speak import Said, whole
from tests.conftest import listen
from tests.fake_vllm import Answer, FakeVllm
from tests.reliability.stand import Toolmend

RANDOM = random.Random(40)
LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
BASE64 = LETTERS + "+/"


@dataclass(frozen=True)
class Canary:
    """A secret. `traces` are pieces of it: where one of them stands, it was let out. `marked`: something tells it from other text."""

    name: str
    text: str
    traces: tuple[bytes, ...]
    marked: bool = True

    @property
    def line(self) -> str:
        """It, as far as a header can carry it."""
        return self.text.replace("\n", " ")


def _run(length: int, alphabet: str = LETTERS) -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(length - 2)) + "q7"


def _pieces(secret: str) -> tuple[bytes, ...]:
    """Name the pieces of a secret by which it is found: all of it but its beginning and its end."""
    inner = secret[6:-4]
    return tuple(inner[at : at + 10].encode() for at in range(0, max(len(inner) - 9, 1), 10))


def _made() -> Iterator[Canary]:
    def canary(name: str, frame: str, secret: str, marked: bool = True) -> Canary:
        return Canary(name, frame.replace("{}", secret), _pieces(secret), marked)

    for opener in ("sk-proj-", "sk-", "sk-ant-api03-", "sk-or-v1-", "ghp_", "gho_", "ghs_", "github_pat_11", "glpat-", "gldt-"):
        yield canary(opener, opener + "{}", _run(40))
    for opener in ("xoxb-1234567890-", "xoxp-1234567890-", "AIzaSy", "hf_", "npm_", "sk_live_", "whsec_", "ya29."):
        yield canary(opener, opener + "{}", _run(36))
    yield canary("AKIA", "AKIA{}", _run(16, string.ascii_uppercase + string.digits).upper())
    yield canary("AWS secret", "aws_secret_access_key = {}", _run(40, BASE64))
    yield canary("SendGrid", "SG." + _run(22) + ".{}", _run(43))
    head, body = (
        base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"canary"}')
    )
    yield canary("JWT", f"{head}.{body}.{{}}", _run(43))
    yield canary("JWT in a cookie", f"Cookie: session={head}.{body}.{{}}; path=/", _run(43))
    for kind, ends, newline in (
        ("RSA PRIVATE KEY", True, "\n"),
        ("EC PRIVATE KEY", True, "\\n"),
        ("OPENSSH PRIVATE KEY", False, "\n"),
    ):
        lines = [_run(64, BASE64) for _ in range(6)]
        frame = [f"-----BEGIN {kind}-----", *lines, *([f"-----END {kind}-----"] if ends else [])]
        yield Canary(f"PEM {kind}", newline.join(frame), tuple(piece for line in lines for piece in _pieces(line)))
    login = base64.b64encode(f"user:{_run(20)}".encode()).decode()
    yield canary("Basic", "Authorization: Basic {}", login)
    yield canary("Bearer", "authorization: bearer {}", _run(40, HEX))
    yield canary("URL, password", "postgres://app:{}@db.internal:5432/app", _run(24))
    yield canary("URL, token", "git clone https://x-access-token:{}@host/a/b.git", _run(40))
    yield canary("base64 of a key", "echo {} | base64 -d", base64.b64encode(f"sk-{_run(40)}".encode()).decode())
    yield canary("base64 of PEM", "{}", base64.b64encode(f"-----BEGIN PRIVATE KEY-----\n{_run(64)}".encode()).decode())
    yield canary("JSON", '{"api_key": "{}"}', _run(32, HEX))
    yield canary("JSON in JSON", json.dumps({"body": json.dumps({"user": "a", "password": "{}"})}), _run(24))
    yield canary("environment, password", "export DB_PASSWORD={}", _run(20))
    yield canary("environment, key", "OPENAI_API_KEY={} python app.py", _run(32, HEX))
    yield canary("quoted", '("ghp_{}")', _run(36))
    yield canary("escaped for a URL", "next=%2Flogin%3Ftoken%3Dsk-{}", _run(40))
    yield canary("in a sentence", "my password is {} as always", _run(20), marked=False)
    yield canary("without a name", "{}", _run(64, HEX), marked=False)


CANARIES = tuple(_made())


def found_in(*texts: bytes) -> list[str]:
    """Name the canaries of which a piece stands in a text."""
    return [each.name for each in CANARIES if any(piece in text for piece in each.traces for text in texts)]


@dataclass
class Collector:
    """Takes traces as any collector does."""

    url: str = ""
    raw: list[bytes] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.raw.append(await request.read())
        return web.Response()

    async def listen(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/traces", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        self.url = await listen(runner)
        return runner


async def sinks(made: Toolmend, collector: Collector | None = None) -> dict[str, bytes]:
    """Return all that toolmend has written so far, wherever that goes."""
    journal = b"".join(each.read_bytes() for each in sorted((made.folder / "journal").glob("*.jsonl")))
    return {
        "stdout": (made.folder / "stdout").read_bytes(),
        "stderr": (made.folder / "stderr").read_bytes(),
        "metrics": (await made.text()).encode(),
        "journal": journal,
        "traces": b"".join(collector.raw) if collector else b"",
    }


def chosen(vllm: FakeVllm, answers: Mapping[str, Said | Answer]) -> Answer:
    """Answer by the first line of a message that names an answer."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        texts = [each["content"] for each in body["messages"] if isinstance(each["content"], str)]
        said = next(answers[line] for line in (text.partition("\n")[0] for text in texts) if line in answers)
        if not isinstance(said, Said):
            return await said(request, body)
        return await vllm._stream(request, said, body) if body.get("stream") else web.json_response(whole(said, body))

    return answer


def since(before: Mapping[str, bytes], after: Mapping[str, bytes], but: Iterable[str] = ()) -> dict[str, bytes]:
    """Return what was written between two looks."""
    return {name: text[len(before[name]) :] if name != "metrics" else text for name, text in after.items() if name not in but}
