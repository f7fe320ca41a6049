"""docs/configuration.md says what each key and option is, and each has one."""

from __future__ import annotations

import click
import pytest
from pydantic import BaseModel

from docs.settings_page import PAGE, page
from proxy.cli import serve
from proxy.settings import Budget, FileSettings, Limits, PatienceTable, ProfileTable


def test_the_page_is_what_the_generator_writes() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run `make docs`"


@pytest.mark.parametrize("model", [Limits, Budget, ProfileTable, PatienceTable])
def test_every_key_of_a_table_is_described_and_has_its_row(model: type[BaseModel]) -> None:
    text = PAGE.read_text("utf-8")
    for name, field in model.model_fields.items():
        assert field.description, name
        assert f"\n| `{name}` | " in text


def test_every_key_of_the_file_is_an_option_or_a_table() -> None:
    text = PAGE.read_text("utf-8")
    options = {each.name: each for each in serve.params if isinstance(each, click.Option) and not each.hidden}
    tables = {name for name, field in FileSettings.model_fields.items() if name not in options}
    assert all(f"[{name}]" in text for name in tables)
    assert all(each.help and f"`{each.opts[0]}`" in text for each in options.values())
