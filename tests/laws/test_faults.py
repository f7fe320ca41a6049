"""Every class of fault, for every client: what helps is delivered, what cannot be helped harms nobody, and it is written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Client
from adapters.models.gemma4 import GEMMA4
from adapters.registry import CLIENTS
from proxy.demo.speak import Said
from rules.base import Rule
from rules.conversation import Conversation, Json, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.clients.judges import JUDGES
from tests.adapters.clients.prompts import REQUESTS
from tests.conftest import Start
from tests.fake_vllm import Answer, FakeVllm, refusing
from tests.proxy.client_requests import PATHS, ask
from tests.proxy.replaying import drift_of
from tests.proxy.test_exchange import written

MENDED = [each for each in CLIENTS if each.name != "passthrough"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong, the class it is written down under, and how it ends where it stays so."""

    says: Callable[[ToolCall], Answer | str]
    kind: str
    runs: bool = False
    status: int = 200


def gemma(call: ToolCall) -> str:
    return f"I go on.\n{GEMMA4.render((call,))}"


def _cut(call: ToolCall) -> Said:
    return Said(gemma(call).removesuffix("<tool_call|>")[:-3], finish="length")


FAULTS: Mapping[str, Fault] = {
    "arguments that are missing": Fault(lambda call: gemma(replace(call, arguments={})), "model-arguments"),
    "an unknown tool": Fault(lambda call: gemma(replace(call, name="frobnicate")), "model-name"),
    "a call that nobody can read": Fault(lambda call: f"I go on.\n<tool_call>\n{{{{{call.name}\n</tool_call>", "model-format"),
    "an announcement": Fault(lambda call: "I go on. Let me look at it:", "model-format"),
    "nothing": Fault(lambda call: "", "model-empty"),
    "a call that is cut off": Fault(_cut, "truncated"),
    "one token for ever": Fault(lambda call: "I go on.\n" + "<pad>" * 600, "model-degenerate"),
    "the same once more": Fault(gemma, "model-loop", runs=True),
    "a server that fails": Fault(lambda call: refusing(500, b'{"error": {"message": "no"}}'), "upstream", status=500),
}


def request_of(client: Client) -> dict[str, Any]:
    return REQUESTS[client.name]()


def call_for(within: Conversation) -> ToolCall:
    """Make a right call of the first tool that needs an argument."""
    tool = next(each for each in within.tools if each.parameters.get("required"))
    return ToolCall("call_1", tool.name, {name: _value(tool, name) for name in _required(tool)})


def _required(tool: ToolSpec) -> list[str]:
    required: Any = tool.parameters["required"]
    return list(required)


def _value(tool: ToolSpec, name: str) -> Json:
    schema: Any = tool.parameters["properties"]
    return str(schema[name].get("enum", ["ls -la"])[0])


