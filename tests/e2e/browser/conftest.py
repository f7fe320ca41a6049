"""Writes the page of a journal of real traffic, and opens it in a real headless Chromium."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proxy.demo.speak import Said
from proxy.records.read import Skipped, entries
from proxy.report.page.save import save
from tests.e2e.browser.spread import spread
from tests.journals.playing import play
from tests.journals.scenes import CALLED, GOOD, Scene, asking, every_scene
from tests.proxy.report.made import written
from tests.proxy.report.page.test_page import hostile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WANTED = os.environ.get("TOOLMEND_E2E_BROWSER") == "1"
CHROMIUM = os.environ.get("TOOLMEND_CHROMIUM") or shutil.which("chromium") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCENES = 70
"""Turns that are not right, and `RIGHT` ones that are."""
RIGHT = 90


@dataclass
class Opened:
    """A page in a browser, and what it did that it should not: messages on the console, and requests; `failed` ones with why."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    failed: dict[str, str | None] = field(default_factory=dict)

    def chosen(self) -> tuple[str, str]:
        """Return the ids of the one conversation and the one turn that are seen."""
        seen = [
            [each.get_attribute("id") or "" for each in self.page.query_selector_all(kind) if each.is_visible()]
            for kind in ("section.conversation", "article.turn")
        ]
        (conversation,), (turn,) = seen
        return conversation, turn

    def overflows(self) -> bool:
        """Say whether something is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play scenes, and write what was recorded as the journal of a day."""
    folder = tmp_path_factory.mktemp("journal")
    patient = [each for each in every_scene() if each.patience >= 30 and not each.settings]
    chosen = random.Random(3).sample(patient, SCENES)
    right = Scene("right", "", "", asking(), (Said(GOOD, calls=[CALLED]),))
    with ThreadPoolExecutor(1) as aside:  # the browser's driver keeps a loop running in this thread
        aside.submit(lambda: asyncio.run(play([right] * RIGHT + chosen, folder, streams=[True]))).result()
    found = list(entries([folder], Skipped()))
    random.Random(5).shuffle(found)
    file = folder / "day.jsonl"
    spread(found, file)
    return file


@pytest.fixture(scope="session")
def report(day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of that day."""
    return _page([day], tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="session")
def wild(day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of that day with a turn that would do harm if it could."""
    folder = tmp_path_factory.mktemp("wild")
    return _page([day, written(folder, [hostile()])], folder / "wild.html")


def _page(journals: list[Path], file: Path) -> Path:
    skipped = Skipped()
    save(entries(journals, skipped), "class", skipped, file)
    return file


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium, with a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Open a page, as a browser of some width does, in light or dark; after the test it must have done nothing wrong."""
    done: list[Opened] = []

    def go(file: Path, *, at: str = "", width: int = 1200, **more: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        each = Opened(context.new_page())
        each.page.on("console", lambda message: each.messages.append(message.text))
        each.page.on("pageerror", lambda error: each.messages.append(str(error)))
        each.page.on("request", lambda request: each.requests.append(request.url))
        each.page.on("requestfailed", lambda request: each.failed.update({request.url: request.failure}))
        each.page.goto(f"{file.as_uri()}{at}")
        done.append(each)
        return each

    yield go
    for each in done:
        each.page.context.close()
        assert each.messages == []
        assert [url for url in each.requests if not url.startswith("file://")] == []
