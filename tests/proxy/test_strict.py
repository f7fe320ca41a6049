"""A demanded call is held to its schema by `strict`, where the profile says so; a server or model that does not bear it is let off."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.demo.speak import Said
from tests.conftest import BASH, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing

QWEN = "qwen3.5-9b"
CALL = "<tool_call>\n<function=bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>"
RIGHT = ("bash", {"command": "ls"})
NONE: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def strict(body: dict[str, Any]) -> list[Any]:
    return [tool["function"].get("strict") for tool in body["tools"]]


@pytest.mark.parametrize(
    ("model", "choice", "wanted"),
    [
        (QWEN, "required", [True, None]),
        (QWEN, {"type": "function", "function": {"name": "bash"}}, [True, None]),
        (QWEN, "auto", [None, None]),
        ("gemma-4-26b", "required", [None, None]),
    ],
)
async def test_it_is_put_where_a_call_is_demanded(proxy: Proxy, model: str, choice: Any, wanted: list[Any]) -> None:
    proxy.vllm.says(CALL)
    assert (await proxy.ask(model=model, tools=[BASH, NONE], tool_choice=choice)).calls == [RIGHT]
    assert strict(proxy.vllm.requests[0]) == wanted


async def test_always_means_always(vllm: FakeVllm, start: Start, stream: bool) -> None:
    profile = [{"name": "qwen3.5", "strict": "always"}]
    proxy = Proxy(await start(upstream=vllm.url, profile=profile), vllm, stream)
    vllm.says(CALL)
    assert (await proxy.ask(model=QWEN, tools=[BASH])).calls == [RIGHT]
    assert strict(vllm.requests[0]) == [True]


@pytest.mark.parametrize(("status", "words"), [(400, "Invalid strict schema"), (500, "EngineCore encountered an issue")])
async def test_a_server_that_makes_an_error_of_it_is_not_asked_so_again(proxy: Proxy, status: int, words: str) -> None:
    proxy.vllm.says(refusing(status, b'{"error": {"message": "%s"}}' % words.encode()), CALL)
    for _ in range(2):
        assert (await proxy.ask(model=QWEN, tools=[BASH], tool_choice="required")).calls == [RIGHT]
    assert [strict(body) for body in proxy.vllm.requests] == [[True], [None], [None]]


async def test_a_model_that_finds_no_end_under_it_is_let_off(proxy: Proxy) -> None:
    endless = Said("<tool_call>\n<function=bash>\n<parameter=command>\nls\n" + " \n" * 3000, finish="length")
    proxy.vllm.says(endless, CALL)
    for _ in range(2):
        assert (await proxy.ask(model=QWEN, tools=[BASH], tool_choice="required")).calls == [RIGHT]
    assert [strict(body) for body in proxy.vllm.requests] == [[True], [None], [None]]


async def test_what_the_server_does_not_parse_is_not_made_strict(proxy: Proxy) -> None:
    refusal = b'{"error": {"message": "tool_choice=\\"required\\" requires --tool-call-parser to be set"}}'
    proxy.vllm.says(refusing(400, refusal), CALL)
    assert (await proxy.ask(model=QWEN, tools=[BASH], tool_choice="required")).calls == [RIGHT]
    assert [strict(body) for body in proxy.vllm.requests] == [[True], [None]]
    assert proxy.vllm.requests[1]["tool_choice"] == "none"
