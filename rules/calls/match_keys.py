"""Keys of arguments spelled in other letters than they were declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.base import Example, asks, asks_with, declaring, rule
from rules.conversation import Conversation, Json, Schema, ToolSpec, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_objects
from rules.object_keys import ObjectKeys, keys_of, renamed, same_value, unrivalled
from rules.samples import TEXT, TOOLS, tool
from rules.spelling import squeezed

_ALIKE: Final = declaring(tool("plot", {"size": TEXT, "SIZE": TEXT}))
_OPEN: Final = declaring(ToolSpec("tag", "", {"properties": {"name": TEXT, "note": TEXT}, "additionalProperties": True}))
_VIEW: Final = asks("str_replace_editor", command="view", path="/a", view_range=[1, 5])
_DASHED: Final = asks_with("str_replace_editor", {"command": "view", "path": "/a", "view-range": [1, 5]})
_WAIT: Final = asks("wait", seconds=1)
_TODO: Final = asks("set_todos", todos=[{"title": "tea"}])


@rule(
    "schema",
    Example("camel case", asks("str_replace_editor", command="view", path="/a", viewRange=[1, 5]), _VIEW, TOOLS),
    Example("dashes", _DASHED, _VIEW, TOOLS),
    Example("in an object of a list", asks("set_todos", todos=[{"Title": "tea"}]), _TODO, TOOLS),
    Example("given twice, alike", asks("wait", seconds=1, Seconds=1), _WAIT, TOOLS),
    Example("given twice, and which is meant?", asks("wait", seconds=1, Seconds=2), asks("wait", seconds=1, Seconds=2), TOOLS),
    Example("one of two", asks("plot", Size="s"), asks("plot", Size="s"), _ALIKE),
    Example("where any key may be meant", asks("tag", Note="x"), asks("tag", Note="x"), _OPEN),
    Example("another word", asks("wait", minutes=1), asks("wait", minutes=1), TOOLS),
)
def match_keys(turn: Turn, within: Conversation) -> Turn:
    """Spell a key as the schema does.

    Why: models write `viewRange` for `view_range`; clients refuse it, or run the tool without it.
    Safety: the key is not declared, case, dashes, underscores, dots and blanks aside it is exactly one property, and that one is
        not given, or given with the same value. Where other keys are allowed in so many words, only a property that the
        schema requires and misses.
    """
    return mend_objects(turn, within, _matched)


def _matched(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    keys = keys_of(value, schema, lookup) if isinstance(value, dict) else ObjectKeys()
    if not isinstance(value, dict) or not keys.strange:
        return value
    meant = {key: name for key in keys.strange if (name := _same(key, lookup.spelled(schema)))}
    wanted = keys.needed if keys.other == "yes" else keys.missing
    names = {key: name for key, name in unrivalled(meant).items() if name in wanted}
    spare = {key for key, name in meant.items() if keys.other == "no" and name in value and same_value(value[key], value[name])}
    if not names and not spare:
        return value
    return renamed({key: each for key, each in value.items() if key not in spare}, names)


def _same(key: str, spelled: Mapping[str, tuple[str, ...]]) -> str:
    """Return the one property that a key is, in other letters."""
    bare = squeezed(key)
    same = spelled.get(bare, ()) if bare else ()
    return same[0] if len(same) == 1 else ""
