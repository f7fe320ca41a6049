"""D1 to D4: what is right passes as it is, each call once, and to whom it belongs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from proxy.demo.speak import Said, events, whole
from tests.conftest import BASH, MODEL
from tests.fake_vllm import Answer, FakeVllm
from tests.reliability.injector import Faults, injecting
from tests.reliability.load import Came, ask
from tests.reliability.stand import Toolmend

CHAT = "/v1/chat/completions"
ODD = [
    "123456789012345678901234567890", "1e400", "-0", "-0.0", "1E+2", "0.10", "1.0", "9007199254740993", "true", "null",
    '"\\u0041\\/\\ud83d\\ude00"', '"\\ud800"', '"é\\u00e9"', '"\\b\\f"', "[]", "{}", "[ 1 , 2 ]", '{"b":1,"a":2,"b":3}', '"[DONE]"', '"data: x"',
]  # fmt: skip
"""JSON that another writer would write otherwise."""

REFUSED = ("1e400", '"\\ud800"', '{"b":1,"a":2,"b":3}')
"""A number beyond every float and half a character make a request, and arguments, no JSON; a member twice makes arguments ambiguous."""
PLAIN = [each for each in ODD if each not in REFUSED]


def odd_object(chance: random.Random, names: int = 6, values: Sequence[str] = ODD) -> str:
    """Write an object as no library writes it: with blanks, in any order, with members that nobody knows."""
    members = [
        f'"{chance.choice("zyxab")}{at}"{chance.choice(("", " "))}:{chance.choice(("", "  "))}{chance.choice(values)}'
        for at in range(names)
    ]
    return "{" + chance.choice((",", " , ", ",\n" if names < 3 else ",")).join(members) + "}"


def odd_answer(chance: random.Random, stream: bool) -> bytes:
    """Write an answer, whole or as events, which ends rightly."""
    delta = json.dumps("".join(chance.choice("aé\u2028😀 \\\n") for _ in range(20)), ensure_ascii=chance.random() < 0.5)
    if not stream:
        return f'{{ "x": {odd_object(chance)}, "choices":[{{"index":0,"message":{{"role":"assistant","content":{delta}}},"finish_reason":"stop"}}] }}'.encode()
    end = chance.choice(("\n", "\r\n"))
    lines = []
    for at in range(chance.randrange(1, 12)):
        lines.append(chance.choice(("", f": a comment{end}{end}", f"id: {at}{end}")))
        lines.append(
            f'data: {{"x":{odd_object(chance)},"choices":[{{"index":0,"delta":{{"content":{delta}}},"finish_reason":null}}]}}{end}{end}'
        )
    lines.append(f'data: {{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}{end}{end}data: [DONE]{end}{end}')
    return "".join(lines).encode()


def giving(answers: dict[str, bytes], chance: random.Random) -> Answer:
    """Give the answer that the request's header asks for, in pieces of any size."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        data = answers[request.headers["x-request-id"]]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream" if data[:1] != b"{" else "application/json"})
        await response.prepare(request)
        while data:
            size = chance.choice((1, 7, 100, 5_000))
            await response.write(data[:size])
            data = data[size:]
        return response

    return answer


@pytest.mark.row("D1")
async def test_what_needs_nothing_passes_byte_for_byte(
    served: Toolmend, vllm: FakeVllm, session: aiohttp.ClientSession, stream: bool, reached: Callable[[str], None]
) -> None:
    """Chat without tools, in mode `off` and observed, and another route; the request as well as its answer."""
    chance = random.Random(1)
    answers = {f"a{at}": odd_answer(chance, stream) for at in range(100)}
    vllm.says(giving(answers, chance))
    different, sent = [], []
    for at, (name, right) in enumerate(answers.items()):
        tools = f',"tools":{json.dumps([BASH])}' if at % 3 else ""
        member = f'"stream":{"true" if stream else "false"}, "messages" : [{{"role":"user","content":"go"}}],"model":"{MODEL}"'
        body = f'{{"y":{odd_object(chance, 6, PLAIN)},{member}{tools}}}'.encode()
        headers = {"Content-Type": "application/json", "x-request-id": name} | [
            {},
            {"x-toolmend-mode": "off"},
            {"x-toolmend-mode": "observe"},
        ][at % 3]
        async with session.post(served.url + CHAT, data=body, headers=headers) as answer:
            came = await answer.read()
            assert answer.status == 200, came
        sent.append(body)
        if hashlib.sha256(came).digest() != hashlib.sha256(right).digest():
            different.append(name)
        async with session.post(f"{served.url}/v1/embeddings", data=body, headers=headers) as answer:
            if await answer.read() != body:
                different.append(f"{name}, another route")
        sent.append(body)
    assert different == []
    assert vllm.bodies == sent
    reached(f"{len(different)} of {2 * len(answers)} answers differ ({'stream' if stream else 'whole'})")


@pytest.mark.row("D1")
async def test_arguments_that_are_right_are_not_written_anew(
    served: Toolmend, vllm: FakeVllm, session: aiohttp.ClientSession, stream: bool, reached: Callable[[str], None]
) -> None:
    """A call that the server parsed itself, with arguments that no rule has to touch, under a schema that lets all of them pass."""
    chance = random.Random(2)
    tool = {"type": "function", "function": {"name": "any", "parameters": {"type": "object"}}}
    different = []
    for _ in range(100):
        arguments = odd_object(chance, chance.randrange(1, 9), PLAIN)
        call = {"id": f"call-{chance.random()}", "type": "function", "function": {"name": "any", "arguments": arguments}}
        vllm.says(Said(calls=[call]))
        came = await ask(session, served.url, stream=stream, tools=[tool])
        if came.calls != {0: {"name": "any", "arguments": arguments}}:
            different.append((arguments, came.calls, came.data[-300:]))
    assert different == []
    reached(f"{len(different)} of 100 arguments differ ({'stream' if stream else 'whole'})")


