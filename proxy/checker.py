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
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rules.conversation import Schema, ToolCall, ToolSpec
from rules.schema import Finding, is_plain_tool


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
    """What bounds a check: once a process has run, nobody waits longer for one than `patience` and `deadline` together.

    deadline  seconds that it may take
    patience  seconds that it may wait, for others before it and for the process to start
    waiting   checks that may wait
    strikes   time-outs in a row after which a schema is not checked any more
    start     seconds after which a process that has not started is given up
    """

    deadline: float = 0.25
    patience: float = 0.4
    waiting: int = 32
    strikes: int = 2
    start: float = 10.0


UNHURRIED = Terms(patience=10.0)
"""Where no client waits."""

MAX_REPLY = 1024 * 1024
MAX_SUSPECTS = 512
ROOT = str(Path(__file__).resolve().parent.parent)


class Checker:
    """Owns the process: started when somebody may need it, killed when it is late, gone after `aclose`."""

    def __init__(self, terms: Terms = Terms()) -> None:
        self._terms = terms
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._starting: asyncio.Task[Process] | None = None
        self._reaping: set[asyncio.Task[Any]] = set()
        self._strikes: OrderedDict[str, int] = OrderedDict()
        self._served = self._closed = False

    def expect(self, tools: Iterable[ToolSpec]) -> None:
        """Start the process where calls of these tools will need it: while the model thinks, there is time for that."""
        if not self._runs and not self._closed and any(not is_plain_tool(tool) for tool in tools):
            self._start()

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
        latest = asyncio.get_running_loop().time() + self._terms.patience
        self._waiting += 1
        try:
            async with asyncio.timeout_at(latest):
                await self._turn.acquire()
        except TimeoutError:
            return Skipped("the checker is busy")
        finally:
            self._waiting -= 1
        try:
            return await self._judged(suspect, request, latest)
        finally:
            self._turn.release()

    async def aclose(self) -> None:
        """Kill the process and wait until it is gone."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
        self._kill()
        async with self._turn:  # a check under way ends at once
            self._kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while self._reaping:  # one that is over may leave another one: that ends what it had started
                    await asyncio.wait(set(self._reaping))

    async def _judged(self, suspect: str, request: bytes, latest: float) -> Outcome:
        outcome: Outcome | None = None
        try:
            try:
                async with asyncio.timeout_at(latest if self._served else None):  # the first one has nothing to fall back on
                    process = await self._running()
            except TimeoutError:
                return Skipped("the checker is still starting")
            except (OSError, EOFError, ValueError) as error:
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
                self._start()
        self._strikes.pop(suspect, None)
        return outcome

    @property
    def _runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _running(self) -> Process:
        """Return the process; where there is none, as soon as it has started."""
        if self._process is not None and self._runs:
            return self._process
        starting = self._start()
        await asyncio.wait({starting})
        if starting.cancelled():
            raise OSError("closed")
        return starting.result()

    def _start(self) -> asyncio.Task[Process]:
        """Begin to start a process, unless that has begun: the next check need not wait for all of it."""
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._started())
            self._keep(self._starting)
        return self._starting

    async def _started(self) -> Process:
        """Start a process. It has said that it is ready."""
        self._kill()
        if self._closed:
            raise OSError("closed")
        passed = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME") if name in os.environ}
        command = (sys.executable, "-P", "-m", "proxy.check_worker")
        # No key of ours in its environment; a session of its own, so that Ctrl-C is ours to handle.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=passed | {"PYTHONPATH": ROOT}, start_new_session=True
        )
        try:
            async with asyncio.timeout(self._terms.start):
                await _receive(process)
        except BaseException:
            self._end(process)
            raise
        self._process, self._served = process, True
        self._keep(asyncio.create_task(self._follow(process)))
        return process

    async def _follow(self, process: Process) -> None:
        """Wait for the end of a process. Where it was not ours to end, another one takes its place at once."""
        await process.wait()
        if self._process is process and not self._closed:
            self._start()

    def _strike(self, suspect: str) -> None:
        self._strikes[suspect] = self._strikes.pop(suspect, 0) + 1
        while len(self._strikes) > MAX_SUSPECTS:
            self._strikes.popitem(last=False)

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._end(process)

    def _end(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        self._keep(asyncio.create_task(process.wait()))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        """Hold a task until it is over, whether or not anybody else asks what came of it."""
        self._reaping.add(task)
        task.add_done_callback(self._reaped)

    def _reaped(self, task: asyncio.Task[Any]) -> None:
        self._reaping.discard(task)
        if not task.cancelled():
            task.exception()


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
