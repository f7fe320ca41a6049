"""docs/failures.md says what is known of failures."""

from __future__ import annotations

from docs.failures_page import PAGE, page
from proxy.failures.table import REASONS


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_every_reason_has_its_row() -> None:
    assert all(f"\n| `{each.code}` |" in page() for each in REASONS)
