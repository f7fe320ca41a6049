"""What a model writes that is made to be slow to read, or that quotes calls of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.conftest import BASH
from tests.proxy.test_injection import ALOUD, PLACES, QUOTES, Transcript, transcripts
from tests.reliability.load import ask, unbounded
from tests.reliability.shared import Shared

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
