"""Guards over a streaming answer: what has no end is found soon, and nothing that a right answer may hold is taken for it."""

from __future__ import annotations

import base64
import json
import random
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from adapters.guards.repeat import MARKS, Repeat
from adapters.guards.watch import Watch
from tests.linear import grows_linearly

CORPUS = sorted((Path(__file__).parents[2] / "corpus").glob("*.jsonl"))
SOURCES = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))


def watched(pieces: Iterable[str], *, token: bool = False, inside: bool = False) -> tuple[int, Repeat | None]:
    """Return how many pieces were looked at, and what was found in the last of them."""
    watch, count = Watch(), 0
    for piece in pieces:
        count += 1
        found = watch.take(piece, token=token, inside=inside)
        if found:
            return count, found
    return count, None


def pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def words(count: int, seed: int = 1) -> list[str]:
    chosen = random.Random(seed)
    return ["".join(chosen.choices("abcdefghijklmnopqrstuvwxyz", k=chosen.randint(1, 9))) + " " for _ in range(count)]


# -- what has no end

MARK_FLOODS = [
    ["<pad>"], ["<unused49>"], ["<|im_end|>"], ["<|tool_call>"], ["<tool_call|>"], ['<|"|>'], ["[UNUSED_12]"], ["<s>"], ["[PAD]"],
    ["<tool_call>"], ["<image_soft_token>"], ["<SPECIAL_12>"], ["<|a|>", "<|b|>", "</s>"], ["<pad>", "\n"], ["<\uff5cend\uff5c>"],
    ["<", "pad", ">"], ["<unused1>", "<unused2>", "<unused3>"], ["<|endoftext|>", " "], [""],
]  # fmt: skip


@pytest.mark.parametrize("mark", MARK_FLOODS, ids=repr)
@pytest.mark.parametrize("inside", [False, True], ids=["text", "call"])
def test_a_flood_of_special_tokens_is_found_within_64(mark: list[str], inside: bool) -> None:
    count, found = watched(["Well", ".", *mark * 5000], token=True, inside=inside)
    assert found
    assert found.reason == "special-token-flood"
    assert count <= 64 * len(mark)


@pytest.mark.parametrize("mark", MARK_FLOODS[:-1], ids=repr)
def test_a_flood_is_found_however_it_is_cut(mark: list[str]) -> None:
    text = "Well." + "".join(mark * 300)
    found = {watched(pieces(text, size))[1] for size in (1, 3, 7, 64, len(text))}
    assert len(found) == 1
    assert {each.reason for each in found if each} == {"special-token-flood"}


FIVE = words(5)
SEEDS = {
    "one token": ("repeated-token", [" word"], 256),
    "a mark": ("repeated-token", ["!"], 256),
    "two tokens": ("repeated-cycle", [" no", " yes"], 1100),
    "figures": ("repeated-cycle", ["0", "1"], 1100),
    "a short text": ("repeated-cycle", FIVE, 1100),
    "64 tokens": ("repeated-cycle", words(64), 1200),
    "a line": ("repeated-lines", [*FIVE, "\n"], 1100),
    "a paragraph": ("repeated-lines", [*words(300), "\n"], 3000),
    "forty lines": ("repeated-lines", [each for line in range(40) for each in (*words(8, line), "\n")], 3500),
    "blanks": ("endless-whitespace", [" "], 512),
    "all kinds of blanks": ("endless-whitespace", ["\n", " ", "\t", "\n", "\n"], 512),
}


