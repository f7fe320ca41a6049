"""Judges calls in a process of its own, which may be killed: `python -m proxy.check_worker`, started by `proxy.checker`.

Each message is four bytes of length, most significant first, and then JSON. An empty message says that the worker is ready.
"""

from __future__ import annotations

import json
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

from rules.conversation import ToolCall, ToolSpec
from rules.schema import Uncheckable, findings

MEMORY = 512 * 1024 * 1024
WARM_UP = b'{"name": "", "arguments": {}, "schema": {"type": "object", "required": ["x"]}}'
"""The first judgement loads the metaschemas: that is not to be taken out of a call's deadline."""

LAST_RESORT = 10.0
"""Seconds after which a judgement ends the worker by itself, should nobody be left to kill it."""


def main() -> None:
    """Answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    answer(WARM_UP)
    send(target, b"")
    while (request := receive(source)) is not None:
        signal.setitimer(signal.ITIMER_REAL, LAST_RESORT)
        reply = json.dumps(answer(request)).encode()
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(target, reply)


def answer(request: bytes) -> dict[str, Any]:
    """Judge one call: `{"findings": [[path, keyword, message, member], ...]}`, or `{"skipped": reason}`."""
    try:
        asked = json.loads(request)
        call, spec = ToolCall("", asked["name"], asked["arguments"]), ToolSpec(asked["name"], "", asked["schema"])
        return {"findings": [[each.path, each.keyword, each.message, each.member] for each in findings(call, spec)]}
    except Uncheckable as error:
        return {"skipped": str(error)}
    except (MemoryError, RecursionError) as error:
        return {"skipped": type(error).__name__}


def send(target: BinaryIO, message: bytes) -> None:
    target.write(struct.pack(">I", len(message)) + message)
    target.flush()


def receive(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    return source.read(struct.unpack(">I", head)[0]) if len(head) == 4 else None


if __name__ == "__main__":
    main()
