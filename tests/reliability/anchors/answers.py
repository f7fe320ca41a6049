"""Answers in which there is nothing to mend, and much that a careless reader changes. Not one was recorded from a trained model.

An empty answer, and one that only repeats itself, are not among them: toolmend asks again, or ends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MESSAGE = '{"role":"assistant","content":"It is done."}'
DELTA = '{"role":"assistant","content":"It is done."}'
USAGE = '{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'
ARGUMENTS = r"{\"command\": \"ls -la\", \"timeout\": 30}"


@dataclass(frozen=True)
class Odd:
    """An answer. `data`: its body, or all events of a stream."""

    name: str
    stream: bool
    data: bytes


def call(arguments: str, *, index: str = "") -> str:
    """Write the calls of a message."""
    function = f'{{"name":"bash","arguments":"{arguments}"}}'
    return f'[{{{index}"id":"call-1","type":"function","function":{function}}}]'


def members() -> Iterator[tuple[str, str]]:
    """Yield members that stand beside the usual ones, at the top."""
    yield "a number beyond 64 bit", '"big":123456789012345678901234567890'
    yield (
        "2 to the 63rd and its like",
        '"big":[9223372036854775807,9223372036854775808,18446744073709551616,-9223372036854775809]',
    )
    yield "1e400", '"far":1e400'
    yield "1e-400", '"near":1e-400'
    yield "minus zero", '"zero":[-0,-0.0,0.0,0e0]'
    yield "exponents", '"numbers":[1E5,1e+5,1.50,100e-2]'
    yield "many digits", '"digits":0.1000000000000000055511151231257827021181583404541015625'
    yield "escapes", r'"text":"\u00e9\/\ud83d\ude00\u0041\b\f"'
    yield "half a character", r'"text":"\ud800"'
    yield "U+2028 and DEL", '"text":"\u2028\u2029\u007f"'
    yield "NUL, escaped", r'"text":"\u0000"'
    yield "unknown members", '"kv_transfer_params":null,"x_ours":{"b":1,"a":[true,false,null]}'
    yield "members that are there twice", '"twice":1,"twice":2'
    yield "members that are empty", '"":"","empty":{},"none":[]'
    yield "whitespace", '  "spaced" :\t[ 1 ,\n 2 ]  '
    yield "40 levels", '"deep":' + "[" * 40 + "]" * 40
    yield "a name with escapes", r'"n\u0061me":1'
    yield "vLLM's own", '"service_tier":null,"system_fingerprint":null,"prompt_logprobs":null,"prompt_token_ids":null'


def contents() -> Iterator[tuple[str, str, str]]:
    """Yield messages, as a message has them and as a delta does."""
    for name, text in (
        ("text with escapes", r"caf\u00e9 \/ \ud83d\ude00 \t\"quoted\""),
        ("text in raw UTF-8", "café 😀 日本語 \u2028"),
        ("a text of 100,000 characters", "".join(f"word {at}, " for at in range(8_000))),
        ("a text that looks like an event", r"data: [DONE]\n\ndata: {}"),
    ):
        message = f'{{"role":"assistant","content":"{text}"}}'
        yield name, message, message
    yield (
        "unknown members of a message",
        *['{"role":"assistant","content":"a","refusal":null,"annotations":null,"audio":null,"x":1e400}'] * 2,
    )
    yield "members in another order", *['{"content":"It is done.","role":"assistant"}'] * 2
    for name, arguments in (
        ("a call", ARGUMENTS),
        ("a call with spaces and order of its own", r"{ \"timeout\" : 30,\n  \"command\":\"ls\" }"),
        ("a call with escapes in its text", r"{\"command\": \"echo \\u00e9 \\\\ \\/ \\\"a\\\"\"}"),
        ("a call with an emoji", r"{\"command\": \"echo 😀 \ud83d\ude00\"}"),
    ):
        yield (
            name,
            f'{{"role":"assistant","content":null,"tool_calls":{call(arguments)}}}',
            f'{{"role":"assistant","content":null,"tool_calls":{call(arguments, index=_INDEX)}}}',
        )


_INDEX = '"index":0,'


def finish(message: str) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def whole(message: str = MESSAGE, member: str = "") -> bytes:
    """Write a whole answer."""
    more = f",{member}" if member else ""
    choice = f'{{"index":0,"message":{message},"logprobs":null,"finish_reason":"{finish(message)}","stop_reason":null}}'
    head = '{"id":"chatcmpl-sim","object":"chat.completion","created":1700000000,"model":"gemma-4-26b"'
    return f'{head},"choices":[{choice}],"usage":{USAGE}{more}}}'.encode()


def stream(delta: str = DELTA, member: str = "") -> list[str]:
    """Write the events of a stream, without `data: `."""
    more = f",{member}" if member else ""
    head = '{"id":"chatcmpl-sim","object":"chat.completion.chunk","created":1700000000,"model":"gemma-4-26b"'
    end = f'{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"{finish(delta)}","stop_reason":null}}'
    return [
        f'{head},"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}]{more}}}',
        f'{head},"choices":[{end}]}}',
        f'{head},"choices":[],"usage":{USAGE}}}',
        "[DONE]",
    ]


def lines(events: list[str], before: str = "data: ", end: str = "\n\n") -> bytes:
    return "".join(f"{before}{each}{end}" for each in events).encode()


def odd() -> Iterator[Odd]:
    """Yield all of them."""
    for name, member in members():
        yield Odd(name, False, whole(member=member))
        yield Odd(name, True, lines(stream(member=member.replace("\n", " "))))
    for name, message, delta in contents():
        yield Odd(name, False, whole(message))
        yield Odd(name, True, lines(stream(delta)))
    yield Odd("whitespace around", False, b"\n  " + whole() + b"\r\n\n")
    yield Odd("indented", False, whole().replace(b",", b",\n    ").replace(b":", b" : "))
    yield Odd("no space behind data:", True, lines(stream(), "data:"))
    yield Odd("CRLF", True, lines(stream(), end="\r\n\r\n"))
    yield Odd("comments", True, b": hello\n\n" + lines(stream(), ": word\ndata: "))
    yield Odd("event and id", True, lines(stream(), "event: message\nid: 7\ndata: "))
    yield Odd("three empty lines between", True, lines(stream(), end="\n\n\n\n"))


ODD = tuple(odd())
