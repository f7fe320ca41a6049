"""Dates and times written in another form than the schema's."""

from __future__ import annotations

import re
from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_objects
from rules.samples import TEXT, tool

_FRAME: Final = " \t\r\n\"'`"
_DATE: Final = r"(?P<year>\d{4})(?P<dash>[-/.])(?P<month>\d{1,2})(?P=dash)(?P<day>\d{1,2})"
_TIME: Final = r"(?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.]\d{1,9})?)(?: ?(?P<zone>[Zz]|UTC|GMT|[-+]\d\d:?\d\d))?"
_FORMS: Final = {"date": re.compile(_DATE), "date-time": re.compile(rf"{_DATE}(?:[Tt]| {{1,3}}){_TIME}")}
_RIGHT: Final = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[-+]\d\d:\d\d)?"),
}
_TOLD_OTHERWISE: Final = frozenset({"pattern", "enum", "const"})

_REMIND: Final = declaring(
    tool("remind", {"at": {"type": "string", "format": "date-time"}, "day": {"type": "string", "format": "date"}, "note": TEXT})
)
_RIGHT_TIME: Final = asks("remind", at="2024-05-31T12:30:00Z")


@rule(
    "schema",
    Example("a blank for the T", asks("remind", at="2024-05-31 12:30:00Z"), _RIGHT_TIME, _REMIND),
    Example("a zone by name, framed", asks("remind", at=" 2024-05-31T12:30:00 UTC\n"), _RIGHT_TIME, _REMIND),
    Example(
        "an offset without its colon",
        asks("remind", at="2024-05-31 12:30:00+0200"),
        asks("remind", at="2024-05-31T12:30:00+02:00"),
        _REMIND,
    ),
    Example("slashes, and no month has 31", asks("remind", day="2024/5/31"), asks("remind", day="2024-05-31"), _REMIND),
    Example(
        "no zone: none is made up", asks("remind", at="2024-05-31 12:30:00"), asks("remind", at="2024-05-31T12:30:00"), _REMIND
    ),
    Example("the 4th of May, or of March?", asks("remind", day="2024/5/4"), asks("remind", day="2024/5/4"), _REMIND),
    Example("which part is the year?", asks("remind", day="31.05.2024"), asks("remind", day="31.05.2024"), _REMIND),
    Example("no date", asks("remind", day="tomorrow"), asks("remind", day="tomorrow"), _REMIND),
    Example("a text", asks("remind", note="2024-05-31 12:30:00Z"), asks("remind", note="2024-05-31 12:30:00Z"), _REMIND),
)
def fit_date(turn: Turn, within: Conversation) -> Turn:
    """Write a date or a time in the form that the schema names.

    Why: models write a blank for the T and a zone by its name, and strict parsers of RFC 3339 refuse both.
    Safety: only under `format: date` or `date-time`, only another form of the same date, to the last digit: the year stands
        first, and where the parts are not padded or not parted by dashes, month and day cannot be swapped. Nothing is added.
    """
    return mend_objects(turn, within, _dated)


def _dated(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    if not isinstance(value, str) or not 8 <= len(value) <= 60:
        return value
    schemas = lookup.applying(schema, "string")
    named = {str(each["format"]) for each in schemas if "format" in each}
    wanted = next(iter(named)) if len(named) == 1 else ""
    if wanted not in _FORMS or _RIGHT[wanted].fullmatch(value) or any(not _TOLD_OTHERWISE.isdisjoint(each) for each in schemas):
        return value
    found = _FORMS[wanted].fullmatch(value.strip(_FRAME))
    return _written(found) if found and _is_certain(found) else value


def _is_certain(found: re.Match[str]) -> bool:
    """Say whether the parts are a date, and month and day could not be taken for one another."""
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    padded = found["dash"] == "-" and len(found["month"]) == len(found["day"]) == 2
    return padded or day > 12 or day == month


def _written(found: re.Match[str]) -> str:
    date = f"{found['year']}-{int(found['month']):02}-{int(found['day']):02}"
    parts = found.groupdict()
    if "time" not in parts:
        return date
    zone = parts["zone"] or ""
    if zone in ("UTC", "GMT"):
        zone = "Z"
    elif len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{date}T{parts['time']}{zone}"
