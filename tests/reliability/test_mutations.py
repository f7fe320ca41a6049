"""H13: requests of all clients, changed as attackers and broken clients would: no answer is an error of ours, and each is whole."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import orjson
import pytest

from adapters.registry import PREFIXES
from tests.adapters.clients.prompts import REQUESTS
from tests.fake_vllm import FakeVllm
from tests.fuzz.mutate import mutated
from tests.fuzz.target_requests import BODIES, TALK
from tests.proxy.client_requests import PLAIN
from tests.reliability.load import unbounded
from tests.reliability.shared import begin_checker
from tests.reliability.stand import Toolmend

Say = Callable[[str], None]

CAPTURES: Final = os.environ.get("TOOLMEND_CAPTURES", "")
"""A folder with requests that real frameworks have sent, each a JSON file: the body, or an object that has it as `body`."""

ANSWERS: Final = (
    '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>',
    "Fine.",
    '<tool_call>{"name": "bash", "arguments": {"command": 5, "nonsense": [}</tool_call>',
    "<think>I look.</think>\n```mswea_bash_command\nls -la\n```",
    "<function=submit>\n</function>",
    "",
)
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it was sent."""

    path: str
    headers: dict[str, str]
    raw: bytes


def ours() -> list[bytes]:
    """Return the requests that tests have: of each client, with a history, and plain."""
    bodies = [*(make() for make in REQUESTS.values()), *BODIES, PLAIN]
    bodies += [{**make(), "messages": [*make()["messages"], *TALK[1:]]} for make in REQUESTS.values()]
    return [json.dumps({**body, "stream": bool(at % 2)}).encode() for at, body in enumerate(bodies)]


def captured() -> list[bytes]:
    """Return recorded requests."""
    found: list[bytes] = []
    for file in sorted(Path(CAPTURES).glob("*.json")):
        parsed = json.loads(file.read_text("utf-8"))
        body = parsed.get("body", parsed) if isinstance(parsed, dict) else None
        if isinstance(body, dict) and "messages" in body:
            found.append(json.dumps(body).encode())
    return found


def drawn(chance: Random, bases: Sequence[bytes]) -> Sent:
    """Draw a request: sometimes as it is, mostly changed."""
    raw = chance.choice(bases)
    path = chance.choice(("", "", *PREFIXES)) + "/v1/chat/completions"
    mode = chance.choice(({}, {}, {}, {"x-toolmend-mode": chance.choice(("observe", "off", "odd"))}))
    return Sent(path, {"Content-Type": "application/json", **mode}, raw if chance.random() < 0.05 else mutated(chance, raw))


async def asked(session: aiohttp.ClientSession, url: str, sent: Sent) -> int:
    """Send a request, and hold its answer to what any answer must be. Returns its status."""
    async with session.post(url + sent.path, data=sent.raw, headers=sent.headers) as answer:
        data = await answer.read()
        assert answer.status < 500, (answer.status, data, sent)
        if answer.status != 200:
            error = orjson.loads(data)["error"]
            assert error.keys() >= {"message", "type", "code"}, (data, sent)
            assert error["type"] in ("invalid_request_error", "BadRequestError"), (data, sent)
        elif answer.content_type == "text/event-stream":
            events = [each for each in data.split(b"\n\n") if each and not each.startswith(b":")]
            assert events[-1] == b"data: [DONE]", (data, sent)
            assert not any("error" in orjson.loads(each.removeprefix(b"data: ")) for each in events[:-1]), (data, sent)
        else:
            assert orjson.loads(data)["choices"], (data, sent)
        return answer.status


async def mutate(served: Toolmend, vllm: FakeVllm, bases: Sequence[bytes], cases: int, seed: int = 13) -> Counter[int]:
    """Ask so many times; return how often each status came."""
    chance = Random(seed)
    waiting = iter([drawn(chance, bases) for _ in range(cases)])
    statuses: Counter[int] = Counter()
    await begin_checker(served, vllm)  # some requests have schemas that need it
    vllm.says(*ANSWERS)

    async def client(session: aiohttp.ClientSession) -> None:
        for sent in waiting:
            statuses[await asked(session, served.url, sent)] += 1
            vllm.answers.rotate(-1)
            if len(vllm.answers) < len(ANSWERS):
                vllm.says(*ANSWERS)
            vllm.requests.clear()
            vllm.bodies.clear()
            vllm.headers.clear()

    async with unbounded() as session, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(client(session))
    return statuses


def told(statuses: Counter[int]) -> str:
    """Say how often each status came."""
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))


@pytest.mark.row("H13")
async def test_no_changed_request_is_an_error_of_ours(served: Toolmend, vllm: FakeVllm) -> None:
    statuses = await mutate(served, vllm, ours(), 200)
    assert statuses.total() == 200
    assert statuses[200] > 40, "nearly nothing was asked of the model"
    assert statuses[400] > 10, "nearly nothing was refused"


@pytest.mark.slow
@pytest.mark.row("H13")
async def test_no_changed_request_of_thousands_is_an_error_of_ours(served: Toolmend, vllm: FakeVllm, reached: Say) -> None:
    statuses = await mutate(served, vllm, ours(), 2_000, seed=1)
    assert statuses.total() == 2_000
    reached(f"2,000 mutated requests: {told(statuses)}")


@pytest.mark.slow
@pytest.mark.row("H13")
@pytest.mark.skipif(not CAPTURES, reason="no recorded requests (TOOLMEND_CAPTURES)")
async def test_no_changed_recorded_request_is_an_error_of_ours(served: Toolmend, vllm: FakeVllm, reached: Say) -> None:
    bases = captured()
    assert bases
    statuses = await mutate(served, vllm, bases, 2_000, seed=2)
    reached(f"2,000 mutations of {len(bases)} recorded requests: {told(statuses)}")


def test_every_kind_of_request_is_among_them() -> None:
    parsed: list[dict[str, Any]] = [json.loads(each) for each in ours()]
    assert any(each.get("tools") for each in parsed)
    assert any(not each.get("tools") for each in parsed)
    assert {each["stream"] for each in parsed} == {True, False}
