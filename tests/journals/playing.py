"""Plays scenes as real traffic: a client, toolmend, and the fake model server, all on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
from aiohttp import web

from proxy.records.read import Skipped, entries, is_turn
from proxy.serve import make_runner
from proxy.settings import Settings
from tests.conftest import listen
from tests.fake_vllm import FakeVllm
from tests.journals.scenes import BREAKS, Scene

Entry = dict[str, Any]


@dataclass
class Played:
    """A scene, whether it was played as a stream, and the record of it; None: there is none."""

    scene: Scene
    stream: bool
    record: Entry | None

    @property
    def right(self) -> bool:
        """Whether it was written down under its label."""
        found = self.record or {}
        reason = self.scene.reason or found.get("reason")
        return (found.get("class"), found.get("reason")) == (self.scene.kind, reason)


async def play(scenes: Iterable[Scene], folder: Path, *, streams: Iterable[bool] = (False, True)) -> list[Played]:
    """Play scenes, and read what was written down of each. All go into one journal."""
    played: list[Played] = []
    for scene in scenes:
        for stream in streams:
            turns = await _play(scene, folder, stream=stream)
            played.append(Played(scene, stream, turns[-1] if turns else None))
    return played


async def _play(scene: Scene, folder: Path, *, stream: bool) -> list[Entry]:
    before = {each["turn"] for each in _turns(folder)}
    fake = FakeVllm()
    fake.says(*scene.answers)
    server = web.AppRunner(fake.app(), handler_cancellation=True, access_log=None)
    fake.url = await listen(server)
    settings = {"upstream": fake.url, "probe": False, "journal": folder, **scene.settings}
    runner = make_runner(Settings.model_validate(settings))
    failing = patch(*BREAKS[scene.breaks]) if scene.breaks else nullcontext()
    try:
        with failing:
            await _ask(scene, await listen(runner), stream=stream)
    finally:
        await runner.cleanup()
        await server.cleanup()
    return [each for each in _turns(folder) if each["turn"] not in before]


def _turns(folder: Path) -> list[Entry]:
    return [each for each in entries([folder], Skipped()) if is_turn(each)] if any(folder.glob("*.jsonl")) else []


async def _ask(scene: Scene, url: str, *, stream: bool) -> None:
    """Ask as a client does, and read to the end; one without patience goes."""
    body = {**scene.body, "stream": stream}
    timeout = aiohttp.ClientTimeout(total=scene.patience)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with session.post(f"{url}{scene.prefix}/v1/chat/completions", json=body) as response:
                await response.read()
        except (TimeoutError, aiohttp.ClientError):
            await asyncio.sleep(0.1)  # gone, as the scene wants it, or cut off by toolmend: the record tells
