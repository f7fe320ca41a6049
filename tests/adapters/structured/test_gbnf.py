"""The grammar of a relaxed schema takes what is valid against it, spelled in any usual way, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.structured.gbnf import MAX_COUNT, gbnf
from adapters.structured.relaxed import Unbuildable, relaxed, relaxed_calls
from rules.conversation import ToolSpec
from tests.gbnf_matcher import Gbnf

TREE = {"type": "object", "properties": {"v": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
DEFINED = {"tree": TREE, "a/b c": {"type": "boolean"}, "loop": {"anyOf": [{"$ref": "#/$defs/loop"}, {"type": "null"}]}}

PARTS: list[tuple[Any, list[str], list[str]]] = [
    # schema of a value, texts that are taken, texts that are not
    ({"type": "string"}, ['""', '"a b"', r'"\"\\\n\u00e9\ud83d\ude00"', '"é😀"'], ['"', '"\n"', '"\\x41"', r'"\ud83d"', r'"\ude00"']),
    ({"type": "boolean"}, ["true", "false"], ["True", "1", '"true"']),
    ({"type": "null"}, ["null"], ["None", ""]),
    ({"type": "integer", "minimum": 1, "maximum": 12}, ["1", "9", "12"], ["0", "13", "1.0", '"1"', "01"]),
    ({"type": "integer"}, ["0", "-7", "9007199254740991"], ["9007199254740992", "1" * 40]),
    ({"type": "number", "minimum": 0, "maximum": 1}, ["0", "0.25", "1", "1.0", "1e-05"], ["1.1", "-1", "2", "0.", ".5"]),
    ({"enum": ["LOW", "é", 'a"b\\', 1, None, {"k": [1]}]}, ['"LOW"', '"é"', r'"a\"b\\"', "1", "null", '{"k": [1]}'], ['"low"', "2"]),
    ({"const": "a\nb"}, [r'"a\nb"'], ['"a\nb"', '"b"']),
    ({"type": ["string", "null"]}, ['"x"', "null"], ["1", "true"]),
    ({"anyOf": [{"type": "integer", "minimum": 0}, {"enum": ["all"]}]}, ["5", '"all"'], ["-1", '"some"']),
    ({"type": "array", "items": {"type": "boolean"}}, ["[]", "[ true ]", "[true,false,  true]"], ["[true", "[1]", "[true,]"]),
    ({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 2}, ["[null]", "[null, null]"], ["[]", "[null,null,null]"]),
    ({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 1}, ["[null]"], ["[]", "[null,null]"]),
    ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
    ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, ['["a", 1]'], ['["a"]', '[1, "a"]', '["a", 1, 2]']),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, ["{}", '{"a": 1, "b b": 2}'], ['{"a": "1"}', "{a: 1}", '{"a": 1,}']),
    ({"type": "object"}, ["{}", '{"a": {"b": [1, null]}}'], ["[]", '{"a"}']),
    ({"type": "object", "properties": {}}, ["{}"], ['{"a": 1}']),
    ({}, ["1", '"a"', "null", '{"a": [{"b": {}}]}', "[]"], ["", "a", "[1,]", "[[[[[[[[]]]]]]]]"]),
    ({"$ref": "#/$defs/tree"}, ["{}", '{"v": "a", "kids": [{"kids": []}, {}]}'], ['{"kids": {}}', '{"kids": [], "v": "a"}']),
    ({"$ref": "#/$defs/a~1b c"}, ["true"], ["null"]),
]  # fmt: skip


def grammar_of(schema: dict[str, Any], **limits: Any) -> Gbnf:
    return Gbnf(gbnf(relaxed(schema, **limits)))


def of(part: Any, **more: Any) -> dict[str, Any]:
    """Return a tool's schema with one required member."""
    return {"type": "object", "properties": {"it": part}, "required": ["it"], "$defs": DEFINED, **more}


@pytest.mark.parametrize(
    ("part", "taken", "refused"), PARTS, ids=lambda each: json.dumps(each)[:40] if isinstance(each, dict) else ""
)
def test_it_takes_what_is_valid_and_nothing_else(part: Any, taken: list[str], refused: list[str]) -> None:
    grammar = grammar_of(of(part))
    assert [text for text in taken if not grammar.takes(f'{{"it": {text}}}')] == []
    assert [text for text in refused if grammar.takes(f'{{"it": {text}}}')] == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PARTS), st.booleans(), st.booleans()), max_size=5), st.data())
