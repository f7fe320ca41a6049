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


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("> a", True),
        (">", True),
        ("a > b", False),
        ("| a ", True),
        ("|", True),
        ("| a |", False),
        ("# ", True),
        ("## Looking", False),
        ("    // ", True),
        ("<!-- a ", True),
        ("<!-- a --> ", False),
        ("    12\tx = ", True),
        ("12:", True),
        ("12: ", False),
        ("10:30 ", False),
        ("src/a.py:12:x = ", True),
        ("src/a.py:12: ", False),
        ("+", True),
        ("-    ", True),
        ("- ", False),
        ("1. ", False),
        ("It says\n\n    ", True),
        ("It says\n\n    a\n    ", True),
        ("It says\n\n    a\n\n    ", True),
        ("It says\n\n\t", True),
        ("It says\n    ", False),
        ("\n\n    ", False),
        ("- One\n\n    ", False),
        ("- One\n\nSo\n\n    ", True),
        ("It says\n\n    a\nSo\n    ", False),
        ('It says "', True),
        ('It says ("', True),
        ('It is "a"', False),
        ('{"a":"', True),
        ('"', False),
        ("It's", False),
        ("It says '", True),
        ("It says \u201c", True),
    ],
)
def test_what_stands_before_a_marker_shows_whose_it_is(text: str, quoted: bool) -> None:
    for cut in range(len(text) + 1):
        lines = Lines()
        lines.take(text[:cut])
        lines.take(text[cut:])
        assert lines.quoted is quoted, cut


@pytest.mark.parametrize(
    ("behind", "quoted"),
    [
        ("<a>", True),
        ('<a>{"b": "c", "d": ["e"]}', True),
        ('<a>{"b": "c"}</a>"', False),
        ('<a>{\\"b\\": 1}', True),
        ('<a>" and', False),
        ("<a>\n<b>", True),
        ("<a>\n\n", False),
    ],
)
def test_a_quotation_goes_on_to_its_closing_mark(behind: str, quoted: bool) -> None:
    for cut in range(len(behind) + 1):
        lines = Lines()
        lines.take('It says "')
        lines.quote()
        lines.take(behind[:cut])
        lines.take(behind[cut:])
        assert lines.quoted is quoted, cut


def test_what_stands_on_a_line_behind_a_shown_marker_is_shown_as_well() -> None:
    lines = Lines()
    lines.take("+")
    lines.quote()
    lines.take("<a>")
    assert lines.quoted
    lines.take("\n")
    assert not lines.quoted
