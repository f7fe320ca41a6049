"""What is reached from outside: keys, addresses, routes, names of hosts, web pages, and the number of series that strangers can make."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.app import RELAYED
from proxy.settings import Settings
from tests.fake_vllm import FakeVllm
from tests.reliability.conftest import Begin
from tests.reliability.load import ASK, ask, unbounded
from tests.reliability.raw import exchange, post
from tests.reliability.shared import Shared
from tests.reliability.stand import QUIET, Toolmend

Say = Callable[[str], None]

shared_loop = pytest.mark.asyncio(loop_scope="session")

KEY = "sk-right-0123456789abcdef"
WRONG: dict[str, tuple[bytes, ...]] = {
    "none": (),
    "empty": (b"Authorization: ",),
    "no scheme": (b"Authorization: " + KEY.encode(),),
    "no token": (b"Authorization: Bearer",),
    "blank token": (b"Authorization: Bearer    ",),
    "another scheme": (b"Authorization: Basic " + KEY.encode(),),
    "first half": (b"Authorization: Bearer " + KEY[:12].encode(),),
    "one letter less": (b"Authorization: Bearer " + KEY[:-1].encode(),),
    "one letter more": (b"Authorization: Bearer " + KEY.encode() + b"x",),
    "other letters": (b"Authorization: Bearer " + KEY.upper().encode(),),
    "twice in one": (b"Authorization: Bearer " + KEY.encode() + b" " + KEY.encode(),),
    "a list": (b"Authorization: Bearer wrong, Bearer " + KEY.encode(),),
    "wrong, then right": (b"Authorization: Bearer wrong", b"Authorization: Bearer " + KEY.encode()),
    "long": (b"Authorization: Bearer " + b"x" * 8_000,),
    "Latin-1": (b"Authorization: Bearer sk-r\xefght",),
    "UTF-8": ("Authorization: Bearer sk-r\u00efght".encode(),),
    "surrogate": (b"Authorization: Bearer \xed\xa0\x80",),
    "no text": (b"Authorization: Bearer \xff\xfe",),
    "tab": (b"Authorization: Bearer\t\t" + KEY.encode() + b"\tx",),
    "quoted": (b'Authorization: Bearer "' + KEY.encode() + b'"',),
    "another header": (b"X-Api-Key: wrong",),
    "api-key": (b"Api-Key: " + KEY.encode(),),
    "a cookie": (b"Cookie: authorization=" + KEY.encode(),),
    "proxy": (b"Proxy-Authorization: Bearer " + KEY.encode(),),
    "in the address": (),
    "null": (b"Authorization: Bearer null",),
    "JSON": (b'Authorization: Bearer {"$ne":""}',),
    "SQL": (b"Authorization: Bearer ' OR 1=1 --",),
}
"""None of these is the key. (A NUL in a header is no HTTP: row H1.)"""

NO_HTTP = (b"Authorization: Bearer " + KEY.encode() + b"\x00", b"Authorization: Bearer \x00")


def asking(*headers: bytes, target: str = "/v1/embeddings") -> bytes:
    head, _, body = post(b'{"input":"x"}', target=target).partition(b"\r\n\r\n")
    return b"\r\n".join([head, *headers]) + b"\r\n\r\n" + body


@pytest.mark.row("H17")
async def test_wrong_keys_are_refused_alike(begin: Begin, vllm: FakeVllm, reached: Say) -> None:
    vllm.says("fine")
    async with begin(
        vllm.url, environment={"TOOLMEND_CLIENT_KEY": KEY, "TOOLMEND_UPSTREAM_KEY": "ours"}, live=lambda: vllm.live, warm=False
    ) as served:
        answers = {name: await exchange(served.url, asking(*headers)) for name, headers in WRONG.items()}
        answers["in the address"] = await exchange(served.url, asking(target=f"/v1/embeddings?api_key={KEY}&key={KEY}"))
        for headers in NO_HTTP:
            assert (await exchange(served.url, asking(headers)))[9:12] == b"400"
        for path in ("/v1/chat/completions", "/pause", "/v1/models/x", "/metrics", "/docs"):
            assert (await exchange(served.url, asking(target=path)))[9:12] == b"401", path
        bodies = {name: answer.partition(b"\r\n\r\n")[2] for name, answer in answers.items()}
        refused = [name for name, answer in answers.items() if answer[9:12] == b"401"]
        reached(
            f"{len(refused)} of {len(answers)} refused, {len(set(bodies.values()))} body, {len(vllm.bodies)} at the model server"
        )
        assert [name for name in answers if name not in refused] == []
        assert len(set(bodies.values())) == 1
        assert vllm.bodies == []
        for right in (
            b"Authorization: Bearer " + KEY.encode(),
            b"authorization: bearer " + KEY.encode(),
            b"X-Api-Key: " + KEY.encode(),
        ):
            assert (await exchange(served.url, asking(right)))[9:12] == b"200"
        assert {each["Authorization"] for each in vllm.headers} == {"Bearer ours"}
        told = (served.folder / "stdout").read_bytes() + (served.folder / "stderr").read_bytes()
        assert KEY.encode() not in told
        await served.settle()


async def refused_in(session: aiohttp.ClientSession, url: str, key: str) -> float:
    """Return the seconds that a refusal took."""
    began = time.perf_counter()
    async with session.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"}) as answer:
        assert answer.status == 401
        await answer.read()
    return time.perf_counter() - began


@pytest.mark.row("H17")
@pytest.mark.slow
async def test_refusals_take_as_long_however_near_a_key_is(begin: Begin, vllm: FakeVllm, reached: Say) -> None:
    near, far = KEY[:-1] + "x", "x" * len(KEY)
    async with begin(vllm.url, environment={"TOOLMEND_CLIENT_KEY": KEY}, warm=False) as served:
        times: dict[str, list[float]] = {near: [], far: [], "x": []}
        async with aiohttp.ClientSession() as session:
            for _ in range(33_334):
                for key, taken in times.items():
                    taken.append(await refused_in(session, served.url, key))
    means = {key: statistics.fmean(taken) * 1e6 for key, taken in times.items()}
    spread = min(statistics.stdev(taken) for taken in times.values()) * 1e6
    apart = max(means.values()) - min(means.values())
    reached(f"100,002 refusals: means {apart:.1f} us apart, spread {spread:.0f} us")
    assert not QUIET or apart < spread


def listening(served: Toolmend) -> set[str]:
    """Return the addresses on which a process listens, as the kernel writes them. Linux."""
    inodes = set()
    for each in Path(f"/proc/{served.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            inodes.add(each.readlink().name.removeprefix("socket:[").rstrip("]"))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{served.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


NOBODYS = (
    *(
        "/",
        "/pause",
        "/resume",
        "/sleep",
        "/wake_up",
        "/is_sleeping",
        "/collective_rpc",
        "/invocations",
        "/ping",
        "/load",
        "/reset",
    ),
    *(
        "/reset_prefix_cache",
        "/reset_mm_cache",
        "/reset_encoder_cache",
        "/start_profile",
        "/stop_profile",
        "/server_info",
        "/version",
    ),
    *("/scale_elastic_ep", "/is_scaling_elastic_ep", "/init_weight_transfer_engine", "/update_weights", "/get_world_size"),
    *(
        "/v1/load_lora_adapter",
        "/v1/unload_lora_adapter",
        "/v1/score",
        "/score",
        "/rerank",
        "/v1/rerank",
        "/v2/rerank",
        "/pooling",
    ),
    *("/classify", "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/files", "/v1/batches", "/v1/fine_tuning/jobs"),
    *(
        "/v1/responses/abc",
        "/v1/responses/abc/cancel",
        "/inference/v1/generate",
        "/abort_requests",
        "/metrics",
        "/docs",
        "/redoc",
    ),
    *("/openapi.json", "/debug", "/config", "/admin", "/ui", "/.env", "/health", "/v1/models/../../pause", "/v1/%2e%2e/pause"),
    *("//pause", "/v1//chat/completions", "/v1/chat/completions/", "/v1/chat/completions/../../../pause", "/V1/chat/completions"),
    *("/evil/v1/chat/completions", "/openhands/pause", "/v1/chat%2fcompletions", "/v1/chat/completions;x", "/healthz/x"),
)
"""What a vLLM serves besides, and what other servers do; ways around a list."""


@shared_loop
@pytest.mark.row("H18")
async def test_only_what_is_listed_is_reached(shared: Shared, reached: Say) -> None:
    addresses = listening(shared.toolmend)
    found = []
    for path in NOBODYS:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"):
            data = post(b"{}", target=path).replace(b"POST", method.encode(), 1)
            answer = await exchange(shared.url, data)
            if answer[9:12] not in (b"404", b"405") or b"Access-Control" in answer:
                found.append((method, path, answer[:40]))
    for _, path in RELAYED:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            answer = await exchange(shared.url, post(b"{}", target=path).replace(b"POST", method.encode(), 1))
            assert answer[9:12] == b"405", (method, path)
    reached(
        f"listens on {', '.join(sorted(addresses))} (127.0.0.1); {len(found)} of {len(NOBODYS)} other routes reached,"
        f" {len(shared.asked)} at the model server"
    )
    assert addresses == {"0100007F"}
    assert found == []
    assert shared.asked == []


@shared_loop
@pytest.mark.row("H18")
async def test_no_web_page_gets_in(shared: Shared, reached: Say) -> None:
    """A page sends text, forms and simple requests without asking, and names a host that it has rebound to this machine."""
    tries = 0
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""):
        data = post(b'{"input":"x"}', "Origin: http://evil.example", target="/v1/embeddings")
        answer = await exchange(shared.url, data.replace(b"Content-Type: application/json", b"Content-Type: " + kind.encode()))
        assert answer[9:12] == b"415", kind
        tries += 1
    hosts = (
        "evil.example",
        "evil.example:8900",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "2130706433",
    )
    for host in hosts:
        answer = await exchange(
            shared.url, post(b'{"input":"x"}', target="/v1/embeddings").replace(b"127.0.0.1", host.encode(), 1)
        )
        assert answer[9:12] == b"403", host
        tries += 1
    asks = post(b"", "Origin: http://evil.example", "Access-Control-Request-Method: POST").replace(b"POST", b"OPTIONS", 1)
    answer = await exchange(shared.url, asks)
    assert answer[9:12] == b"405"
    assert b"access-control" not in answer.lower()
    reached(f"0 of {tries + 1} tries of a web page")
    assert shared.asked == []
    for host in ("localhost", "127.0.0.1:1", "[::1]:80", "LOCALHOST", "127.9.9.9"):
        answer = await exchange(
            shared.url, post(b'{"input":"x"}', target="/v1/embeddings").replace(b"127.0.0.1", host.encode(), 1)
        )
        assert answer[9:12] == b"200", host


def test_it_listens_on_loopback_unless_it_is_told_otherwise() -> None:
    settings = Settings(upstream="http://127.0.0.1:1")
    assert (settings.host, settings.metrics_host, settings.metrics_port) == ("127.0.0.1", "127.0.0.1", 0)
    with pytest.raises(ValueError, match="refusing to listen"):
        Settings(upstream="http://127.0.0.1:1", host="0.0.0.0")


SERIES = 200


async def strangers(shared: Shared, number: int) -> int:
    """Ask with as many names of models, paths, methods and modes as there are; return how many series there are then."""
    async with unbounded() as session, aiohttp.ClientSession() as kept:
        for at in range(number):
            path = ("/v1/embeddings", f"/v1/x{at}", f"/p{at}/v1/chat/completions", "/v1/chat/completions")[at % 4]
            body: dict[str, Any] = {**ASK, "model": f"m{at}", "tools": None}
            headers = {"x-toolmend-mode": f"mode{at}", "User-Agent": f"agent{at}"}
            async with kept.post(shared.url + path, json=body, headers=headers) as answer:
                assert answer.status in (200, 404)
                await answer.read()
        for at in range(20):
            await ask(session, shared.url, model=f"model{at}")
    return (await shared.toolmend.reading()).series


@shared_loop
@pytest.mark.row("H18")
@pytest.mark.parametrize("number", [200, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_strangers_make_no_series(begin: Begin, shared: Shared, reached: Say, number: int) -> None:
    first = await strangers(shared, 40)
    last = await strangers(shared, number)
    reached(f"{last} series after {number:,} models, {last - first} more than after 40")
    assert last <= first
    assert last <= SERIES
