"""Request bodies: forwarded member by member, to the byte."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.body import read_body
from proxy.errors import BadRequest
from proxy.plan import make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, Settings

BODY = b'{ "model":"m", "messages":[ {"role":"user","content":"h\\u00e9"} ], "n" : 1e400, "big":123456789012345678901234, "x":[1.10,-0]}'


def test_members_that_nobody_sets_keep_their_bytes() -> None:
    written = read_body(BODY.replace(b"1e400", b"1"), Limits()).having({"stream": True}, frozenset({"n"}))
    assert b'"messages":[ {"role":"user","content":"h\\u00e9"} ]' in written
    assert b'"big":123456789012345678901234' in written
    assert b'"x":[1.10,-0]' in written
    assert b'"stream":true' in written
    assert "n" not in json.loads(written)


def test_what_is_set_comes_once() -> None:
    written = read_body(b'{"messages":[],"stream":false}', Limits()).having({"stream": True})
    assert written.count(b'"stream"') == 1


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=3)),
    )
)
def test_any_body_means_the_same_afterwards(fields: dict[str, object]) -> None:
    fields = {**fields, "messages": []}
    body = read_body(json.dumps(fields).encode(), Limits())
    assert json.loads(body.having({})) == fields


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not valid JSON"),
        (b"[]", "JSON"),
        (b"{}", "messages"),
        (b'{"messages": [1]}', "messages"),
        (b'{"messages": [], "tools": {}}', "tools"),
        (b'{"messages": [], "model": "' + b"m" * 5_000 + b'"}', "4096 bytes"),
        (orjson.dumps({"messages": [], **{str(at): 1 for at in range(1_000)}}), "1000 members"),
        (b'{"messages": [' + b"{}," * 4_096 + b"{}]}", "4096 messages"),
        (b'{"messages": [], "n": 1000000}', "at most"),
        (b'{"messages": [], "tools": [' + b"{}," * 300 + b"{}]}", "256 tools"),
        (b'{"messages": [], "tools": ["' + b"x" * 2_000_000 + b'"]}', "bytes"),
        (b'{"messages": [], "x": ' + b"[" * 100 + b"]" * 100 + b"}", "deeper than 100"),
        (b'{"messages": [' + b"[" * 2000 + b"]" * 2000 + b"]}", "not valid JSON"),
        (orjson.dumps({"messages": [], "x": [0] * 600_000}), "structural_bytes"),
    ],
)
def test_bad_bodies_are_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        read_body(raw, Limits())


@pytest.mark.parametrize("model", ["gemma-4-26b", "mistral", "deepseek-r1", "gpt-oss"])
@pytest.mark.parametrize(
    ("opener", "closer"), [("[", "]"), ('{"items":', "}"), ('{"properties":{"a":', "}}"), ('{"anyOf":[', "]}")]
)
def test_a_body_as_deep_as_it_may_be_can_be_written_anew(model: str, opener: str, closer: str) -> None:
    """Rewriting takes frames and orjson writes 254 levels: what was let in must not fail there."""
    times = 90 // len([each for each in opener if each in "[{"])
    deep = json.loads(opener * times + "1" + closer * times)
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": deep}}}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": deep}}}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "user", "content": [deep]},
    ]
    fields = {"model": model, "messages": messages, "tools": [tool], "tool_choice": "required"}
    plan = make_plan(read_body(json.dumps(fields).encode(), Limits()), Settings(upstream="http://x"), load(()))
    for each in (plan, plan.in_text()):
        assert json.loads(upstream_body(each, frozenset(), Question()))["messages"]
