"""What is written down as data agrees with itself and with the rest."""

from __future__ import annotations

import inspect
import re
import string

import pytest

from docs.generate import parsers, reader_of
from proxy.doctor import causes, checks, diagnosis, examine
from proxy.doctor.catalogue import CATALOGUE
from proxy.doctor.causes import Cause
from proxy.doctor.findings import finding
from proxy.doctor.gathered import Gathered
from proxy.doctor.parsers import FLAGS
from proxy.doctor.purse import Purse

FILLS = {"parser": "p", "dialect": "d", "avoid": "a", "repairs": "r", "share": "1%"}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_finding_can_be_told(code: str) -> None:
    found = finding([(1, Cause(code, "seen", FILLS, helped=True))], Gathered("http://a:1", Purse(1, 1)))
    assert found.change
    assert not any(
        field
        for text in (found.what, *found.change)
        for _, field, _, _ in string.Formatter().parse(text.replace("{", "{{").replace("}", "}}"))
        if field
    )


def test_every_code_that_is_given_is_in_the_catalogue_and_every_entry_is_given() -> None:
    source = "".join(inspect.getsource(module) for module in (causes, checks, diagnosis, examine))
    given = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', source)) & set(CATALOGUE)
    assert given == set(CATALOGUE)


@pytest.mark.parametrize("dialect", FLAGS)
def test_a_flag_names_a_parser_of_vllm_that_reads_the_dialect(dialect: str) -> None:
    assert FLAGS[dialect] in parsers()
    assert reader_of(FLAGS[dialect]) == dialect


def test_every_dialect_that_a_parser_of_vllm_reads_has_a_flag() -> None:
    assert {dialect for parser in parsers() if (dialect := reader_of(parser))} == set(FLAGS)


def test_the_checks_ask_no_more_than_they_say() -> None:
    shown, cut, plain = 1 + 1 + 3, 2, 2
    assert shown + cut + plain <= checks.REQUESTS
