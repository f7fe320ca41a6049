"""JSON that no marker closes ends where its brackets are balanced and it can be read."""

from __future__ import annotations

import pytest

from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from tests.linear import grows_linearly

FRAME = Frame("<o>", stops=("<e>",))
SEVERAL = Frame("<o>", stops=("<e>",), several=True)


def end_of(text: str, frame: Frame = FRAME) -> str | None:
    """Return the block that a text begins with, the same however the text is cut; None: it is none."""

    def scanned(pieces: list[str]) -> int | str:
        scan = UnwrappedScan(frame, ())
        return next((end for piece in pieces if (end := scan.feed(piece)) is not None), None) or scan.finish()

    end = scanned([text])
    assert all(scanned([text[:cut], text[cut:]]) == end for cut in range(1, len(text)))
    assert scanned(list(text)) == end
    return text[:end] if isinstance(end, int) else None


@pytest.mark.parametrize(
    ("block", "rest"),
    [
        ('<o>{"a": "}"}', " and {more}"),
        ('<o> [{"a": [1]}, {}]', "\n"),
        ('<o>{"a": {"b": "x"}}}', " text"),
        ('<o>{"a": 1};', ""),
        ('<o>{"a": 1}; ', '{"b": 2}'),
        ('<o>{"a": 1}', "; text"),
        ('<o>{"a": 1}', ' {"b": 2}'),
        ('<o>{"a": "say "hi {" there"}', ", it said"),
        ("<o>{'a': 'a } and a \"'}", "\nDone."),
        ('<o>{"a": "cut', ""),
        ('<o>{"a": {"b": 1}', "<e>"),
        ('<o>{"a": "<e>"}', "<e>"),
        ("<o>{bent antenna}", " and text"),
    ],
)
def test_a_block_ends_with_its_json(block: str, rest: str) -> None:
    assert end_of(block + rest) == block


def test_values_that_follow_each_other_may_be_one_block() -> None:
    for between in ("", " ", "; ", ",\n", "\n"):
        text = f'<o>{{"a": 1}}{between}{{"b": 2}}'
        assert end_of(f"{text}<e>", SEVERAL) == text


@pytest.mark.parametrize("text", ["<o> prose {}", "<o>", '<o>"a"', "<o>} {}", "<o><e>{}"])
def test_what_is_no_json_is_no_block(text: str) -> None:
    assert end_of(text) is None


@pytest.mark.parametrize("unit", ['"', "{", "{}", "{}; ", '{"a":"', "\\", "}", "<", "'", '{"a": "x"y"}', '{"a": 1} '])
@pytest.mark.parametrize("frame", [FRAME, SEVERAL])
def test_time_is_linear(frame: Frame, unit: str) -> None:
    def work(text: str) -> None:
        scan = UnwrappedScan(frame, ())
        for at in range(0, len(text), 512):
            if scan.feed(text[at : at + 512]) is not None:
                return
        scan.finish()

    assert grows_linearly(work, lambda size: "<o>{" + unit * (size // len(unit)), 40_000)
