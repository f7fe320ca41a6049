"""Rows H1 and H2: the same bytes to each server; what each accepts, and what of it reaches the model server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tests.reliability.anchors.conftest import Side
from tests.reliability.anchors.page import table
from tests.reliability.anchors.smuggling import CASES, PROBE, Case
from tests.reliability.anchors.upstream import Upstream
from tests.reliability.raw import connected

pytestmark = pytest.mark.e2e_anchors

SILENT = 3.0
"""Seconds without an answer after which a server is taken to wait for more."""


@dataclass(frozen=True)
class Seen:
    """What came of one case at one server.

    status   of the first answer; 0: none, and the connection was closed; None: it waits for more
    times    how often the model server was asked, the probe not counted
    found    the hidden request reached it as one of its own
    changed  it got another body than a right reader would have passed on
    unclear  what it got can be read in two ways
    """

    status: int | None
    times: int
    found: bool
    changed: bool
    unclear: str

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def word(self) -> str:
        """Say it in a cell of a table."""
        if self.status is None:
            return "waits"
        word = "accepted" if self.accepted else str(self.status or "closed")
        notes = [what for what, so in (("hidden request found", self.found), ("passed on unclear", bool(self.unclear))) if so]
        notes += ["body changed"] if self.changed and self.accepted else []
        notes += ["reached the model server"] if self.times and not self.accepted else []
        return ", ".join([word, *notes])


async def send(url: str, data: bytes) -> tuple[bytes, bool]:
    """Send bytes; return all that came, and whether the other side closed."""
    reader, writer = await connected(url)
    came = b""
    try:
        with suppress(ConnectionError):
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(SILENT):
                while piece := await reader.read(65_536):
                    came += piece
    except TimeoutError:
        return came, False
    finally:
        writer.close()
    return came, True


async def put(url: str, case: Case, upstream: Upstream, *, rewrites: bool) -> Seen:
    """Put one case to one server."""
    before = len(upstream.asked)
    came, closed = await send(url, case.data + PROBE)
    await asyncio.sleep(0.02)
    asked = [each for each in upstream.asked[before:] if "?probe" not in each.target]
    statuses = [int(each) for each in re.findall(rb"HTTP/1\.[01] (\d{3})", came) if not each.startswith(b"1")]
    status = statuses[0] if statuses else 200 if came else 0 if closed else None
    own = [each for each in asked if "hidden" not in each.target]
    return Seen(
        status,
        len(asked),
        len(own) < len(asked),
        bool(own) and own[0].body not in case.readings and not own[0].unclear and not rewrites,
        next((each.unclear for each in asked if each.unclear), ""),
    )


async def results(side: Side) -> dict[str, list[Seen]]:
    """Put every case to every server."""
    return {
        name: [await put(url, case, side.upstream, rewrites=name == "litellm") for case in CASES]
        for name, url in side.urls.items()
    }


Which = Callable[[Case, Seen], bool]

COUNTED: dict[str, tuple[Which, Which]] = {
    "refused, or nothing served": (lambda case, _: not case.right, lambda _, each: not each.accepted),
    "right ones refused": (lambda case, _: case.right, lambda _, each: not each.accepted),
    "hidden request found": (lambda *_: True, lambda _, each: each.found),
    "passed on so that it can be read in two ways": (lambda *_: True, lambda _, each: bool(each.unclear)),
    "body changed": (lambda _, each: each.accepted, lambda _, each: each.changed),
    "refused, but reached the model server": (lambda _, each: not each.accepted, lambda _, each: each.times > 0),
}
"""What is counted: of which, and which of these."""


def count(seen: list[Seen], of: Which, which: Which) -> str:
    """Count at one server."""
    own = [(case, each) for case, each in zip(CASES, seen, strict=True) if of(case, each)]
    return f"{sum(which(*each) for each in own)} of {len(own)}"


def _counted(seen: dict[str, list[Seen]], name: str, what: str, which: tuple[Which, Which]) -> str:
    return "not compared" if (name, what) == ("litellm", "body changed") else count(seen[name], *which)


def lines(seen: dict[str, list[Seen]]) -> list[str]:
    """Write what was seen."""
    names = list(seen)
    groups = dict.fromkeys(case.group for case in CASES if not case.right)
    counted = dict(COUNTED)
    for group in groups:
        counted[f"refused: {group}"] = (
            (lambda case, _, group=group: case.group == group and not case.right),
            COUNTED["right ones refused"][1],
        )
    split = [
        (case.group, case.name, *(seen[name][at].word for name in names))
        for at, case in enumerate(CASES)
        if len({seen[name][at].word if seen[name][at].accepted else "" for name in names}) > 1
    ]
    return [
        "### Requests that two servers read differently (H1, H2)",
        "",
        f"{len(CASES)} requests, {sum(case.right for case in CASES)} of them right; behind each stands a second one, and in some a third is "
        "hidden. LiteLLM writes every body anew, so its bodies are not compared.",
        "",
        *table(["", *names], [(what, *(_counted(seen, name, what, which) for name in names)) for what, which in counted.items()]),
        "",
        "Those on which the servers differ (a number is the status of the refusal):",
        "",
        *table(["where", "what", *names], split),
    ]


@pytest.mark.row("H2")
async def test_nothing_is_accepted_that_nginx_and_haproxy_refuse(side: Side, reached: Callable[[str], None]) -> None:
    seen = await results(side)
    side.page.parts["smuggling"] = lines(seen)
    assert all(seen[name][at].accepted for at, case in enumerate(CASES[:3]) for name in ("toolmend", "nginx", "haproxy"))
    alone = [
        f"{case.group}: {case.name}"
        for case, ours, *others in zip(CASES, seen["toolmend"], seen["nginx"], seen["haproxy"], strict=True)
        if ours.accepted and not any(each.accepted for each in others)
    ]
    reached(f"{len(alone)} of {len(CASES)} requests accepted that nginx and haproxy refuse")
    assert alone == []
    bad = [
        (case.name, each)
        for case, each in zip(CASES, seen["toolmend"], strict=True)
        if each.found or each.changed or each.unclear or each.times != int(each.accepted)
    ]
    assert bad == []