def turn(chance: random.Random, number: int) -> tuple[Said, list[dict[str, str]]]:
    """Make a turn of 0 to 8 calls, as the model's text or as the server's own calls; return what is in it as well."""
    commands = [f"echo {number}-{at} " + "x" * chance.randrange(40) for at in range(chance.randrange(9))]
    expected = [{"name": "bash", "arguments": json.dumps({"command": each})} for each in commands]
    if chance.random() < 0.5:
        text = "".join(f'<|tool_call>call:bash{{command:<|"|>{each}<|"|>}}<tool_call|>' for each in commands)
        return Said(chance.choice(("", "So: ")) + (text or "nothing to do")), expected
    calls = [{"id": f"c{number}-{at}", "type": "function", "function": each} for at, each in enumerate(expected)]
    return (Said(calls=calls) if calls else Said("nothing")), expected


async def turns(
    begin: Any, vllm: FakeVllm, session: aiohttp.ClientSession, stream: bool, count: int
) -> tuple[int, int, list[Any]]:
    """Play turns over a wire that slices, and that breaks in one of five; return whole ones, told errors, and what is wrong."""
    chance, whole_turns, told, wrong = random.Random(3), 0, 0, []
    vllm.says("warm")
    async with injecting(vllm.url) as wire, begin(wire.url, live=lambda: vllm.live) as made:
        for number in range(count):
            said, expected = turn(chance, number)
            vllm.says(said)
            breaks = chance.random() < 0.2
            if breaks or wire.down.cut is not None:  # a cut is counted from where a connection begins
                await wire.drop()
                cut = chance.randrange(300, 3_000) if breaks else None
                wire.down = Faults(slice=chance.choice((7, 61, 997)), cut=cut, reset=chance.random() < 0.5)
                await wire.listen()
                await asyncio.sleep(0.02)
            came = await ask(session, made.url, stream=stream)
            got = [came.calls[at] for at in sorted(came.calls)] if came.data else []
            said_error = came.status != 200 or came.error or any("error" in each for each in came.events)
            if said_error and breaks:
                told += 1
                if came.finish is not None or came.done or not in_order(got, expected):
                    wrong.append((number, "broken", got))
            elif said_error or same(got, expected) is False or not once(came):
                wrong.append((number, came.status, came.error, expected, got))
            else:
                whole_turns += 1
        wire.down = Faults()
    return whole_turns, told, wrong


def same(got: list[dict[str, str]], expected: list[dict[str, str]]) -> bool:
    return [(each["name"], json.loads(each["arguments"] or "null")) for each in got] == [
        (each["name"], json.loads(each["arguments"])) for each in expected
    ]


def in_order(got: list[dict[str, str]], expected: list[dict[str, str]]) -> bool:
    """Tell whether nothing came but the first calls, each whole."""
    return same(got, expected[: len(got)])


def once(came: Came) -> bool:
    """Tell whether every call has an id of its own, told once, and indexes count up."""
    found = [
        (call.get("index", at), call["id"])
        for choice in came._choices()
        for at, call in enumerate((choice.get("delta") or choice.get("message") or {}).get("tool_calls") or [])
        if call.get("id")
    ]
    return [at for at, _ in found] == list(range(len(came.calls))) and len({name for _, name in found}) == len(found)


@pytest.mark.row("D2")
@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_each_call_comes_once(
    begin: Any, vllm: FakeVllm, session: aiohttp.ClientSession, stream: bool, count: int, reached: Callable[[str], None]
) -> None:
    whole_turns, told, wrong = await turns(begin, vllm, session, stream, count)
    assert wrong == []
    assert whole_turns > 0.5 * count
    assert told > 0
    reached(f"{whole_turns} turns whole, {told} told as broken, {len(wrong)} wrong ({'stream' if stream else 'whole'})")


@pytest.mark.row("D4")
async def test_nobody_sees_what_is_another_clients(
    served: Toolmend, vllm: FakeVllm, session: aiohttp.ClientSession, stream: bool, reached: Callable[[str], None]
) -> None:
    """100 clients, 20 at once; the model server answers with what it was asked, sets cookies, and looks at what comes with a question."""
    names = [f"canary-{at:03}-{at * 7919:06}" for at in range(100)]
    mixed: list[str] = []

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        name = body["messages"][0]["content"]
        seen = orjson.dumps(body).decode() + str(dict(request.headers))
        mixed.extend(each for each in names if each in seen and each != name)
        response: web.StreamResponse = web.json_response(whole(Said(f"you said {name}"), body))
        if body.get("stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.set_cookie("session", name)
        if body.get("stream"):
            await response.prepare(request)
            for event in events(Said(f"you said {name}"), body):
                await response.write(event)
                await asyncio.sleep(0)
        return response

    vllm.says(answer)
    room = asyncio.Semaphore(20)

    async def client(name: str) -> tuple[str, Came]:
        async with room:
            return name, await ask(session, served.url, stream=stream, messages=[{"role": "user", "content": name}], user=name)

    for name, came in await asyncio.gather(*map(client, names)):
        assert (came.status, came.text) == (200, f"you said {name}")
        mixed.extend(each for each in names if each != name and each in came.data.decode() + str(came.headers))
        assert "set-cookie" not in came.headers
    assert mixed == []
    assert not [name for name in names if name in (served.folder / "stdout").read_text()]
    reached(f"{len(mixed)} of {len(names)} seen elsewhere ({'stream' if stream else 'whole'})")
