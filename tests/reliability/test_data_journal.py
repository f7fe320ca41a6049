"""D8 to D14: the journal on disks that fail, of processes that are killed, and what it says of each way a turn can end."""

# ruff: noqa: ASYNC240 - what is looked at are small files of this machine

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.demo.speak import Said
from proxy.records.read import Skipped, entries
from tests.conftest import WAIT
from tests.fake_vllm import FakeVllm, refusing, sending
from tests.reliability.load import ask, streamed
from tests.reliability.stand import Toolmend, toolmend
from tests.reliability.until import until

MENDED = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'


async def counted(made: Toolmend) -> dict[str, float]:
    """Return what toolmend tells of its journal: records by state, and failed writes."""
    samples = [sample for family in text_string_to_metric_families(await made.text()) for sample in family.samples]
    found = {sample.labels["state"]: sample.value for sample in samples if sample.name == "toolmend_journal_records_total"}
    failures = [sample.value for sample in samples if sample.name == "toolmend_journal_failures_total"]
    return {**found, "failures": sum(failures)}


async def turns(made: Toolmend, session: aiohttp.ClientSession, count: int, **body: Any) -> list[str]:
    """Ask so many times, and return the turns' ids. None fails."""
    came = [await ask(session, made.url, **body) for _ in range(count)]
    assert [each.status for each in came] == [200] * count
    return [each.headers["x-toolmend-turn"] for each in came]


def grown(file: Path, size: int) -> Callable[[], bool]:
    """Return what tells whether a file is longer than that."""
    return lambda: file.stat().st_size > size


def read(journal: Path) -> tuple[list[str], Skipped]:
    """Return the turns that a reader finds in a journal, and what it had to skip."""
    skipped = Skipped()
    return [entry["turn"] for entry in entries(sorted(journal.glob("*.jsonl")), skipped) if "outcome" in entry], skipped


@asynccontextmanager
async def asking(url: str, at_once: int) -> AsyncIterator[list[str]]:
    """Ask on and on; give the turns whose answers came whole."""
    answered: list[str] = []

    async def client() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                came = await ask(session, url)
                if came.error:
                    return
                answered.append(came.headers["x-toolmend-turn"])

    tasks = [asyncio.create_task(client()) for _ in range(at_once)]
    try:
        yield answered
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.row("D9")
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.slow)])
async def test_a_kill_tears_one_line_at_most(
    begin: Any, vllm: FakeVllm, journal: Path, kills: int, reached: Callable[[str], None]
) -> None:
    """What was in the file before a moment is there ever after, and the next process goes on in the same file."""
    vllm.says(Said(MENDED + " " * 2_000))
    torn = lines = 0
    for number in range(kills):
        async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as made:
            before = (journal / "journal-0.jsonl").read_bytes() if number else b""
            made.killed = True
            async with asking(made.url, 2) as answered:
                await until(lambda: len(answered) > 3, 30)
                await until(grown(journal / "journal-0.jsonl", len(before) + 3_000), 30)
                flushed = (journal / "journal-0.jsonl").read_bytes()
                made.process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(made.process.wait)
        written = (journal / "journal-0.jsonl").read_bytes()
        assert written.startswith(flushed)
        torn_now = 0
        for line in written.splitlines():
            with suppress(ValueError):
                assert isinstance(json.loads(line), dict)
                continue
            torn_now += 1
        assert torn_now <= number + 1
        torn, lines = torn_now, len(written.splitlines())
        found, _ = read(journal)
        assert len(found) == len(set(found))
        assert found
    assert [each.name for each in journal.iterdir()] == ["journal-0.jsonl"]
    reached(f"{torn} torn lines after {kills} kills, {lines} lines read past them")


