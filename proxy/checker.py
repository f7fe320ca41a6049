"""Checks calls against schemas that nobody vouches for, in a process that is killed where it takes too long.

No library is safe against hostile schemas (patterns, references, combinations): the deadline, the memory limit and the kill
are the one control that covers all of them. Where a check is not to be had, the call is delivered unjudged: `Skipped`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rules.conversation import Schema, ToolCall, ToolSpec
from rules.schema import Finding


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a call; nothing, if it is empty."""

    items: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was no judgement. `reason` is a sentence for the journal."""

    reason: str


Outcome: TypeAlias = Findings | Skipped


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds a check may take and wait, how many may wait, how many time-outs in a row a schema has, seconds to start."""

    deadline: float = 0.25
    patience: float = 1.0
    waiting: int = 32
    strikes: int = 2
    start: float = 10.0


MAX_REPLY = 1024 * 1024
MAX_SUSPECTS = 512
ROOT = str(Path(__file__).resolve().parent.parent)


class Checker:
    """Owns the process: started by the first check, killed when it is late, gone after `aclose`."""

    def __init__(self, terms: Terms = Terms()) -> None:
        self._terms = terms
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._reaping: set[asyncio.Task[Any]] = set()
        self._strikes: OrderedDict[str, int] = OrderedDict()
        self._closed = False

    async def check(self, call: ToolCall, spec: ToolSpec) -> Outcome:
        """Judge the arguments of a call."""
        try:
            suspect, request = _hash(spec.parameters), _request(call, spec)
        except (TypeError, ValueError, RecursionError) as error:
            return Skipped(f"{type(error).__name__}: the call or its schema cannot be written as JSON")
        if self._strikes.get(suspect, 0) >= self._terms.strikes:
            return Skipped("checks against this schema took too long before")
        if self._closed or self._waiting >= self._terms.waiting:
            return Skipped("the checker is closed" if self._closed else "too many checks are waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._terms.patience):
                await self._turn.acquire()
        except TimeoutError:
            return Skipped("the checker is busy")
        finally:
            self._waiting -= 1
        try:
            return await self._judged(suspect, request)
        finally:
            self._turn.release()

    async def aclose(self) -> None:
        """Kill the process and wait until it is gone."""
        self._closed = True
        self._kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._terms.start), self._turn:  # a check under way ends at once, or has just started one
                self._kill()
        if self._reaping:
            await asyncio.wait(self._reaping, timeout=5)

    async def _judged(self, suspect: str, request: bytes) -> Outcome:
        outcome: Outcome | None = None
        try:
            try:
                process = await self._started()
            except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
                return Skipped(f"the checker did not start: {type(error).__name__}")
            try:
                async with asyncio.timeout(self._terms.deadline):
                    outcome = _read(await _exchange(process, request))
            except TimeoutError:
                self._strike(suspect)
                return Skipped(f"the check took longer than {self._terms.deadline:g} s")
            except (OSError, EOFError, ValueError) as error:
                self._strike(suspect)
                return Skipped(f"the checker failed: {type(error).__name__}")
        finally:
            if outcome is None:  # also when we are cancelled: what it answers next would be the answer to this
                self._kill()
                self._keep(asyncio.create_task(self._renew()))
        self._strikes.pop(suspect, None)
        return outcome

    async def _started(self) -> Process:
        """Return the process, a new one where there is none."""
        if self._process and self._process.returncode is None:
            return self._process
        self._kill()
        if self._closed:
            raise OSError("closed")
        passed = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME") if name in os.environ}
        command = (sys.executable, "-P", "-m", "proxy.check_worker")
        async with asyncio.timeout(self._terms.start):
            # No key of ours in its environment; a session of its own, so that Ctrl-C is ours to handle.
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=passed | {"PYTHONPATH": ROOT}, start_new_session=True
            )
            await _receive(self._process)
        return self._process

    async def _renew(self) -> None:
        """Start another process at once, so that the next check need not wait for it."""
        async with self._turn:
            with suppress(OSError, EOFError, ValueError):
                await self._started()

    def _strike(self, suspect: str) -> None:
        self._strikes[suspect] = self._strikes.pop(suspect, 0) + 1
        while len(self._strikes) > MAX_SUSPECTS:
            self._strikes.popitem(last=False)

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        self._keep(asyncio.create_task(process.wait()))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._reaping.add(task)
        task.add_done_callback(self._reaping.discard)


def _hash(schema: Schema) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()


def _request(call: ToolCall, spec: ToolSpec) -> bytes:
    arguments = call.arguments if isinstance(call.arguments, str) else dict(call.arguments)
    return json.dumps({"name": call.name, "arguments": arguments, "schema": dict(spec.parameters)}).encode()


async def _exchange(process: Process, request: bytes) -> bytes:
    assert process.stdin
    process.stdin.write(struct.pack(">I", len(request)) + request)
    await process.stdin.drain()
    return await _receive(process)


async def _receive(process: Process) -> bytes:
    assert process.stdout
    (size,) = struct.unpack(">I", await process.stdout.readexactly(4))
    if size > MAX_REPLY:
        raise ValueError("a reply of that size is none of ours")
    return await process.stdout.readexactly(size)


def _read(reply: bytes) -> Outcome:
    said = json.loads(reply)
    return Skipped(said["skipped"]) if "skipped" in said else Findings(tuple(Finding(*each) for each in said["findings"]))
