"""JSON that Python reads and orjson does not: an answer with such a thing in it is an answer all the same."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.demo.speak import Said, events
from proxy.wide_json import read_json
from tests.conftest import BASH, Proxy
from tests.fake_vllm import sending

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": 1e400, "b": 5}', {"a": None, "b": 5}),
        (b"[-1e400, NaN, Infinity, 1e400, 1.5]", [None, None, None, None, 1.5]),
        (b'["\\ud800", "\\ud83d\\ude00", "a\\udfffb"]', ["\ufffd", "\U0001f600", "a\ufffdb"]),
        (b'["\\ud800", 123456789012345678901234567890, 18446744073709551615]', ["\ufffd", 1.2345678901234568e29, 2**64 - 1]),
    ],
)
def test_what_orjson_refuses_is_read(text: bytes, value: Any) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)
    assert read_json(text) == value


@given(VALUES)
def test_what_is_read_can_be_written(value: Any) -> None:
    orjson.dumps(read_json(json.dumps(value).encode()))


@pytest.mark.parametrize("text", [b"", b"{", b"[1e400", b'{"a":1}}', b"\xff", b"[" * 100_000, b"[" + b"9" * 5_000 + b", 1e400"])
def test_what_is_no_json_is_refused_as_ever(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        read_json(text)


@pytest.mark.parametrize("member", [b'"far":1e400', b'"half":"\\ud800"', b'"none":NaN'])
async def test_an_answer_with_an_odd_member_is_served(proxy: Proxy, member: bytes) -> None:
    said = events(Said("It is done."), {"model": "gemma-4-26b", "logprobs": True, "stream_options": {"include_usage": True}})
    proxy.vllm.says(sending(*(event.replace(b"data: {", b"data: {" + member + b",") for event in said)))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.finish) == ("It is done.", "stop")


async def test_half_a_character_in_the_text_is_told_as_one_that_was_lost(proxy: Proxy) -> None:
    said = events(Said("It is done."), {"model": "gemma-4-26b", "logprobs": False})
    proxy.vllm.says(sending(*(event.replace(b"s do", b"s \\ud800do") for event in said)))
    assert (await proxy.ask(tools=[BASH])).text == "It is \ufffddone."
