"""Rows: each test says which row it belongs to and what figure it reached; one run of all makes the table of docs/reliability.md."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.fake_vllm import FakeVllm
from tests.reliability.load import unbounded
from tests.reliability.rows import ROWS
from tests.reliability.shared import Shared, sharing
from tests.reliability.stand import Toolmend, toolmend
from tests.reliability.table import Table, written

TABLE = pytest.StashKey[Table]()

Begin = Callable[..., Any]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("row"):
            assert mark.args[0] in ROWS, f"{item.nodeid}: there is no row {mark.args[0]}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    for mark in item.iter_markers("row"):
        if report.when == "call" or report.outcome != "passed":
            item.config.stash[TABLE].note(mark.args[0], report.outcome)


def pytest_sessionfinish(session: pytest.Session) -> None:
    page = os.environ.get("TOOLMEND_RELIABILITY_WRITE")
    if page:
        written(Path(page), session.config.stash[TABLE])


@pytest.fixture
def reached(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say which figure the row of this test reached, in words."""
    marks = [mark.args[0] for mark in request.node.iter_markers("row")]

    def say(words: str) -> None:
        for row in marks:
            request.config.stash[TABLE].reach(row, words)

    return say


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client's session that opens a connection for each request."""
    async with unbounded() as made:
        yield made


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Start toolmend in a process of its own: `async with begin(upstream, *options, config=..., live=...)`."""

    def make(upstream: str, *options: str, **more: Any) -> Any:
        return toolmend(tmp_path / "toolmend", upstream, *options, **more)

    return make


@pytest.fixture
async def served(begin: Begin, vllm: FakeVllm) -> AsyncIterator[Toolmend]:
    """Toolmend with its defaults before the fake vLLM. It has been asked once."""
    vllm.says("warm")
    async with begin(vllm.url, live=lambda: vllm.live) as made:
        vllm.requests.clear()
        vllm.bodies.clear()
        vllm.headers.clear()
        vllm.peak = vllm.aborted = 0
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    async with sharing(tmp_path_factory.mktemp("shared") / "toolmend") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def shared(_shared: Shared) -> AsyncIterator[Shared]:
    """One toolmend for all tests that ask for it; they run on the session's loop. The invariants are checked after each."""
    _shared.forget()
    await _shared.toolmend.anew()
    yield _shared
    await _shared.toolmend.check()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where toolmend shall keep a journal so that `Toolmend.records` finds it: for the option `--journal`."""
    return tmp_path / "toolmend" / "journal"
