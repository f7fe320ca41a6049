"""Writes down every turn that was not right as it came: JSON lines, off the event loop, bounded in every direction.

A thread owns the file. The loop only appends to a queue; where the disk is slower than the turns, the oldest records are
dropped and counted. Each record is one `write` to a file that this process alone holds (`flock`), so a crash can tear the
last line at most; the next process begins with a newline. docs/journal.md describes files and fields.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from proxy.outcome import Outcome
from proxy.output import write_line
from proxy.record import Record
from proxy.rendering import line_of, render, trimmed, weight
from proxy.settings import Bodies
from proxy.tally import Counted, Kind, Spent, Tally

STDOUT: Final = Path("-")
"""In place of a directory: lines go to standard output, among those of the log."""

SLOTS = 1_000  # more processes than that do not share a directory
OPEN = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bounds of a journal: the queue, a record, a file, how many full files are kept, and the rest after a failed write."""

    queue_records: int = 1_000
    queue_bytes: int = 16 * 1024 * 1024
    record_bytes: int = 256_000
    file_bytes: int = 64 * 1024 * 1024
    files: int = 8
    pause_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Records written; dropped from the queue; not renderable; failed writes (each is tried again); and the last failure."""

    written: int = 0
    dropped: int = 0
    unwritable: int = 0
    failures: int = 0
    failure: str = ""


class Book(Protocol):
    """What turns are written into."""

    def write(self, record: Record) -> None:
        """Write down a turn that was not right as it came."""

    def count(self, kind: Kind, outcome: Outcome, spent: Spent, *, called: bool) -> None:
        """Count a turn, right or not."""


class Sink(Protocol):
    """Where lines go. `append` raises OSError where a line could not be written; it is then tried again."""

    def open(self) -> None:
        """Make ready to write."""

    def append(self, line: bytes) -> None:
        """Write one line."""

    def close(self) -> None:
        """Let go of what was taken."""


class Journal:
    """A directory of journal files, or standard output. `write` may be called on the event loop; nothing else happens there."""

    def __init__(self, directory: Path, bodies: Bodies = "on", sizes: Sizes = Sizes()) -> None:
        """Take a place in the directory, creating it where needed. What fails is counted, and tried again later."""
        self._bodies, self._sizes = bodies, sizes
        self._sink: Sink = _Stdout() if directory == STDOUT else _File(directory, sizes)
        self._queue: deque[tuple[int, Record]] = deque()
        self._tally = Tally()
        self._bytes = 0
        self._written = self._dropped = self._unwritable = self._failures = 0
        self._failure = ""
        self._changed = threading.Condition()
        self._idle = True
        self._closing = False
        self._thread: threading.Thread | None = None
        try:
            self._sink.open()
        except OSError as error:
            self._failed(str(error))

    def write(self, record: Record) -> None:
        """Queue a record; drop the oldest ones where the queue is full."""
        record = trimmed(record)
        size = weight(record)
        with self._changed:
            if self._closing:
                self._dropped += 1
                return
            self._start()
            self._queue.append((size, record))
            self._bytes += size
            while len(self._queue) > 1 and self._is_full():
                self._bytes -= self._queue.popleft()[0]
                self._dropped += 1
            self._idle = False
            self._changed.notify_all()

    def count(self, kind: Kind, outcome: Outcome, spent: Spent, *, called: bool) -> None:
        """Count a turn, right or not. What was counted is written down once a minute, and at the end."""
        with self._changed:
            if not self._closing:
                self._tally.add(kind, outcome, spent, called=called)
                self._start()

    def counts(self) -> Counts:
        """Return what has become of the records so far."""
        with self._changed:
            return Counts(self._written, self._dropped, self._unwritable, self._failures, self._failure)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait (not on the loop) until all records are on their way to the disk; tell whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Write what is queued, give up what cannot be written, and let go of the file. Blocks up to `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout)
        if self._thread is None or not self._thread.is_alive():
            self._sink.close()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()

    def _is_full(self) -> bool:
        return len(self._queue) > self._sizes.queue_records or self._bytes > self._sizes.queue_bytes

    def _run(self) -> None:
        while (record := self._next()) is not None:
            try:
                line = self._rendered(record)
            except (ValueError, TypeError, OverflowError, RecursionError) as error:
                with self._changed:
                    self._unwritable += 1
                self._failed(f"a record could not be rendered: {type(error).__name__}")
            else:
                self._put(line)
        with self._changed:
            self._idle = True
            self._changed.notify_all()

    def _next(self) -> Record | Counted | None:
        """Wait for a record, or until the turns that were counted are due; None: there are no more, and there will be none."""
        with self._changed:
            while not self._queue:
                due = self._tally.due
                if due is not None and (due == 0 or self._closing):
                    return self._tally.take()
                self._idle = True
                self._changed.notify_all()
                if self._closing:
                    return None
                self._changed.wait(due)
            size, record = self._queue.popleft()
            self._bytes -= size
            return record

    def _rendered(self, record: Record | Counted) -> bytes:
        if isinstance(record, Counted):
            return line_of(record)
        return render(record, self._bodies, self._sizes.record_bytes)

    def _put(self, line: bytes) -> None:
        """Write a line; after a failure rest, and try again until the journal is closed."""
        while True:
            closing = self._closing
            try:
                self._sink.append(line)
            except OSError as error:
                self._failed(str(error))
            else:
                with self._changed:
                    self._written += 1
                return
            with self._changed:
                if closing:
                    self._dropped += 1
                    return
                self._changed.wait_for(lambda: self._closing, self._sizes.pause_seconds)

    def _failed(self, failure: str) -> None:
        with self._changed:
            self._failures += 1
            self._failure = failure


class _Stdout:
    """Standard output, which the log writes to as well: by the same means, so that each line stays whole."""

    def open(self) -> None:
        """Nothing is to be done: it is open."""

    def append(self, line: bytes) -> None:
        write_line(line)

    def close(self) -> None:
        """It is not ours to close."""


class _File:
    """The file of this process: `journal-N.jsonl` with the lowest N that no living process holds."""

    def __init__(self, directory: Path, sizes: Sizes) -> None:
        self.directory, self.sizes = directory, sizes
        self.path = directory
        self.fd = -1

    def open(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for slot in range(SLOTS):
            path = self.directory / f"journal-{slot}.jsonl"
            fd = os.open(path, OPEN, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                continue
            except BaseException:
                os.close(fd)
                raise
            self.path, self.fd = path, fd
            return
        raise OSError(f"{self.directory}: all {SLOTS} journal files are in use")

    def append(self, line: bytes) -> None:
        """Write one line with one `write`; raise OSError and leave no part of it where that fails."""
        if self.fd < 0 or self.moved():
            self.close()
            self.open()
        size = os.fstat(self.fd).st_size
        if size and size + len(line) > self.sizes.file_bytes:
            self.rotate()
            size = os.fstat(self.fd).st_size
        if size and os.pread(self.fd, 1, size - 1) != b"\n":
            line = b"\n" + line  # a crash tore the last line: ours begins on its own
        try:
            complete = os.write(self.fd, line) == len(line)
        except OSError:
            self.cut(size)
            raise
        if not complete:
            self.cut(size)
            raise OSError("the disk took only a part of a record")

    def cut(self, size: int) -> None:
        with suppress(OSError):  # the file may be out of reach; a torn line is then ended by the next one
            os.ftruncate(self.fd, size)

    def moved(self) -> bool:
        """Tell whether our file is no longer at its path: somebody rotated or removed it."""
        try:
            there = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return True
        return not os.path.samestat(there, os.fstat(self.fd))

    def rotate(self) -> None:
        """Give the full file a number, the others the next one, and drop the oldest."""
        numbered = [self.path.with_name(f"{self.path.stem}.{number}.jsonl") for number in range(1, self.sizes.files + 1)]
        for older, newer in zip(reversed(numbered), [*reversed(numbered[:-1]), self.path], strict=True):
            with suppress(FileNotFoundError):
                newer.replace(older)
        self.close()
        self.open()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
