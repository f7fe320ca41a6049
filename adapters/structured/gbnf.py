"""Writes a relaxed schema as GBNF, the grammar language of llama.cpp, which xgrammar and llguidance read as well.

It asks more of a server than the server's own JSON schemas do: blanks are bounded, no string holds half of a character, and
llama-server keeps to a grammar where some of its templates forget a schema (llama.cpp#21537) or let a thought come first. Every
part of a schema becomes one rule that names the rules of its parts, so the grammar is as long as the schema. What it cannot say
exactly it says more widely (a bound of a number that is not whole): the full schema judges what comes. Source of the language:
grammars/README.md and src/llama-grammar.cpp of llama.cpp.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Final

from adapters.structured.digits import integers, numbers
from adapters.structured.references import begins_with_itself, resolved
from adapters.structured.relaxed import INTEGERS, MAX_DEPTH, NUMBERS, Unbuildable
from rules.conversation import Json, Schema

LEVELS: Final = 4
"""How deep a value may be of which nothing is said."""

MAX_COUNT: Final = 100
"""The most repetitions that are counted: llama.cpp writes each of them out. Beyond it an array may be as long as it likes."""

_HEX: Final = "[0-9a-fA-F]"
_FIXED: Final = {
    "ws": r"[ \t\n]{0,2}",
    "string": r'"\"" char* "\""',
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" unit)',
    "unit": (
        rf"[0-9a-cA-CefEF] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}}"
        rf' | [dD] [89abAB] {_HEX}{{2}} "\\u" [dD] [c-fC-F] {_HEX}{{2}}'
    ),
    "boolean": '"true" | "false"',
    "null": '"null"',
}
"""Rules of every grammar. Blanks are as many as in a structural tag. A character outside the basic plane is a pair of units."""

_ESCAPED: Final = re.compile(r'["\\\x00-\x1f\x7f]')


def gbnf(schema: Schema) -> str:
    """Return the grammar of a relaxed schema; its rule `root` is the whole answer.

    Raises Unbuildable for what has no grammar.
    """
    return _Writing(schema).grammar()


class _Writing:
    """Writes one grammar. A rule is named by its number; a definition's, and one that comes twice, is written once."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._rules: dict[str, str] = {"root": ""}
        self._named: dict[str, str] = {}
        self._shared: dict[str, str] = {}
        self._depth = 0

    def grammar(self) -> str:
        self._rules["root"] = self._body(dict(self._root))
        return "".join(f"{name} ::= {body}\n" for name, body in (self._rules | _FIXED).items())

    def _rule(self, body: str) -> str:
        name = f"r{len(self._rules)}"
        self._rules[name] = body
        return name

    def _once(self, body: str) -> str:
        if body not in self._shared:
            self._shared[body] = self._rule(body)
        return self._shared[body]

    def _part(self, schema: Json) -> str:
        """Return the name of the rule of a part."""
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if isinstance(reference, str):
            return self._definition(reference)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unbuildable("the schema is too deep for a grammar")
        body = self._body(schema)
        self._depth -= 1
        return body if body.isalnum() else self._once(body)

    def _definition(self, pointer: str) -> str:
        if pointer not in self._named:
            part = resolved(pointer, self._root)
            if begins_with_itself(pointer, self._root):
                raise Unbuildable(f"{pointer!r:.60} begins with itself")
            self._named[pointer] = name = self._rule("")
            self._rules[name] = self._body(part)
        return self._named[pointer]

    def _body(self, schema: Json) -> str:
        """Return what the rule of a part says."""
        if schema is False:
            raise Unbuildable("nothing is valid against a part of the schema")
        if not isinstance(schema, Mapping):
            return self._any(LEVELS)
        if "$ref" in schema:
            return self._part(schema)
        branches = schema.get("anyOf")
        if isinstance(branches, list):
            return " | ".join(self._part(each) for each in branches)
        choices = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(choices, list):
            return " | ".join(_spelled(each) for each in choices) or _nothing()
        return " | ".join(self._typed(schema, kind) for kind in _kinds(schema))

    def _typed(self, schema: Mapping[str, Json], kind: Json) -> str:
        match kind:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "integer":
                return self._once(integers(*_bounds(schema, INTEGERS)))
            case "number":
                return self._once(numbers(*_bounds(schema, NUMBERS)))
            case "string" | "boolean" | "null":
                return str(kind)
            case "any":
                return self._any(LEVELS)
            case _:
                raise Unbuildable(f"{kind!r:.60} is no type")

    def _object(self, schema: Mapping[str, Json]) -> str:
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        if isinstance(properties, Mapping):
            wanted = schema.get("required")
            return self._members(properties, wanted if isinstance(wanted, list) else ())
        if others is False:
            return '"{" ws "}"'
        return _map(self._part(others) if isinstance(others, Mapping) else self._once(self._any(LEVELS - 1)))

    def _members(self, properties: Mapping[str, Json], required: Collection[Json]) -> str:
        """Write members in the order of their declaration.

        Behind the first one that is there, each comes with its comma. So only the first is a choice: of all up to the first
        that is required.
        """
        firsts: list[str] = []
        rest = ""
        for name, schema in reversed(list(properties.items())):
            member = f'{_spelled(name)} ":" ws {self._part(schema)}'
            needed = name in required
            firsts = [f"{member} {rest}".rstrip(), *([] if needed else firsts)]
            rest = self._rule((f'"," ws {member} {rest}' if needed else f'("," ws {member})? {rest}').rstrip())
        if not firsts:
            return '"{" ws "}"'
        may_be_empty = not any(name in required for name in properties)
        return f'"{{" ws (({" | ".join(firsts)}) ws){"?" if may_be_empty else ""} "}}"'

    def _array(self, schema: Mapping[str, Json]) -> str:
        least, most = _count(schema.get("minItems")) or 0, _count(schema.get("maxItems"))
        if least > MAX_COUNT or (most is not None and most < least):
            raise Unbuildable("no array is as long as the schema wants it")
        row = schema.get("prefixItems")
        if not isinstance(row, list):
            items = schema.get("items")
            return _list(self._once(self._any(LEVELS - 1)) if items is None else self._part(items), least, most)
        parts = [self._part(each) for each in row[:most]]
        parts += [self._once(self._any(LEVELS - 1))] * (least - len(parts))
        joined = ' "," ws '.join(parts)
        return f'"[" ws {joined} ws "]"' if parts else '"[" ws "]"'

    def _any(self, levels: int) -> str:
        """Return any JSON value, at most so deep."""
        plain = f"string | {self._once(numbers(*NUMBERS))} | boolean | null"
        if not levels:
            return plain
        inner = self._once(self._any(levels - 1))
        return f"{plain} | {_map(inner)} | {_list(inner, 0, None)}"


