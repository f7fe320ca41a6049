"""Reading one answer: the raw text, the end token, and how an answer ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import BadRequest, UpstreamBroken
from proxy.reading import Reader, Usage


def chunk(text: str | None = None, *, finish: str | None = None, content: str | None = None, **more: Any) -> bytes:
    """Write an event: `text` is a token in the log-probabilities, `content` what the server shows."""
    logprobs = None if text is None else {"content": [{"token": "?", "logprob": 0, "bytes": list(text.encode())}]}
    delta = {} if content is None else {"content": content}
    return json.dumps({"id": "1", "choices": [{"delta": delta, "logprobs": logprobs, "finish_reason": finish, **more}]}).encode()


def usage(completion: int) -> bytes:
    return json.dumps({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": completion, "total_tokens": 5}}).encode()


def read(*events: bytes, limit: int | None = None) -> tuple[str, Reader]:
    reader = Reader("logprobs", limit)
    text = "".join(reader.take(event).raw for event in events)
    return text + reader.finish().raw, reader


def test_the_raw_text_is_the_tokens_and_not_the_content() -> None:
    text, reader = read(chunk("<|tool_call>"), chunk("call:x", content="call:x"), chunk("<turn|>", finish="stop"), b"[DONE]")
    assert (text, reader.raw) == ("<|tool_call>call:x", "<|tool_call>call:x")
    assert reader.ended
    assert reader.ending() == "stop"


def test_a_quotation_mark_at_the_very_end_is_no_end_token() -> None:
    text, reader = read(chunk('{command:<|"|>ls'), chunk('<|"|>', finish="tool_calls"), b"[DONE]")
    assert (text, reader.ended, reader.ending()) == ('{command:<|"|>ls<|"|>', False, "unsure")


def test_an_event_without_data_says_nothing() -> None:
    text, reader = read(b"", chunk("a"), b" ", b"", chunk("<turn|>", finish="stop"), b"[DONE]")
    assert (text, reader.ending(), reader.done) == ("a", "stop", True)


def test_what_looks_like_an_end_token_in_the_middle_is_text() -> None:
    text, _ = read(chunk("a"), chunk("<b>"), chunk("c"), chunk("</s>", finish="stop"))
    assert text == "a<b>c"


def test_a_token_of_no_bytes_waits_for_its_character() -> None:
    text, _ = read(chunk("a<"), chunk(""), chunk("é"), chunk("<turn|>", finish="stop"))
    assert text == "a<é"


@pytest.mark.parametrize(
    ("finish", "stop_reason", "last", "used", "limit", "ending"),
    [
        ("stop", None, "<turn|>", 3, None, "stop"),
        ("tool_calls", None, "<turn|>", 3, None, "stop"),
        ("tool_calls", None, "x", 3, None, "unsure"),
        ("tool_calls", None, "x", 3, 3, "length"),
        ("length", None, "x", 3, None, "length"),
        ("stop", "STOP", "x", 3, None, "cut"),
        ("repetition", None, "x", 3, None, "cut"),
    ],
)
def test_the_ending_is_judged_from_all_there_is(
    finish: str, stop_reason: Any, last: str, used: int, limit: int | None, ending: str
) -> None:
    _, reader = read(chunk("x"), chunk("y"), chunk(last, finish=finish, stop_reason=stop_reason), usage(used), limit=limit)
    assert reader.ending() == ending


def test_an_end_token_under_the_limit_is_text() -> None:
    text, _ = read(chunk("x"), chunk("<br>", finish="length"))
    assert text == "x<br>"


def test_a_server_without_logprobs_is_read_by_its_content() -> None:
    text, reader = read(chunk(content="Hello "), chunk(content="there."), chunk(finish="stop"))
    assert (text, reader.source) == ("Hello there.", "content")


def test_lost_blanks_and_characters_are_noticed() -> None:
    _, blanks = read(chunk("Hello", content="Hello"), chunk("there", content=" there"), chunk(finish="stop"))
    assert blanks.unspaced
    _, damaged = read(chunk("<x>"), chunk("caf\ufffd", content="café"), chunk(finish="stop"))
    assert damaged.damaged


def test_lost_characters_are_taken_from_the_content() -> None:
    text, reader = read(
        chunk("caf", content="caf"), chunk("\ufffd", content=""), chunk("\ufffd!", content="é!"), chunk(" ok", content=" ok")
    )
    assert (text, reader.source) == ("café! ok", "content")


def test_characters_may_come_byte_by_byte() -> None:
    pieces = [
        json.dumps({"choices": [{"delta": {}, "logprobs": {"content": [{"bytes": [byte]}]}}]}).encode() for byte in "é😀".encode()
    ]
    text, _ = read(*pieces)
    assert text == "é😀"


def test_chunks_without_logprobs_are_read_by_their_content() -> None:
    text, _ = read(chunk("Hi ", content="Hi "), chunk(content="there"), chunk(finish="stop"))
    assert text == "Hi there"


def test_errors_are_raised_with_what_the_server_said() -> None:
    error = b'{"error": {"message": "too long", "type": "BadRequestError", "code": 400}}'
    with pytest.raises(BadRequest, match="too long"):
        read(error)
    with pytest.raises(UpstreamBroken, match="too long"):
        read(chunk("a"), error)
    for nonsense in (b"{", b"[]", b"1"):
        with pytest.raises(UpstreamBroken):
            read(nonsense)


@pytest.mark.parametrize(
    "event",
    [
        {"choices": None}, {"choices": [1]}, {"choices": [{"delta": None}]}, {"choices": [{"delta": {"content": 5, "tool_calls": [1, {}]}}]},
        {"choices": [{"delta": {}, "logprobs": {"content": [None, {"bytes": [999, "x"]}, {"token": 3}]}}]}, {"usage": {"prompt_tokens": "x"}},
        {"choices": [{"delta": {"tool_calls": 3, "reasoning": 7}, "logprobs": "x"}]}, {"choices": [{"delta": "x"}]},
    ],
)  # fmt: skip
def test_odd_events_break_nothing(event: dict[str, Any]) -> None:
    read(json.dumps(event).encode())


def test_usage_adds_up() -> None:
    total = Usage(10, 5).plus(Usage(20, 7, {"x": 1}))
    assert total.wire() == {"x": 1, "prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42}
