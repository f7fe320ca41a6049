"""An answer is put together as the official SDK does, and what no SDK would take is trouble of a named kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.demo.speak import Said
from proxy.doctor.wire import Server, Trouble
from tests.conftest import Proxy
from tests.fake_vllm import Answer, FakeVllm, refusing, sending

CALL = {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}


@pytest.fixture
async def server(vllm: FakeVllm) -> AsyncIterator[Server]:
    server = Server(vllm.url, "k", 5)
    yield server
    await server.close()


def body(stream: bool, **more: Any) -> dict[str, Any]:
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"model": "gemma-4-26b", "messages": [{"role": "user", "content": "go"}], **options, **more}


@pytest.mark.parametrize(
    "said", [Said("hello there"), Said("", calls=(CALL, {**CALL, "id": "call_2"})), Said("cut", finish="length")]
)
async def test_it_reads_what_the_sdk_reads(server: Server, vllm: FakeVllm, stream: bool, said: Said) -> None:
    vllm.says(said)
    answer = await server.ask(body(stream))
    seen = await Proxy(vllm.url, vllm, stream).ask()
    assert (answer.content, answer.finish, tuple(call.id for call in answer.calls)) == (seen.text, seen.finish, seen.ids)
    assert [(call.name, call.arguments) for call in answer.calls] == [("bash", '{"command": "ls"}')] * len(said.calls)
    assert (answer.prompt, answer.completion) == (seen.usage.prompt_tokens, seen.usage.completion_tokens)


TROUBLES: list[tuple[Answer, str, str]] = [
    (refusing(400, b'{"error": {"message": "too long"}}'), "refused", "HTTP 400: too long"),
    (refusing(401, b'{"error": "Unauthorized"}'), "refused", "HTTP 401: Unauthorized"),
    (refusing(502, b"<html><body>bad gateway</body></html>"), "refused", "HTTP 502: a web page"),
    (refusing(500, b""), "refused", "HTTP 500"),
    (refusing(200, b"{}"), "not-openai", "without `choices`"),
    (refusing(200, b'{"error": {"message": "engine died"}}'), "error-event", "engine died"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), TROUBLES)
async def test_trouble_has_a_kind_and_words(
    server: Server, vllm: FakeVllm, stream: bool, answer: Answer, kind: str, words: str
) -> None:
    vllm.says(answer)
    with pytest.raises(Trouble) as caught:
        await server.ask(body(stream))
    assert caught.value.kind == kind
    assert words in caught.value.words


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (sending(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', cut=True), "broke-off"),
        (sending(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'), "broke-off"),
        (sending(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"error":{"message":"no"}}\n\n'), "error-event"),
        (sending(b"data: hello\n\n"), "not-openai"),
    ],
)
async def test_a_stream_without_its_end_is_no_answer(server: Server, vllm: FakeVllm, answer: Answer, kind: str) -> None:
    vllm.says(answer)
    with pytest.raises(Trouble) as caught:
        await server.ask(body(True))
    assert caught.value.kind == kind