def _map(value: str) -> str:
    member = f'string ":" ws {value}'
    return f'"{{" ws ({member} ("," ws {member})* ws)? "}}"'


def _list(item: str, least: int, most: int | None) -> str:
    if most == 0:
        return '"[" ws "]"'
    end = "" if most is None or most > MAX_COUNT else most - 1
    more = "" if most == 1 else f' ("," ws {item}){{{max(least - 1, 0)},{end}}}'
    return f'"[" ws ({item}{more} ws){"" if least else "?"} "]"'


def _spelled(value: Json) -> str:
    """Return a value's JSON text as a literal. Half a character, which cannot be sent, keeps its escape."""
    text = json.dumps(value, ensure_ascii=False)
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        text = json.dumps(value)
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if found[0] in '"\\' else f"\\x{ord(found[0]):02X}"


def _nothing() -> str:
    raise Unbuildable("a choice of nothing")


def _kinds(schema: Mapping[str, Json]) -> list[Json]:
    """Return the types of a part: declared, or told by its other keywords."""
    declared = schema.get("type")
    if declared is not None:
        kinds = declared if isinstance(declared, list) and declared else [declared]
        return [each for at, each in enumerate(kinds) if each not in kinds[:at]]  # any JSON may stand there
    if {"properties", "additionalProperties"} & schema.keys():
        return ["object"]
    return ["array"] if {"items", "prefixItems", "minItems", "maxItems"} & schema.keys() else ["any"]


def _bounds(schema: Mapping[str, Json], otherwise: tuple[float, float]) -> tuple[float, float]:
    low, high = schema.get("minimum"), schema.get("maximum")
    return _number(low, otherwise[0]), _number(high, otherwise[1])


def _number(value: Json, otherwise: float) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else otherwise


def _count(value: Json) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else None