def message_of(client: Client, within: Conversation, call: ToolCall) -> list[dict[str, Any]]:
    """Write one step of a client's history: the action as it was given, and its result."""
    turn = client.express(Turn("assistant", "I go on.", calls=(call,)), within)
    if not turn.calls:
        result = f"EXECUTION RESULT of [{call.name}]:\nnothing"
        return [{"role": "assistant", "content": turn.text}, {"role": "user", "content": result}]
    made = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
    return [
        {"role": "assistant", "content": turn.text, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": call.id, "content": "nothing"},
    ]


def actions(client: Client, answer: Mapping[str, Any]) -> list[Any]:
    """Return what the client will run."""
    calls = [(each["function"]["name"], json.loads(each["function"]["arguments"])) for each in answer.get("tool_calls") or ()]
    return calls or (JUDGES[client.name](answer["content"] or "") if client.name in JUDGES else [])


def wanted(client: Client, within: Conversation, call: ToolCall) -> list[Any]:
    turn = client.express(Turn("assistant", "I go on.", calls=(call,)), within)
    made = [{"function": {"name": each.name, "arguments": json.dumps(each.arguments)}} for each in turn.calls]
    return actions(client, {"content": turn.text, "tool_calls": made})


def scene(client: Client, fault: str) -> tuple[dict[str, Any], Conversation, ToolCall]:
    body = request_of(client)
    within = client.read(body)
    call = call_for(within)
    if fault == "the same once more":
        steps = [message for at in range(2) for message in message_of(client, within, replace(call, id=f"call_{at}"))]
        body = {**body, "messages": [*body["messages"], *steps]}
    return body, within, call


every_client = pytest.mark.parametrize("client", MENDED, ids=lambda client: client.name)
every_fault = pytest.mark.parametrize("fault", FAULTS)


@every_client
@every_fault
async def test_what_the_model_can_mend_reaches_the_client(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, client: Client, fault: str
) -> None:
    if FAULTS[fault].status != 200:
        pytest.skip("the model is not asked where its server fails")
    body, within, call = scene(client, fault)
    other = replace(call, arguments={**dict(call.arguments), "command": "pwd"}) if "command" in call.arguments else call  # type: ignore[arg-type]
    if fault == "the same once more" and other == call:
        other = replace(call, arguments={name: "another" for name in dict(call.arguments)})  # type: ignore[arg-type]
    vllm.says(FAULTS[fault].says(call), gemma(other))
    url = await start(upstream=vllm.url, journal=tmp_path)
    status, answer = await ask(url, body, PATHS.get(client.name, ""), stream)
    assert status == 200
    assert actions(client, answer) == wanted(client, within, other)
    record = await written(tmp_path)
    assert (record["outcome"], record["class"]) == ("asked-again", FAULTS[fault].kind)
    assert await drift_of(tmp_path) == [()]


@every_client
async def test_a_rule_that_fails_costs_nobody_a_turn(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    def breaks(turn: Turn, within: Conversation) -> Turn:
        raise ZeroDivisionError

    broken = Rule("broken", "form", breaks, (), "")
    monkeypatch.setattr("proxy.answer.RULES", (broken, *RULES))
    body, within, call = scene(client, "")
    vllm.says(gemma(call))
    url = await start(upstream=vllm.url, journal=tmp_path)
    _, answer = await ask(url, body, PATHS.get(client.name, ""), stream)
    assert actions(client, answer) == wanted(client, within, call)
    assert (await written(tmp_path))["skipped_rules"] == ["broken"]
    assert await drift_of(tmp_path) == [()]


@every_client
async def test_a_history_that_a_template_refuses_is_healed_or_fitted(
    vllm: FakeVllm, start: Start, stream: bool, client: Client
) -> None:
    body, within, call = scene(client, "")
    odd = [
        {"role": "assistant", "content": ""},
        {"role": "tool", "tool_call_id": "nobody's", "content": "lost"},
        {"role": "user", "content": "Go on."},
        {"role": "user", "content": "Go on."},
    ]
    refusal = refusing(400, b'{"error": {"message": "Conversation roles must alternate user/assistant/user/assistant/..."}}')
    vllm.says(refusal, gemma(call))
    url = await start(upstream=vllm.url)
    status, answer = await ask(url, {**body, "messages": [*body["messages"], *odd]}, PATHS.get(client.name, ""), stream)
    assert status == 200
    assert actions(client, answer) == wanted(client, within, call)
    first, second = ([each["role"] for each in request["messages"]] for request in vllm.requests)
    assert "tool" not in first
    assert not any(pair == ("user", "user") for pair in pairwise(second))


@every_client
@every_fault
async def test_what_nobody_can_mend_harms_nobody(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, client: Client, fault: str
) -> None:
    body, within, call = scene(client, fault)
    vllm.says(FAULTS[fault].says(call))
    url = await start(upstream=vllm.url, journal=tmp_path)
    status, answer = await ask(url, body, PATHS.get(client.name, ""), stream)
    record = await written(tmp_path)
    assert record["class"] == FAULTS[fault].kind
    assert status == FAULTS[fault].status
    assert await drift_of(tmp_path) == [()]
    if status != 200:
        return
    found = actions(client, answer)
    assert record["outcome"] == "failed-open"
    if FAULTS[fault].runs:
        assert found == wanted(client, within, call)
    elif found:  # only what this client answers with an error of its own
        assert fault in ("arguments that are missing", "an unknown tool")
        assert client.name not in JUDGES or client.name == "openhands_text"
    else:
        assert answer["content"].strip()
    if fault in ("a call that is cut off", "one token for ever"):
        assert answer["finish"] == "length"
