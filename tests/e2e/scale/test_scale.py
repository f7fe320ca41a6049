"""Two hundred conversations at once while replicas are killed, drained and come back: nobody gets a wrong or a half answer.

nginx is real (Debian's), with deploy/nginx/toolmend.conf; toolmend's replicas are real processes; the client is the official SDK.
The engine is simulated. What the figures were is in docs/scaling.md.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import BASH, MODEL
from tests.e2e.scale.clients import Ledger, client_of, converse
from tests.e2e.scale.stand import Stand, get

pytestmark = [
    pytest.mark.e2e_scale,
    pytest.mark.skipif(not os.environ.get("TOOLMEND_E2E_SCALE"), reason="make e2e-scale"),
]

RUNS = int(os.environ.get("TOOLMEND_SCALE_RUNS", "1"))
STREAMS, WHOLE, TURNS = 200, 40, 4
PAUSE = 0.1
"""Seconds between two events of the engine: an answer takes some five seconds."""


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Stand]:
    """An engine that takes its time."""
    stand = Stand(tmp_path, PAUSE)
    yield stand
    stand.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Stand]:
    """An engine that answers at once."""
    stand = Stand(tmp_path, 0.0)
    yield stand
    stand.close()


def told(**figures: object) -> None:
    """Print a run's figures."""
    print("\n" + "\n".join(f"    {name:<34}{value}" for name, value in figures.items()))


def behind_nginx(stand: Stand) -> str:
    """Start three replicas and nginx."""
    if shutil.which("nginx") is None:
        pytest.fail("nginx is needed: apt-get install nginx-light")
    for port in stand.ports:
        stand.start_replica(port)
    return stand.start_nginx()


@pytest.mark.parametrize("run", range(RUNS))
async def test_one_replica_killed_and_one_drained(slow: Stand, run: int) -> None:
    url, ledger = behind_nginx(slow), Ledger()
    steady, drained, killed = slow.ports
    async with client_of(url, ledger) as client:
        talking = asyncio.create_task(converse(client, ledger, STREAMS, WHOLE, TURNS))
        await asyncio.sleep(4)
        slow.replicas[killed].kill()
        await asyncio.sleep(4)
        slow.replicas[drained].send_signal(signal.SIGTERM)
        await asyncio.sleep(2)
        before = set(ledger.sent)
        await asyncio.to_thread(slow.start_replica, killed)
        await talking
    code = await asyncio.to_thread(slow.replicas[drained].wait, 100)

    served = slow.served()
    last = {key: ports[-1] for key, (ports, _) in served.items()}
    failed = {key: what for key, what in ledger.sent.items() if what != "200" or key in ledger.broken}
    per = {
        port: Counter("broken" if key in ledger.broken else failed[key] for key in failed if last.get(key) == port)
        for port in last.values()
    }
    passed_on = Counter(ports[0] for ports, _ in served.values() if len(ports) > 1)
    back = sum(last[key] == killed for key in served if key not in before and ledger.sent[key] == "200")
    told(
        turns=ledger.turns, requests=len(ledger.sent), answered=dict(ledger.figures()),
        broken_streams=len(ledger.broken), retries=len(ledger.sent) - ledger.turns,
        failed_at_steady=dict(per.get(steady, {})), failed_at_drained=dict(per.get(drained, {})), failed_at_killed=dict(per.get(killed, {})),
        refused_by_drained_and_passed_on=passed_on[drained], refused_by_killed_and_passed_on=passed_on[killed],
        served_by_killed_after_its_return=back, wrong=ledger.wrong[:5],
    )  # fmt: skip
    assert ledger.turns == (STREAMS + WHOLE) * TURNS
    assert ledger.wrong == []
    assert ledger.early == []
    assert per.get(drained, {}) == {}
    assert per.get(steady, {}) == {}
    assert set(failed) == {key for key in failed if last[key] == killed}
    assert ledger.broken, "the kill came when no stream was open"
    assert code == 0
    assert back > 0
    names_of_sessions(slow)
    sessions_stay(served, steady)


