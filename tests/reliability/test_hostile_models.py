"""What a model writes that is made to be slow to read, or that quotes calls of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from adapters.registry import DIALECTS
from rules.conversation import ToolCall
from tests.conftest import BASH
from tests.fake_vllm import sending
from tests.proxy.test_injection import ALOUD, PLACES, QUOTES, Transcript, transcripts
from tests.proxy.test_injection import MODELS as WRITERS
from tests.reliability.load import ask, streamed, unbounded
from tests.reliability.shared import Shared
from tests.reliability.stand import QUIET

pytestmark = pytest.mark.asyncio(loop_scope="session")

Say = Callable[[str], None]


@pytest.mark.row("H14")
async def test_a_quoted_call_is_not_made(shared: Shared, reached: Say, stream: bool) -> None:
    told = [(name, each) for name in QUOTES for each in transcripts(QUOTES, name, list(PLACES))]
    told += [(name, each) for name in ALOUD for each in transcripts(ALOUD, name, ["user", "tool result", "error", "listing"])]
    told = told[stream::2]  # each of them whole or streamed; tests/proxy/test_injection.py has all both ways
    made, again = await _play(shared, told, stream=stream)
    reached(f"{len(told)} transcripts: {len(made)} calls made, {again} questions because of them")
    assert made == []
    assert again == 0


async def _play(shared: Shared, told: Sequence[tuple[str, Transcript]], *, stream: bool) -> tuple[list[str], int]:
    made, again = [], 0
    async with unbounded() as session:
        for name, each in told:
            shared.forget()
            shared.vllm.says(each.answer)
            came = await ask(session, shared.url, model=each.model, messages=each.messages, tools=[BASH], stream=stream)
            assert (came.status, came.error) == (200, ""), name
            made += [name] if came.calls or came.finish != "stop" else []
            again += len(shared.vllm.requests) - 1
    return made, again


MB = 1_000_000
SLOW = 0.2
"""Seconds of CPU that a megabyte may cost."""

MODELS = {dialect: model for dialect, model in WRITERS.items() if model != "some-model"}
"""A dialect, and a model that writes it."""


def openers() -> dict[str, tuple[str, str]]:
    """Return what is repeated without an end, and the model that repeats it: how a call begins in each dialect, and worse."""
    call = ToolCall("", "bash", {"command": "ls"})
    begun = {f"opener of {name}": (model, DIALECTS[name].render((call,))[:12]) for name, model in MODELS.items()}
    units = {
        "quotes": '"',
        "backslashes": "\\",
        "brackets": "{[",
        "objects": '{"a":',
        "angles": "<",
        "fences": "```\n",
        "blanks": " ",
    }
    return begun | {name: ("gemma-4-26b", unit) for name, unit in units.items()}


def varied(unit: str, size: int) -> str:
    """Repeat a text, with a number behind each so that it is no plain repetition, which would be cut off at once."""
    return "".join(f"{unit}{at}" for at in range(size // (len(unit) + 6) + 1))[:size]


async def cost(shared: Shared, model: str, text: str) -> tuple[float, int]:
    """Return the CPU that toolmend spent on an answer of this text, in seconds, and the status that came of it."""
    shared.forget()
    shared.vllm.says(sending(*streamed(text)), "Fine.")
    before = (await shared.toolmend.reading()).cpu
    async with unbounded() as session:
        came = await ask(session, shared.url, model=model, stream=True, tools=[BASH])
    return (await shared.toolmend.reading()).cpu - before, came.status


async def best(shared: Shared, model: str, text: str, tries: int) -> float:
    return min([(await cost(shared, model, text))[0] for _ in range(tries)])


@pytest.mark.row("H10")
@pytest.mark.slow
async def test_a_megabyte_of_beginnings_costs_little_and_linear(shared: Shared, reached: Say) -> None:
    worst: dict[str, tuple[float, float]] = {}
    for name, (model, unit) in openers().items():
        half = await best(shared, model, varied(unit, MB // 2), 3)
        whole = await best(shared, model, varied(unit, MB), 3)
        worst[name] = (whole, whole / max(half, 0.02))
    slow = max(worst, key=lambda name: worst[name][0])
    steep = max(worst, key=lambda name: worst[name][1])
    reached(
        f"{len(worst)} texts of 1 MB: {worst[slow][0] * 1000:.0f} ms CPU at most ({slow}), {worst[steep][1]:.1f} times for twice the size"
        f" ({steep}); {sum(each[0] <= SLOW for each in worst.values())} within 200 ms"
    )
    assert [name for name, (_, ratio) in worst.items() if ratio > 2.5] == []
    assert not QUIET or [name for name, (seconds, _) in worst.items() if seconds > SLOW] == []


def called(*calls: dict[str, Any]) -> Any:
    """Answer with these parts of calls, as a server's parser sends them."""
    choices = [{"index": 0, "delta": {"tool_calls": [each]}, "finish_reason": None} for each in calls]
    events = [b"data: " + orjson.dumps({"id": "a", "created": 1, "model": "m", "choices": [each]}) + b"\n\n" for each in choices]
    end = b'data: {"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'
    return sending(*events, end)


