"""Patterns match alike on every Python that we run on.

Python 3.11.0 to 3.11.4, among them Debian 12's, go wrong where a group that can step back or looks ahead is repeated possessively
(https://github.com/python/cpython/issues/106052). An atomic group around a plain repetition means the same, and is right everywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import adapters
import proxy
import rules

STEPS_BACK = {ops.ASSERT, ops.ASSERT_NOT, ops.MAX_REPEAT, ops.MIN_REPEAT}


def modules() -> Iterator[Any]:
    for package in (adapters, proxy, rules):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def patterns(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """Yield the patterns that a module's name stands for, also those in its tables and records."""
    if isinstance(value, re.Pattern):
        yield value
    elif is_dataclass(value) and not isinstance(value, type) and depth < 4:
        for field in fields(value):
            yield from patterns(getattr(value, field.name), depth + 1)
    elif isinstance(value, dict) and depth < 4:
        for each in value.values():
            yield from patterns(each, depth + 1)
    elif isinstance(value, (tuple, list, frozenset)) and depth < 4:
        for each in value:
            yield from patterns(each, depth + 1)


def operations(parsed: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the operations of a parsed pattern and of all that is in it."""
    if isinstance(parsed, (parser.SubPattern, list, tuple)):
        for each in parsed:
            if isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], ops._NamedIntConstant):
                yield each
            yield from operations(each)


def is_risky(pattern: re.Pattern[Any]) -> bool:
    found = operations(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    repeated = (inner for op, inner in found if op is ops.POSSESSIVE_REPEAT)
    return any(op in STEPS_BACK for inner in repeated for op, _ in operations(inner))


def test_no_group_that_can_step_back_is_repeated_possessively() -> None:
    every = {(module.__name__, each.pattern): each for module in modules() for each in patterns(list(vars(module).values()))}
    assert len(every) > 50
    assert [key for key, each in every.items() if is_risky(each)] == []


@pytest.mark.parametrize(
    ("pattern", "risky"),
    [
        (r"(?:a(?!b))*+", True),
        (r"(?:ab?c)*+", True),
        (r"x|(?:(?:a+|b)c)++", True),
        (r"(?>(?:a(?!b))*)", False),
        (r"(?:[^a]++|b)*+", False),
        (r"(?:a(?!b))*", False),
    ],
)
def test_what_is_risky_is_found(pattern: str, risky: bool) -> None:
    assert is_risky(re.compile(pattern)) == risky
