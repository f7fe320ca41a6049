"""H12: the parsers under drawn bytes, under all bytes that a fuzzer has found worth keeping, and under the fuzzer itself."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import drive
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import CORPUS, TARGETS, kept

Say = Callable[[str], None]

every_target = pytest.mark.parametrize("name", TARGETS)
SECONDS = 60


def drawn(name: str) -> st.SearchStrategy[bytes]:
    """Draw what a target takes: its words and anything else behind its head, or one of its seeds, changed."""
    target = TARGETS[name]
    part = st.one_of(st.sampled_from(target.words), st.binary(max_size=6), st.text(max_size=6).map(str.encode))
    head = st.binary(min_size=target.head, max_size=target.head)
    made = st.builds(lambda how, parts: how + b"".join(parts), head, st.lists(part, max_size=30))
    seeds = st.sampled_from(target.seeds).flatmap(lambda seed: st.integers(0, len(seed)).map(lambda at: (seed, at)))
    grown = st.builds(lambda seed, new: seed[0][: seed[1]] + new + seed[0][seed[1] :], seeds, part)
    if not target.json:
        return st.one_of(made, grown)
    changed = st.builds(
        lambda seed, chance: seed[: target.head] + mutated(Random(chance), seed[target.head :]),
        st.sampled_from(target.seeds),
        st.integers(0, 2**32),
    )
    return st.one_of(made, grown, changed)


@pytest.mark.row("H12")
@every_target
def test_drawn_bytes_break_no_law(name: str) -> None:
    @settings(max_examples=300, derandomize=True, database=None)
    @given(drawn(name))
    def holds(data: bytes) -> None:
        TARGETS[name].run(data)

    holds()


@pytest.mark.row("H12")
@every_target
def test_what_a_fuzzer_kept_breaks_no_law(name: str) -> None:
    for data in kept(name):
        TARGETS[name].run(data)


def test_the_corpus_belongs_to_targets_and_is_small() -> None:
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert {file.parent.name for file in files} <= TARGETS.keys()
    assert sum(file.stat().st_size for file in files) < 400_000


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x00" * 3, b"\xff" * 5])
@every_target
def test_any_bytes_are_taken_by_a_target(name: str, data: bytes) -> None:
    TARGETS[name].run(data)


@pytest.mark.slow
@pytest.mark.row("H12")
@every_target
async def test_a_fuzzer_finds_nothing(name: str, reached: Say) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed (make fuzz does that)")
    fuzzed = await asyncio.to_thread(drive.fuzz, name, SECONDS, keep=False)
    assert fuzzed.found is None, fuzzed.said
    reached(f"{name} {fuzzed.runs:,} runs in {fuzzed.seconds} s")