def part(index: Any, arguments: Any = '{"command":"ls"}', name: Any = "bash", made: Any = "c") -> dict[str, Any]:
    return {"index": index, "id": made, "type": "function", "function": {"name": name, "arguments": arguments}}


CALLS: dict[str, list[dict[str, Any]]] = {
    "64,000 calls": [part(at) for at in range(64_000)],
    "index of a thousand millions": [part(10**9)],
    "index beyond 64 bits": [part(2**63)],
    "index below nothing": [part(-1)],
    "indexes that are none": [part(each) for each in ("0", None, 1.5, True, [], {})],
    "an id used again": [part(at, made="same") for at in range(8)],
    "ids that are none": [part(at, made=each) for at, each in enumerate((1, None, [], {}, ""))],
    "a name of 1 MB": [part(0, name="n" * MB)],
    "names that are none": [part(at, name=each) for at, each in enumerate((1, None, [], {}))],
    "arguments that are none": [part(at, each) for at, each in enumerate((1, None, [], {}, True))],
    "arguments of 5 MB": [part(0, '{"command":"' + "x" * 100_000)] + [part(0, "x" * 100_000)] * 50,
    "interleaved": [part(at % 4, '{"command":"' if at < 4 else "x") for at in range(4_000)],
    "a name in pieces": [part(0, "", name="b") for _ in range(10_000)],
    "backwards": [part(at) for at in range(32, 0, -1)],
    "functions that are none": [{"index": at, "function": each} for at, each in enumerate((1, "x", [], None))],
}
"""Parts of calls that no parser sends."""


@pytest.mark.row("H10")
async def test_parts_of_calls_that_no_parser_sends_are_survived(shared: Shared, reached: Say, stream: bool) -> None:
    wrong, most = [], 0.0
    for name, parts in CALLS.items():
        shared.forget()
        shared.vllm.says(called(*parts), "Fine.")
        before = (await shared.toolmend.reading()).cpu
        async with unbounded() as session:
            came = await ask(session, shared.url, stream=stream)
        most = max(most, (await shared.toolmend.reading()).cpu - before)
        told = came.status in (502, 504) or any("error" in each for each in came.events if isinstance(each, dict))
        if not (told or (came.status == 200 and came.finish)) or came.error or len(came.calls) > 64:
            wrong.append((name, came.status, came.error, came.data[-200:]))
        ids = re.findall(rb'"id":"((?:call_)[^"]+|same)"', came.data)
        assert len(ids) == len(set(ids)), name
    reached(f"{len(CALLS) - len(wrong)} of {len(CALLS)} odd calls survived, {most * 1000:.0f} ms CPU at most")
    assert wrong == []
