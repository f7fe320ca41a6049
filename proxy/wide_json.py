"""Reads JSON that orjson is too strict for: numbers beyond every float, and half a character, wherever they stand."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

import orjson

INTEGERS = range(-(2**63), 2**64)
"""Those that orjson reads, and writes again, as they are."""


def read_json(data: bytes) -> Any:
    """Return what a JSON text says. Raises orjson.JSONDecodeError.

    What no member of ours can hold becomes what a client can be told: half a character U+FFFD, a number beyond every float None.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        try:
            return _tellable(json.loads(data, parse_int=_integer, parse_float=_number, parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            raise error from None


def _integer(text: str) -> int | float | None:
    number = int(text)
    return number if number in INTEGERS else _number(text)


def _number(text: str) -> float | None:
    number = float(text)
    return number if isfinite(number) else None


def _tellable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [_tellable(each) for each in value]
        case dict():
            return {_tellable(name): _tellable(each) for name, each in value.items()}
        case _:
            return value
