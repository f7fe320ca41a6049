"""Metrics: each is counted where it happens, and no client can make more of them than there are."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web
from pydantic import ValidationError

from adapters.registry import PREFIXES
from proxy.demo.speak import Said
from proxy.errors import BadRequest
from proxy.lag import WINDOW, Delay, Lag
from proxy.metrics import CODE_NAMES, Metrics, among, names, status_class
from proxy.profiles import load
from proxy.settings import Settings
from tests.conftest import BASH, MODEL, Proxy
from tests.fake_vllm import FakeVllm, refusing, sending
from tests.proxy.metered import Metered, metered

GOOD = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'
WORDY = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
MISSING = "<|tool_call>call:bash{timeout:5}<tool_call|>"


@pytest.fixture
async def meter(vllm: FakeVllm) -> AsyncIterator[Metered]:
    """Toolmend in front of the fake vLLM, with its metrics."""
    async with metered(upstream=vllm.url) as served:
        yield served


def through(meter: Metered, vllm: FakeVllm, *, stream: bool) -> Proxy:
    return Proxy(meter.url, vllm, stream)


async def test_a_right_turn_is_counted_once(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says("All is done.")
    await through(meter, vllm, stream=stream).ask(tools=[BASH])
    turn = {"profile": "gemma-4", "client": "openai_chat", "mode": "repair"}
    assert await meter.value("toolmend_turns_total") == 1
    assert await meter.value("toolmend_turns_total", outcome="as-is", fault="none", **turn) == 1
    assert await meter.value("toolmend_turn_faults_total") == 0
    assert await meter.value("toolmend_requests_total", route="/v1/chat/completions", status="2xx") == 1
    assert await meter.value("toolmend_attempts_total", rung="first", result="right") == 1
    assert await meter.value("toolmend_upstream_responses_total", status="2xx") == 1
    assert await meter.value("toolmend_completion_tokens_total", profile="gemma-4") > 0
    assert await meter.value("toolmend_extra_tokens_total") == 0
    assert await meter.value("toolmend_turn_seconds_count", profile="gemma-4") == 1
    assert await meter.value("toolmend_overhead_seconds_count") == 1
    assert await meter.value("toolmend_held_seconds_count", delivery="stream" if stream else "whole") == 1


async def test_what_a_rule_mends_is_counted_by_its_name(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(WORDY)
    await through(meter, vllm, stream=stream).ask(tools=[BASH])
    assert await meter.value("toolmend_repairs_total", rule="coerce_number", profile="gemma-4") == 1
    assert await meter.value("toolmend_turns_total", outcome="mended", fault="model-arguments") == 1
    assert await meter.value("toolmend_turn_faults_total", reason="coerce_number", fault="model-arguments") == 1


async def test_asking_again_is_counted_by_rung_and_cost(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(MISSING, GOOD)
    await through(meter, vllm, stream=stream).ask(tools=[BASH])
    assert await meter.value("toolmend_turns_total", outcome="asked-again") == 1
    assert await meter.value("toolmend_turn_faults_total", reason="missing-arguments") == 1
    assert await meter.value("toolmend_attempts_total", rung="first", result="wrong") == 1
    assert await meter.value("toolmend_attempts_total") == len(vllm.requests)
    assert await meter.value("toolmend_attempts_total", result="right") == 1
    assert await meter.value("toolmend_extra_tokens_total") > 100
    assert await meter.value("toolmend_extra_seconds_total") > 0
    assert await meter.value("toolmend_questions_active") == 0


async def test_held_time_is_from_the_models_first_byte_to_the_clients(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says("Hello, this is a text of some length that nobody holds. " * 6 + GOOD)
    vllm.pause = 0.02
    await through(meter, vllm, stream=stream).ask(tools=[BASH])
    held, whole = await meter.value("toolmend_held_seconds_sum"), await meter.value("toolmend_turn_seconds_sum")
    assert 0 < held < whole
    writing = 0.02 * 84  # at least so long the model wrote: all of it is held from who wants it whole, the call alone else
    assert (held < writing) is stream


async def test_a_failing_server_is_counted_by_code(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(refusing(500, b'{"error": {"message": "no"}}'))
    with pytest.raises(openai.InternalServerError):
        await through(meter, vllm, stream=stream).ask(tools=[BASH])
    assert await meter.value("toolmend_upstream_errors_total", code="upstream_refused") == 1
    assert await meter.value("toolmend_upstream_responses_total", status="5xx") == 1
    assert await meter.value("toolmend_requests_total", status="5xx") == 1
    assert await meter.value("toolmend_turns_total", outcome="error", fault="upstream") == 1
    assert await meter.value("toolmend_attempts_total", result="error") == 1


async def test_a_broken_answer_is_counted_by_code(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(sending(b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n', cut=True))
    with pytest.raises((openai.APIError, AssertionError)):
        await through(meter, vllm, stream=stream).ask(tools=[BASH])
    assert await meter.value("toolmend_upstream_errors_total", code="upstream_broken") == 1


async def test_a_server_that_is_not_there_is_counted_by_code(stream: bool, vllm: FakeVllm) -> None:
    async with metered(upstream="http://127.0.0.1:1") as meter:
        with pytest.raises(openai.InternalServerError):
            await through(meter, vllm, stream=stream).ask(tools=[BASH])
        assert await meter.value("toolmend_upstream_errors_total", code="upstream_unreachable") == 1
        assert await meter.value("toolmend_held_seconds_count") == 0


async def test_streams_are_counted_while_they_last(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    going = asyncio.Event()

    async def waits(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        await going.wait()
        return await refusing(500, b"{}")(request, asked)  # type: ignore[operator,no-any-return]  # it is a function

    vllm.says(waits)
    asking = asyncio.create_task(through(meter, vllm, stream=stream).ask(tools=[BASH]))
    while not vllm.requests:
        await asyncio.sleep(0.01)
    assert await meter.value("toolmend_streams_active") == 1
    going.set()
    with pytest.raises(openai.InternalServerError):
        await asking
    assert await meter.value("toolmend_streams_active") == 0


async def test_a_client_that_goes_is_counted_as_aborted(meter: Metered, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(Said("word " * 100))
    vllm.pause = 0.05
    asking = asyncio.create_task(through(meter, vllm, stream=stream).ask(tools=[BASH]))
    while not vllm.live:
        await asyncio.sleep(0.01)
    asking.cancel()
    async with asyncio.timeout(10):
        while not await meter.value("toolmend_requests_total", status="aborted"):
            await asyncio.sleep(0.02)
    assert await meter.value("toolmend_turns_total", outcome="aborted") == 1
    assert await meter.value("toolmend_streams_active") == 0


async def test_observed_turns_and_relayed_ones_are_counted(vllm: FakeVllm, stream: bool) -> None:
    async with metered(upstream=vllm.url, mode="observe") as meter:
        vllm.says(WORDY)
        await through(meter, vllm, stream=stream).ask(tools=[BASH])
        assert await meter.value("toolmend_turns_total", mode="observe", outcome="as-is") == 1
        assert await meter.value("toolmend_held_seconds_count") == 1
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{meter.url}/openhands/v1/embeddings", json={"input": "x"}) as answer:
                assert answer.status == 200
        assert await meter.value("toolmend_requests_total", route="/v1/embeddings", status="2xx") == 1
        assert await meter.value("toolmend_turns_total") == 1


async def test_the_journals_records_are_counted(vllm: FakeVllm, tmp_path: Path, stream: bool) -> None:
    async with metered(upstream=vllm.url, journal=tmp_path / "j") as meter:
        vllm.says(WORDY)
        assert await meter.value("toolmend_journal_records_total", state="written") == 0
        await through(meter, vllm, stream=stream).ask(tools=[BASH])
        async with asyncio.timeout(10):
            while not await meter.value("toolmend_journal_records_total", state="written"):
                await asyncio.sleep(0.02)
        assert await meter.value("toolmend_journal_records_total", state="dropped") == 0


async def test_a_server_that_counts_backwards_breaks_nothing(meter: Metered, vllm: FakeVllm) -> None:
    choice = b'{"index": 0, "message": {"role": "assistant", "content": "All is done."}, "finish_reason": "stop"}'
    body = b'{"choices": [%s], "usage": {"prompt_tokens": -9, "completion_tokens": -5, "total_tokens": -14}}' % choice
    vllm.says(refusing(200, body))
    assert (await through(meter, vllm, stream=False).ask(tools=[BASH])).text == "All is done."
    assert await meter.value("toolmend_completion_tokens_total") == 0


async def test_two_applications_count_apart(vllm: FakeVllm, stream: bool) -> None:
    async with metered(upstream=vllm.url) as one, metered(upstream=vllm.url) as other:
        vllm.says(GOOD)
        await through(one, vllm, stream=stream).ask(tools=[BASH])
        assert await one.value("toolmend_turns_total") == 1
        assert await other.value("toolmend_turns_total") == 0


def noise(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits + "-_.", k=12))


async def test_what_clients_make_up_makes_no_series(meter: Metered, vllm: FakeVllm) -> None:
    rng = random.Random(7)
    vllm.says(GOOD)
    prefixes = ["", *PREFIXES]
    gate = asyncio.Semaphore(8)
    async with aiohttp.ClientSession() as session:

        async def ask(number: int) -> None:
            path = f"{prefixes[number % len(prefixes)]}/v1/chat/completions" if number % 3 else f"/{noise(rng)}/v1/{noise(rng)}"
            body = {
                "model": noise(rng),
                "messages": [{"role": "user", "content": noise(rng)}],
                "tools": [BASH],
                "user": noise(rng),
            }
            headers = {"user-agent": noise(rng), "x-toolmend-mode": rng.choice(["", "observe", "off"])}
            method = rng.choice(["POST", "POST", "POST", "PUT", noise(rng).replace(".", "").upper()])
            async with (
                gate,
                session.request(method, meter.url + path, json={**body, "stream": bool(number % 2)}, headers=headers) as answer,
            ):
                await answer.read()

        await asyncio.gather(*map(ask, range(1_000)))
    found = await meter.samples()
    assert len(vllm.requests) > 200
    assert len(found) <= 200, len(found)
    assert not {value for _, labels in found for _, value in labels} & {each["model"] for each in vllm.requests}


def test_a_value_that_is_in_no_fixed_set_is_another() -> None:
    assert among("evil", names(["good"])) == "other"
    assert status_class(404) == "4xx"
    assert status_class(999) == "other"
    metrics = Metrics(["p"])
    metrics.count_fault(BadRequest("x", code="made_up"))
    assert metrics.registry.get_sample_value("toolmend_upstream_errors_total", {"code": "other"}) == 1
    assert "made_up" not in CODE_NAMES


async def test_probes_are_no_answers_to_a_client(vllm: FakeVllm, stream: bool) -> None:
    async with metered(upstream=vllm.url, probe=True) as meter:
        vllm.says(GOOD)
        await through(meter, vllm, stream=stream).ask(tools=[BASH])
        async with asyncio.timeout(10):
            while not any(each.get("messages") != vllm.requests[0]["messages"] for each in vllm.requests):
                await asyncio.sleep(0.02)
        assert await meter.value("toolmend_upstream_responses_total") == 1


async def test_what_blocks_the_loop_is_seen_and_forgotten() -> None:
    lag = Lag()
    looking = asyncio.create_task(lag.run())
    await asyncio.sleep(0.05)
    began = time.thread_time()
    while time.thread_time() - began < 0.1:
        pass
    await asyncio.sleep(0.02)
    looking.cancel()
    assert lag.longest.waited >= 0.09
    assert lag.longest.worked >= 0.1
    later = time.monotonic()
    for windows in (1, 2):
        assert lag.longest.worked >= 0.1
        lag.note(Delay(), later + windows * WINDOW)
    assert lag.longest == Delay()


async def test_tasks_and_delays_of_the_loop_are_told(meter: Metered) -> None:
    assert await meter.value("toolmend_tasks") >= 1
    assert await meter.value("toolmend_loop_lag_seconds") == 0  # nobody looks: that is begun with the server


async def test_nothing_else_is_served_beside_the_metrics(meter: Metered) -> None:
    async with aiohttp.ClientSession() as session:
        for path, status in (("/metrics", 200), ("/", 404), ("/v1/models", 404), ("/healthz", 404)):
            async with session.get(meter.metrics_url + path) as answer:
                assert answer.status == status
        async with session.get(f"{meter.url}/metrics") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ({"metrics_port": 8901}, True),
        ({"metrics_port": 8900}, False),
        ({"metrics_port": 8899}, True),
        ({"metrics_port": 8899, "workers": 2}, False),
        ({"metrics_port": 65535}, True),
        ({"metrics_port": 65535, "workers": 2}, False),
        ({"metrics_port": 8901, "metrics_host": "0.0.0.0"}, True),
    ],
)
def test_each_worker_has_a_metrics_port_of_its_own(given: dict[str, Any], right: bool) -> None:
    if right:
        assert Settings(upstream="http://h", **given).metrics_port == given["metrics_port"]
    else:
        with pytest.raises(ValidationError, match="each worker needs one of its own"):
            Settings(upstream="http://h", **given)


def free_ports(count: int) -> int:
    """Return the first of so many neighbouring ports that nobody holds, of those that are this suite's."""
    for first in range(21100, 21190, count):
        held = [socket.socket() for _ in range(count)]
        try:
            for number, each in enumerate(held):
                each.bind(("127.0.0.1", first + number))
        except OSError:
            continue
        else:
            return first
        finally:
            for each in held:
                each.close()
    raise AssertionError("no free ports")


