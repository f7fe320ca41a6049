"""docs/doctor.md says what the doctor can find, how it ends, and what its JSON holds."""

from __future__ import annotations

from docs.doctor_page import PAGE, page
from proxy.doctor.catalogue import CATALOGUE
from proxy.doctor.gathered import Gathered
from proxy.doctor.purse import Purse
from proxy.doctor.report import as_json


def test_the_page_is_what_the_generator_writes() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run `make docs`"


def test_every_finding_has_its_row() -> None:
    assert all(f"\n| `{code}` |" in PAGE.read_text("utf-8") for code in CATALOGUE)


def test_every_member_of_the_json_is_told() -> None:
    text = PAGE.read_text("utf-8")
    members = as_json(Gathered("http://a:1", Purse(1, 1)), [], 0)
    assert all(f"| `{member}` |" in text for member in members)


def test_every_exit_code_is_told() -> None:
    text = PAGE.read_text("utf-8")
    assert all(f"\n| {code} | " in text for code in (0, 1, 2, 3, 130))