def test_members_come_in_their_order_the_required_ones_always(drawn: list[Any], data: st.DataObject) -> None:
    properties = {f"p{place}": part for place, ((part, _, _), _, _) in enumerate(drawn)}
    required = [f"p{place}" for place, (_, needed, _) in enumerate(drawn) if needed]
    grammar = grammar_of({"type": "object", "properties": properties, "required": required, "$defs": DEFINED})
    members = [
        f'"p{place}": {data.draw(st.sampled_from(part[1]))}'
        for place, (part, needed, there) in enumerate(drawn)
        if needed or there
    ]
    assert grammar.takes("{" + ", ".join(members) + "}")
    assert grammar.takes("{\n " + ",\n ".join(members) + "\n}" if members else "{ }")
    if len(members) > 1:
        assert not grammar.takes("{" + ", ".join(reversed(members)) + "}")
        assert not grammar.takes("{" + " ".join(members) + "}")
    if required:
        assert not grammar.takes("{" + ", ".join(each for each in members if not each.startswith(f'"{required[0]}"')) + "}")
    assert not grammar.takes("{" + ", ".join([*members, '"zz": 1']) + "}")


@pytest.mark.parametrize("text", ['{   "it": 1}', '{"it":    1}', '{"it": 1\n\n\n}', ' {"it": 1}', '{"it": 1} ', '{"it" : 1}'])
def test_blanks_are_bounded(text: str) -> None:
    grammar = grammar_of(of({"type": "integer"}))
    assert grammar.takes('{"it":1}')
    assert grammar.takes('{\n "it": 1\n}')
    assert not grammar.takes(text)


def test_names_may_be_anything() -> None:
    name = 'a "b"\\\n\u007f é'
    grammar = grammar_of({"type": "object", "properties": {name: {"type": "null"}}, "required": [name]})
    assert grammar.takes(json.dumps({name: None}, ensure_ascii=False))


def test_half_a_character_can_be_sent() -> None:
    text = gbnf(relaxed(of({"enum": ["\ud800x", "é"]})))
    text.encode()
    assert Gbnf(text).takes(json.dumps({"it": "\ud800x"}))


def test_only_what_is_asked_for_is_in_it() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "required": ["a"]}
    grammar = grammar_of(schema, only=["b"])
    assert grammar.takes('{"b": null}')
    assert not grammar.takes('{"a": null, "b": null}')


def test_a_call_of_any_tool() -> None:
    tools = {
        "ls": ToolSpec("ls", "", {"type": "object", "properties": {}}),
        "cat": ToolSpec("cat", "", of({"$ref": "#/$defs/tree"})),
    }
    grammar = Gbnf(gbnf(relaxed_calls(tuple(tools.values()))))
    assert grammar.takes('{"name": "ls", "arguments": {}}')
    assert grammar.takes('{"name": "cat", "arguments": {"it": {"kids": [{}]}}}')
    assert not grammar.takes('{"name": "cat", "arguments": {}}')
    assert not grammar.takes('{"name": "rm", "arguments": {}}')


@pytest.mark.parametrize(
    "part",
    [
        {"$ref": "#/$defs/loop"},
        {"enum": []},
        {"type": "strng"},
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "array", "minItems": MAX_COUNT + 1},
        {"type": "array", "minItems": 3, "maxItems": 2},
        False,
    ],
)
def test_what_has_no_grammar_is_refused(part: Any) -> None:
    with pytest.raises(Unbuildable):
        gbnf(relaxed(of(part)))


def test_a_long_array_may_be_as_long_as_it_likes() -> None:
    grammar = grammar_of(of({"type": "array", "items": {"type": "null"}, "maxItems": MAX_COUNT + 5}))
    assert grammar.takes('{"it": [' + ", ".join(["null"] * (MAX_COUNT + 9)) + "]}")


@pytest.mark.parametrize(
    "make",
    [
        lambda size: {f"p{place}": {"type": "string"} for place in range(size)},
        lambda size: {"p": {"enum": [f"value {place}" for place in range(size)]}},
        lambda size: {"p": {"anyOf": [{"const": place} for place in range(size)]}},
        lambda size: {f"p{place}": {"type": "array", "items": {"$ref": "#/$defs/tree"}} for place in range(size)},
    ],
)
def test_a_grammar_is_as_long_as_its_schema(make: Any) -> None:
    small, large = (len(gbnf(relaxed({"type": "object", "properties": make(size), "$defs": DEFINED}, []))) for size in (100, 400))
    assert large < 4.5 * small


@pytest.mark.parametrize("wrong", [{"a": 1}, [{"a": 1}], [["string"]], 5])
def test_a_type_that_is_none_has_no_grammar(wrong: Any) -> None:
    """Anything may stand there: what cannot be put into a set breaks nothing."""
    with pytest.raises(Unbuildable):
        gbnf({"type": wrong})