def serve(vllm: FakeVllm, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "proxy", "serve", "--upstream", vllm.url, "--no-probe", *options]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TOOLMEND_")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**environment, "PYTHONUNBUFFERED": "1"})


async def scraped(port: int, seconds: float = 30.0) -> str:
    """Scrape a port as soon as somebody listens on it."""
    deadline = time.monotonic() + seconds
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    return await answer.text()
            except aiohttp.ClientError:
                assert time.monotonic() < deadline, f"nobody listens on {port}"
                await asyncio.sleep(0.1)


async def test_every_worker_serves_its_own_metrics(vllm: FakeVllm) -> None:
    vllm.says(GOOD)
    first = free_ports(3)
    process = serve(vllm, "--port", str(first), "--workers", "2", "--metrics-port", str(first + 1))
    try:
        texts = [await scraped(first + 1), await scraped(first + 2)]
        assert all("toolmend_build_info{" in text for text in texts)
        ask = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}
        for _ in range(12):
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"http://127.0.0.1:{first}/v1/chat/completions", json=ask) as answer,
            ):
                assert answer.status == 200
        counted = [await scraped(first + 1), await scraped(first + 2)]
        turns = re.findall(r"^toolmend_turns_total\{.*\} (\S+)$", "\n".join(counted), re.M)
        assert sum(map(float, turns)) == 12
        assert len(set(re.findall(r"^process_start_time_seconds .*$|^process_resident.*$", "\n".join(counted), re.M))) > 1
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 0


async def test_a_taken_metrics_port_is_named(vllm: FakeVllm) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        process = serve(vllm, "--port", "0", "--metrics-port", str(port))
        _, errors = await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in errors.decode()


async def test_metrics_are_off_unless_asked_for(vllm: FakeVllm) -> None:
    process = serve(vllm, "--port", "0")
    try:
        assert process.stdout is not None
        assert json.loads(await asyncio.to_thread(process.stdout.readline))["event"] == "listening"
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.to_thread(process.communicate, timeout=20)
    assert b'"metrics"' not in out


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
async def test_promtool_finds_no_fault(meter: Metered, vllm: FakeVllm) -> None:
    vllm.says(MISSING, WORDY)
    await through(meter, vllm, stream=True).ask(tools=[BASH])
    text = await meter.text()
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_profiles_are_told_apart_by_name() -> None:
    assert len({each.name for each in load(())}) == len(load(()))