@pytest.mark.row("D10")
@pytest.mark.parametrize("each", [pytest.param(25, marks=pytest.mark.slow), pytest.param(600, marks=pytest.mark.slow)])
async def test_processes_share_a_directory(tmp_path: Path, vllm: FakeVllm, each: int, reached: Callable[[str], None]) -> None:
    """Four toolmends, each with a file of its own, write records of 60 KB."""
    shared = tmp_path / "shared"
    vllm.says(sending(*streamed(MENDED.replace("ls", "ls " + "x" * 20_000))))

    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        made = [
            await stack.enter_async_context(toolmend(tmp_path / str(number), vllm.url, "--journal", str(shared), warm=False))
            for number in range(4)
        ]
        for one in made:
            one.killed = True  # the model server's streams are those of all four
        asked = await asyncio.gather(*(turns(one, session, each) for one in made))
        assert await asyncio.gather(*(one.stop() for one in made)) == [0] * 4
    found, skipped = read(shared)
    assert sorted(found) == sorted(turn for some in asked for turn in some)
    assert skipped.sentences() == []
    assert sorted(each.name for each in shared.iterdir()) == [f"journal-{number}.jsonl" for number in range(4)]
    reached(f"{len(found)} of {4 * each} records, {len(skipped.sentences())} torn")


@pytest.mark.row("D13")
async def test_files_are_the_owners_alone_and_no_link_is_followed(
    begin: Any, vllm: FakeVllm, journal: Path, tmp_path: Path, reached: Callable[[str], None]
) -> None:
    vllm.says(Said(MENDED))
    before = os.umask(0)
    try:
        async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as made:
            await until(lambda: len(made.records()) == 1)
    finally:
        os.umask(before)
    modes = {oct(stat.S_IMODE(each.stat().st_mode)) for each in (journal, journal / "journal-0.jsonl")}
    assert modes == {"0o700", "0o600"}
    target = tmp_path / "target"
    target.write_text("mine\n")
    (journal / "journal-0.jsonl").unlink()
    (journal / "journal-0.jsonl").symlink_to(target)
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as made:
        async with aiohttp.ClientSession() as session:
            await turns(made, session, 2)
        assert (await counted(made))["failures"] >= 1
    assert target.read_text() == "mine\n"
    reached(f"modes {' and '.join(sorted(modes))} under umask 000; a link in its place is refused")


@pytest.mark.row("D8")
async def test_a_full_disk_costs_no_request(begin: Any, vllm: FakeVllm, journal: Path, reached: Callable[[str], None]) -> None:
    """The directory is taken away while it writes, a file stands in its place, and then it may go on."""
    vllm.says(Said(MENDED))
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as made:
        await until(lambda: len(made.records()) == 1)
        async with aiohttp.ClientSession() as session:
            (journal / "journal-0.jsonl").unlink()
            journal.rmdir()
            again = await turns(made, session, 3)
            await until(lambda: journal.exists() and len(made.records()) == 3)
            assert read(journal)[0] == again
            (journal / "journal-0.jsonl").unlink()
            journal.rmdir()
            journal.write_text("in the way\n")
            lost = await turns(made, session, 1_010 if os.environ.get("TOOLMEND_RELIABILITY") else 20)
            found = await counted(made)
        assert found["failures"] >= 1
        assert found["dropped"] == max(len(lost) - 1_001, 0)
    reached(f"0 of {len(again) + len(lost)} requests failed, {found['dropped']:.0f} dropped and counted")


@pytest.mark.row("D8")
@pytest.mark.slow
async def test_a_file_that_may_not_grow_costs_no_request(
    begin: Any, vllm: FakeVllm, journal: Path, reached: Callable[[str], None]
) -> None:
    """The system takes a part of a record and then nothing, as a full disk does, and standard output is on it as well."""
    vllm.says(Said(MENDED))
    file = journal / "journal-0.jsonl"
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as made:
        async with aiohttp.ClientSession() as session:
            await turns(made, session, 3)
            await until(lambda: len(read(journal)[0]) == 4)
            pid, full = made.process.pid, max(file.stat().st_size, (made.folder / "stdout").stat().st_size) + 2_000
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (full, before[1]))
            asked = await turns(made, session, 60)
            found, kept = await counted(made), file.read_bytes()
            assert (made.folder / "stdout").stat().st_size == full
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            seconds = await until(lambda: len(read(journal)[0]) == 4 + len(asked), 30)
    assert found["failures"] >= 1
    assert found["dropped"] == 0
    assert kept.endswith(b"\n")
    assert read(journal)[1].sentences() == []
    reached(f"no room for {len(asked)} records: 0 requests failed, all written {seconds:.1f} s after there was room")


