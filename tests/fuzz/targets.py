"""What is fuzzed, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz import target_arguments, target_decoders, target_redaction, target_requests, target_sse

CORPUS: Final = Path(__file__).parent / "corpus"

Run = Callable[[bytes], None]
"""Asserts what must hold of any bytes; raises where it does not."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    head   bytes at the beginning that say how, not what
    seeds  what a fuzzer begins with;  words: what it puts in
    json   what is behind the head is mostly JSON, and is changed as such as well
    """

    run: Run
    seeds: Sequence[bytes]
    words: Sequence[bytes]
    head: int
    json: bool = False


TARGETS: Final[Mapping[str, Target]] = {
    "sse": Target(target_sse.run, target_sse.SEEDS, target_sse.WORDS, 2),
    "decoders": Target(target_decoders.run, target_decoders.SEEDS, target_decoders.WORDS, 3),
    "arguments": Target(target_arguments.run, target_arguments.SEEDS, target_arguments.WORDS, 1, json=True),
    "redaction": Target(target_redaction.run, target_redaction.SEEDS, target_redaction.WORDS, 3),
    "requests": Target(target_requests.run, target_requests.SEEDS, target_requests.WORDS, 1, json=True),
}


def kept(name: str) -> list[bytes]:
    """Return a target's corpus: what it begins with, and what a fuzzer has found since."""
    files = sorted((CORPUS / name).glob("*")) if (CORPUS / name).is_dir() else []
    return [*TARGETS[name].seeds, *(file.read_bytes() for file in files)]
