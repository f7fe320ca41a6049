"""What a reader must not miss is found, and nothing of a text is lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.report.marks import pieces, visible


@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    assert "".join(part for _, part in pieces(text)) == visible(text)


@given(st.text())
def test_what_is_visible_stays(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert all(each in "\n\t" or each.isprintable() for each in shown)


def test_markers_and_control_characters_are_told_apart() -> None:
    assert list(pieces("a<|tool_call>\x1b[31m\u2028[TOOL_CALLS]")) == [
        ("text", "a"),
        ("marker", "<|tool_call>"),
        ("control", "\\x1b"),
        ("text", "[31m"),
        ("control", "\\u2028"),
        ("marker", "[TOOL_CALLS]"),
    ]