@pytest.mark.parametrize("name", SEEDS)
def test_endless_repetition_is_found_in_time(name: str) -> None:
    reason, cycle, within = SEEDS[name]
    start = words(300, seed=7)
    count, found = watched([*start, *cycle * (20_000 // len(cycle))], token=True)
    assert found
    assert found.reason == reason
    assert count - len(start) <= within
    assert 0 <= count - len(start) - found.tokens <= 2 * len(cycle) + 128


@pytest.mark.parametrize("name", SEEDS)
def test_in_a_call_more_is_borne_but_not_without_end(name: str) -> None:
    reason, cycle, within = SEEDS[name]
    count, found = watched(cycle * (40_000 // len(cycle)), token=True, inside=True)
    assert found
    assert found.reason.split("-")[0] == reason.split("-")[0]
    assert count > within


@pytest.mark.parametrize("name", SEEDS)
def test_the_text_alone_says_the_same_however_it_is_cut(name: str) -> None:
    reason, cycle, _ = SEEDS[name]
    text = "".join([*words(300, seed=7), *cycle * (40_000 // len(cycle))])
    found = [watched(pieces(text, size))[1] for size in (1, 3, 7, 31, 64, 1000, len(text))]
    assert {(each.reason, each.size) for each in found if each} == {(found[0].reason if found[0] else "", found[-1].size)}  # type: ignore[union-attr]
    assert found[0]
    assert found[0].reason.split("-")[0] == reason.split("-")[0]


# -- what may look like it

ZEROS = "0, " * 2000
ROWS = "".join(f"{at},{at * 7 % 13},0.0,0.0,OK\n" for at in range(3000))
TESTS = "".join(f"def test_{at}():\n    assert add({at}, 1) == {at + 1}\n\n\n" for at in range(50))
IN_A_CALL = {
    "zeros": "0" * 2000,
    "a list of zeros": f"[{ZEROS}0]",
    "zeros, one a line": "0\n" * 2000,
    "decimal zeros": "0.0, " * 2000,
    "indentation": " " * 2000 + "x",
    "blank lines": "\n" * 1000 + "x",
    "zeros in base64": base64.b64encode(bytes(12_000)).decode(),
    "a buffer": "A" * 4000,
    "a matrix": ("0 " * 50 + "\n") * 40,
    "padding": "<s>Hi</s>" + "<pad>" * 40,
}
ANYWHERE = {
    "a rule": "-" * 400,
    "a row of a table": "|" + " --- |" * 60,
    "a separator": ("=" * 80 + "\n") * 12,
    "art": "".join(f"{' ' * (40 - at)}{'*' * (2 * at + 1)}\n" for at in range(40)),
    "a chessboard": ("\u2588\u2588  " * 8 + "\n" + "  \u2588\u2588" * 8 + "\n") * 4,
    "rows that differ": ROWS,
    "tests that differ": TESTS,
    "a matrix": ("0 " * 20 + "\n") * 20,
    "a hundred lines to write": "I will not waste chalk in class.\n" * 100,
    "base64": base64.b64encode(random.Random(3).randbytes(9000)).decode(),
    "closers": "</div>" * 40,
    "an empty table": "<tr>" + "<td></td>" * 40 + "</tr>",
    "steps": "".join(f"Step {at}: run the tests again and look at the output.\n" for at in range(400)),
    "JSON": json.dumps([{"id": at, "ok": True, "tags": []} for at in range(500)]),
    "a great number": "1" + "0" * 400,
    "tokens spoken of": "".join(f"`<|reserved_{at}|>` is not used.\n" for at in range(200)),
    "empty texts": 'a:[<|"|><|"|>' + ',<|"|><|"|>' * 40 + "]",
    "brackets": "[X][O][ ]\n" * 60,
}


@pytest.mark.parametrize("name", IN_A_CALL)
@pytest.mark.parametrize("size", [1, 3, 4, 64, 100_000])
def test_what_a_file_may_hold_is_let_through(name: str, size: int) -> None:
    text = f'{{"file_text": "{IN_A_CALL[name]}"}}'
    assert watched(pieces(text, size), inside=True)[1] is None
    if size in (3, 4):
        assert watched(pieces(text, size), inside=True, token=True)[1] is None


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize("size", [3, 4, 64, 100_000])
def test_what_an_answer_may_hold_is_let_through(name: str, size: int) -> None:
    text = f"Here it is:\n\n{ANYWHERE[name]}\n\nThat is all."
    assert watched(pieces(text, size))[1] is None
    if size == 4:
        assert watched(pieces(text, size), token=True)[1] is None


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_nothing_in_the_corpus_is_endless(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        case = json.loads(line)
        assert watched(pieces(case["raw"], 4), token=True)[1] is None, case["id"]
        assert watched([case["raw"]])[1] is None, case["id"]


def test_nothing_in_the_standard_library_is_endless() -> None:
    assert len(SOURCES) > 100
    for path in SOURCES:
        text = path.read_text("utf-8", "replace")
        assert watched([text])[1] is None, path.name
        assert watched(pieces(text[:20_000], 3), token=True)[1] is None, path.name


# -- what it costs

NASTY = {
    "prose": "".join(words(2000)),
    "nearly a cycle": ("a" * 63 + "b") * 20 + "c",
    "openers": "<" * 200 + "[" * 200,
    "half tokens": "<|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " * 20,
    "short lines": "a\nb\n\n" * 60 + "c\n",
    "one long line": "ab" * 3000 + "c",
}


@pytest.mark.parametrize("name", NASTY)
def test_time_is_linear(name: str) -> None:
    unit = NASTY[name]

    def text(size: int) -> str:
        return "".join(f"{unit}{at}" for at in range(size // len(unit) + 1))

    assert grows_linearly(lambda each: watched(pieces(each, 5), token=True, inside=True), text, 30_000)


def test_one_flood_is_no_second_one_after_text() -> None:
    some = "<pad>" * (MARKS - 1)
    assert watched([some, "a", some, "b", some])[1] is None
