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
