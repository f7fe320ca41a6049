"""Keys of arguments with a slip of the pen in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_objects
from rules.object_keys import ObjectKeys, keys_of, may_be, nearest, renamed, unrivalled
from rules.samples import TEXT, TOOLS, tool

_REPLACE: Final = tool("str_replace", {"path": TEXT, "old_str": TEXT, "new_str": TEXT}, "path", "old_str")
_PAGES: Final = tool("print", {"file": TEXT, "pages": {"type": "integer"}}, "file")
_BOX: Final = tool("box", {"left_side": {"type": "integer"}, "left_size": {"type": "integer"}})
_WITHIN: Final = declaring(_REPLACE, _PAGES, _BOX)
_DELETES: Final = asks("str_replace", path="/a", old_str="x", new_string="y")
_SWAPS: Final = asks("str_replace", path="/a", old_str="x", now_str="y")


@rule(
    "guess",
    Example("a letter is missing", asks("execute_bash", comand="ls"), asks("execute_bash", command="ls"), TOOLS),
    Example(
        "where other keys may be meant",
        asks("set_todos", todos=[{"titel": "x"}]),
        asks("set_todos", todos=[{"titel": "x"}]),
        TOOLS,
    ),
    Example("a singular that only that can be meant by", asks("wait", second=1), asks("wait", seconds=1), TOOLS),
    Example("another word, without which the text is deleted", _DELETES, _DELETES, _WITHIN),
    Example("a short word", _SWAPS, _SWAPS, _WITHIN),
    Example("two near names", asks("box", left_siee=1), asks("box", left_siee=1), _WITHIN),
    Example("a singular beside an option", asks("print", file="/a", page=2), asks("print", file="/a", page=2), _WITHIN),
    Example("a value that does not fit", asks("wait", secnods="long"), asks("wait", secnods="long"), TOOLS),
    Example("both given", asks("wait", seconds=1, secnods=2), asks("wait", seconds=1, secnods=2), TOOLS),
)
def guess_keys(turn: Turn, within: Conversation) -> Turn:
    """Take a key that nobody declared for the one property that it is a slip of.

    Why: small models drop or swap letters of long names, and the client refuses a call that is otherwise right.
    Safety: dropped or swapped, an argument changes what a tool does: `str_replace` without its new text deletes. So a key is
        renamed, never dropped, and only if all of this holds. The schema declares no such key and allows no others; exactly one
        property that is not given is one slip away (two in words of eight letters and more), and no other property, given
        or not, is nearly as near. The slip is within a word of four letters and more, changes no digit, and leaves no word
        that names are made of: `min` is no slip of `max`, nor `data` of `date`, nor `new_string` of `new_str`. A singular
        for a plural is taken only for a property that the schema requires and misses. The value fits the property.
    """
    guesses = Guesses()
    mended = mend_objects(turn, within, guesses)
    return turn if guesses.left < 0 else mended


@dataclass(slots=True)
class Guesses:
    """Mends the keys of objects. Where more than so many have keys that nobody declared, those are no slips."""

    left: int = 50

    def __call__(self, value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
        """Rename the keys of one object."""
        keys = keys_of(value, schema, lookup) if isinstance(value, dict) else ObjectKeys()
        if not isinstance(value, dict) or not keys.strange or self.left < 0:
            return value
        self.left -= 1
        meant = unrivalled({key: name for key in keys.strange if (name := nearest(key, keys))})
        names = {key: name for key, name in meant.items() if may_be(value[key], lookup.member(schema, name), lookup)}
        return renamed(value, names) if names else value