ENDINGS: dict[str, tuple[Any, str, str]] = {
    "mended": (MENDED, "mended", "coerce_number"),
    "refused": (refusing(400, b'{"error": {"message": "no", "code": 400}}'), "error", "upstream_refused"),
    "failed": (refusing(500, b"{}"), "error", "upstream_refused"),
    "broken off": (
        sending(b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n', cut=True),
        "error",
        "upstream_broken",
    ),
    "no end": (sending(b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'), "error", "truncated"),
    "cut at a limit": (Said(MENDED[:-20], finish="length"), "failed-open", ""),
    "never right": ("<|tool_call>call:bash{}<tool_call|>", "failed-open", "missing-arguments"),
}


async def unjudged(made: Toolmend, session: aiohttp.ClientSession, vllm: FakeVllm, *, stream: bool) -> None:
    """Kill the process that checks a schema while it does, and find that in the turn's record."""
    vllm.says("<|tool_call>call:wait{seconds:5}<tool_call|>")
    asked, at = {"tools": [WAIT], "stream": stream}, len(made.records())
    await ask(session, made.url, **asked)
    await until(lambda: len(made.children()) == 1, 30)
    await until(lambda: len(made.records()) > at)
    at = len(made.records())
    os.kill(made.children()[0], signal.SIGSTOP)
    vllm.requests.clear()
    checked = asyncio.create_task(ask(session, made.url, **asked))
    await until(lambda: bool(vllm.requests) and not vllm.live)
    await asyncio.sleep(0.1)
    os.kill(made.children()[0], signal.SIGKILL)
    await checked
    await until(lambda: len(made.records()) > at)
    assert "check" in made.records()[-1]["skipped_rules"][0]
    await until(lambda: len(made.children()) == 1, 30)
    made.base = await made.reading()


@pytest.mark.row("D14")
async def test_every_ending_has_its_record(
    begin: Any, vllm: FakeVllm, journal: Path, stream: bool, reached: Callable[[str], None]
) -> None:
    """And no other. Unjudged, aborted, timed out and ended by a signal as well."""
    vllm.says("warm")
    right = 0
    config = "[limits]\nidle_seconds = 1\nfirst_byte_seconds = 1\ndrain_seconds = 1\n"
    async with begin(vllm.url, "--journal", str(journal), config=config, live=lambda: vllm.live) as made:
        async with aiohttp.ClientSession() as session:
            for name, (answer, outcome, reason) in ENDINGS.items():
                vllm.says(answer)
                at = len(made.records())
                await ask(session, made.url, stream=stream)
                await until(lambda at=at: len(made.records()) > at)
                (record,) = made.records()[at:]
                assert record["outcome"] == outcome, (name, record["outcome"], record["reason"])
                assert reason in ("", record["reason"]), (name, record["reason"])
                if isinstance(answer, (str, Said)):
                    assert record["usage"]["total"] > 0, name
                right += 1
            await unjudged(made, session, vllm, stream=stream)
            vllm.says(Said("word " * 400))
            vllm.pause = 0.05
            at = len(made.records())
            gone = asyncio.create_task(ask(session, made.url, stream=stream))
            await until(lambda: vllm.live == 1)
            await asyncio.sleep(0.2)
            gone.cancel()
            await until(lambda: len(made.records()) > at)
            assert made.records()[-1]["outcome"] == "aborted"
            assert made.records()[-1]["usage"]["completion"] > 0
            vllm.pause, at = 3.0, len(made.records())
            await ask(session, made.url, stream=stream)
            await until(lambda: len(made.records()) > at)
            assert (made.records()[-1]["outcome"], made.records()[-1]["reason"]) == ("error", "upstream_timeout")
            vllm.pause, at = 0.05, len(made.records())
            cut = asyncio.create_task(ask(session, made.url, stream=stream))
            await until(lambda: vllm.live == 1)
            made.killed = True
            assert await made.stop() == 0
            await cut
            assert len(made.records()) == at + 1
            assert made.records()[-1]["outcome"] in ("aborted", "error")
            right += 4
    reached(f"{right} of {len(ENDINGS) + 4} endings ({'stream' if stream else 'whole'})")