def names_of_sessions(stand: Stand) -> None:
    """Check that the engine heard one name for each conversation, whichever replica asked, and no name twice."""
    heard = get(f"{stand.engine}/heard")
    assert all(len(names) == 1 for names in heard.values())
    assert len({names[0] for names in heard.values()}) == len(heard)


def sessions_stay(served: dict[str, tuple[list[int], list[str]]], steady: int) -> None:
    """Check that the named sessions of the replica that was let alone have been asked nowhere else."""
    homes: dict[str, list[int]] = {}
    for key, (ports, _) in served.items():
        name = key.split("-")[0]
        if int(name[1:]) % 2 == 0:
            homes.setdefault(name, []).append(ports[0])
    stayed = [name for name, ports in homes.items() if ports[0] == steady]
    assert stayed
    assert all(set(homes[name]) == {steady} for name in stayed)


async def test_no_request_is_lost_where_replicas_are_restarted_in_turn(quick: Stand) -> None:
    """Short answers without pause and without retries: each stop falls into requests that are about to be taken."""
    url = behind_nginx(quick)
    found: Counter[str] = Counter()
    stop = asyncio.Event()

    async def hammer(session: aiohttp.ClientSession, at: int) -> None:
        messages = [{"role": "user", "content": f"This is conversation c{at * 4}."}]
        body = {"model": MODEL, "messages": messages, "tools": [BASH], "stream": at % 2 == 0}
        while not stop.is_set():
            try:
                async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                    await response.read()
                    found[str(response.status)] += 1
            except aiohttp.ClientError as error:
                found[type(error).__name__] += 1

    restarts = 10 * RUNS
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async with asyncio.TaskGroup() as group:
            for at in range(60):
                group.create_task(hammer(session, at))
            for at in range(restarts):
                await asyncio.sleep(1)
                port = quick.ports[at % 3]
                quick.replicas[port].send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(quick.replicas[port].wait, 30) == 0
                await asyncio.to_thread(quick.start_replica, port)
            stop.set()
    told(restarts=restarts, answered=dict(found))
    assert set(found) == {"200"}


async def test_one_of_three_workers_killed(slow: Stand) -> None:
    ledger, port = Ledger(), slow.ports[0]
    parent = slow.toolmend(port, "--workers", "3")
    workers = await until_there_are(parent.pid, 3)
    async with client_of(f"http://127.0.0.1:{port}", ledger) as client:
        talking = asyncio.create_task(converse(client, ledger, STREAMS, WHOLE, TURNS))
        await asyncio.sleep(4)
        os.kill(workers[1], signal.SIGKILL)
        after = await until_there_are(parent.pid, 3, without=workers[1])
        await talking
    told(
        turns=ledger.turns, requests=len(ledger.sent), answered=dict(ledger.figures()),
        broken_streams=len(ledger.broken), retries=len(ledger.sent) - ledger.turns, wrong=ledger.wrong[:5],
    )  # fmt: skip
    assert ledger.turns == (STREAMS + WHOLE) * TURNS
    assert ledger.wrong == []
    assert ledger.early == []
    assert ledger.broken
    assert set(workers) - {workers[1]} < set(after)
    names_of_sessions(slow)


async def until_there_are(parent: int, count: int, without: int = 0) -> list[int]:
    """Wait until a process has so many children, that one not among them, and return their ids."""
    async with asyncio.timeout(30):
        while True:
            alive = children(parent) - {without}
            if len(alive) == count:
                await asyncio.sleep(2)  # they listen by then
                return sorted(alive)
            await asyncio.sleep(0.1)


def children(parent: int) -> set[int]:
    """Return the ids of a process's living children."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(each) for each in found if Path(f"/proc/{each}/cmdline").read_bytes()}
