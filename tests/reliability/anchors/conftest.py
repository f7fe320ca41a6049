"""What the side-by-side tests share: the anchors, started once, and toolmend before the same model server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.version import version
from tests.reliability.anchors.page import Page
from tests.reliability.anchors.servers import Anchors, anchors
from tests.reliability.anchors.upstream import Upstream, serving
from tests.reliability.stand import Toolmend, toolmend

ALL = bool(os.environ.get("TOOLMEND_E2E_ANCHORS"))
PAGE = pytest.StashKey[Page]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    page = os.environ.get("TOOLMEND_ANCHORS_WRITE")
    if page and PAGE in session.config.stash:
        session.config.stash[PAGE].write(Path(page))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anchors]:
    """The anchors, before a port where each test begins a model server."""
    with anchors(tmp_path_factory.mktemp("anchors"), all_of_them=ALL) as made:
        yield made


@dataclass
class Side:
    """All servers, and what is behind them. `urls` by a short name."""

    upstream: Upstream
    toolmend: Toolmend
    urls: dict[str, str]
    page: Page


@pytest.fixture
async def side(run: Anchors, tmp_path: Path, pytestconfig: pytest.Config) -> AsyncIterator[Side]:
    """Begin the model server, and toolmend with its defaults, before it. Skips where an anchor is missing."""
    if missing := {name: why for name, why in run.missing.items() if ALL or name != "litellm"}:
        pytest.skip("; ".join(missing.values()))
    page = pytestconfig.stash.setdefault(PAGE, Page())
    page.names = {"toolmend": f"toolmend {version()}"} | {name: each.name for name, each in run.running.items()}
    async with serving(run.upstream) as upstream:
        async with toolmend(tmp_path / "toolmend", upstream.url, warm=False) as made:
            urls = {"toolmend": made.url} | {name: each.url for name, each in run.running.items()}
            yield Side(upstream, made, urls, page)


@pytest.fixture
def litellm_too() -> None:
    """Skip where LiteLLM was not asked for."""
    if not ALL:
        pytest.skip("LiteLLM takes long to install and to start: make e2e-anchors")


@pytest.fixture
def everyone(litellm_too: None, side: Side) -> Side:
    """All servers, LiteLLM too."""
    return side
