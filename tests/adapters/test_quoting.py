"""What is quoted by code spans, wherever the text is cut."""

from __future__ import annotations

import pytest

from adapters.quoting import Lines


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("So ````json\n", True),
        ("So ````json\nx\n", True),
        ("So ````json\nx\n````\n", False),
        ("So ````json\n\n", False),
        ("So ````a```` b\n", False),
        ("So ```json\n", False),
        ("It`s\n", False),
        ("It`s ", True),
        ("````json\n", True),
        ("So ````a\n```` and ````b\n", True),
    ],
)
def test_a_long_run_of_backticks_quotes_over_lines(text: str, quoted: bool) -> None:
    for cut in range(len(text) + 1):
        lines = Lines()
        lines.take(text[:cut])
        lines.take(text[cut:])
        assert lines.quoted is quoted, cut


def test_a_quoted_marker_does_not_end_the_quotation() -> None:
    lines = Lines()
    lines.take("So ````json\n")
    for _ in range(2):
        lines.quote()
        lines.take("{")
        assert lines.quoted


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("So `` `", True),
        ("So `` `a` b", True),
        ("So `` `a` `` b", False),
        ("So ```` ```json a", True),
        ("So ```` ```json a``` ```` b", False),
        ("So `a``b` c", False),
        ("So `a` b `c", True),
    ],
)
def test_a_code_span_ends_at_a_run_of_as_many_backticks_as_opened_it(text: str, quoted: bool) -> None:
    for cut in range(len(text) + 1):
        lines = Lines()
        lines.take(text[:cut])
        lines.take(text[cut:])
        assert lines.quoted is quoted, cut
    lines = Lines()
    for character in text:
        lines.take(character)
    assert lines.quoted is quoted
