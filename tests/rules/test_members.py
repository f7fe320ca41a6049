"""Schemas say of a member and of an item what draft 7 and 2020-12 say that they do, and patterns are tried only where that is cheap."""

from __future__ import annotations

from typing import Any

import pytest

from rules.members import matches, refuses_keys, speaking_of_item, speaking_of_member

A, B, C = {"title": "a"}, {"title": "b"}, {"title": "c"}
OBJECT = {"properties": {"x-a": A}, "patternProperties": {"^x-": B}, "additionalProperties": C}


@pytest.mark.parametrize(
    ("schema", "name", "said"),
    [
        (OBJECT, "x-a", [A, B]),
        (OBJECT, "x-b", [B]),
        (OBJECT, "other", [C]),
        ({"properties": {"a": A}}, "b", []),
        ({"additionalProperties": False}, "b", []),
        ({"patternProperties": {"(a|b)+": A}, "additionalProperties": C}, "b", []),
        ({"properties": [], "patternProperties": 5}, "b", []),
    ],
)
def test_what_is_said_of_a_member(schema: dict[str, Any], name: str, said: list[Any]) -> None:
    assert speaking_of_member([schema], name) == said


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"items": A}, [A, A]),
        ({"prefixItems": [A], "items": B}, [A, B]),
        ({"prefixItems": [A]}, [A, None]),
        ({"items": [A], "additionalItems": B}, [A, B]),
        ({"items": [A]}, [A, None]),
        ({}, [None, None]),
    ],
)
def test_what_is_said_of_an_item(schema: dict[str, Any], said: list[Any]) -> None:
    assert [next(iter(speaking_of_item([schema], at)), None) for at in (0, 1)] == said


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("^x-", "x-a", True),
        ("^x-", "a-x-", False),
        ("x-", "a-x-", True),
        ("^[A-Z_]+$", "HOME", True),
        ("^[A-Z_]+$", "Home", False),
        (".*", "anything", True),
        ("", "anything", True),
        ("^\\d{3}$", "123", True),
        ("(a+)+$", "aaaa", None),
        ("a*a*b", "aaaa", None),
        ("[a-z]+$", "aaaa", None),
        ("^a|b$", "b", None),
        ("^[", "a", None),
        ("^a{2", "a", None),
        ("^x", "x" * 10_000, None),
    ],
)
def test_patterns(pattern: str, name: str, found: bool | None) -> None:
    assert matches(pattern, name) is found


def test_keys_are_refused_however_they_are_spelled() -> None:
    closed = {"properties": {"maxSize": A}, "required": ["maxSize"], "additionalProperties": False}
    assert not refuses_keys([closed], {"maxsize"})
    assert refuses_keys([closed], {"maxsize", "other"})
    assert refuses_keys([closed], set())
    assert not refuses_keys([{"properties": {"a": A}}], {"b"})
