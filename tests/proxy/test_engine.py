"""What the server's own parsers got wrong is written down beside whatever the model got wrong, and mended from the raw text."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from proxy.capabilities import Capabilities
from proxy.demo.speak import Said, tokens
from tests.conftest import BASH, Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.recorded import heard, recorded
from tests.proxy.test_exchange import records, written

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
FROM_032 = "vllm-0.32.0-4b285799"


def call(arguments: str, name: str = "bash") -> dict[str, Any]:
    return {"id": "s1", "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.fixture
async def journaling(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> Proxy:
    return Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)


async def test_a_known_fault_is_named_with_its_issue(journaling: Proxy, tmp_path: Path) -> None:
    journaling.vllm.says(Said(GOOD, calls=[call('{"command": "\\"ls -la\\""}')], fingerprint=FROM_032))
    assert (await journaling.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("mended", "engine-parser", "call-misparsed")
    assert record["engine"] == [
        {
            "attempt": 1,
            "kind": "call-misparsed",
            "known_as": "gemma4-json-quotes",
            "issues": ["vllm#51284"],
            "version": "0.32.0",
            "read": 'bash({"command": "ls -la"})',
            "served": 'bash({"command": "\\"ls -la\\""})',
        }
    ]


async def test_it_is_written_down_where_the_model_was_wrong_as_well(journaling: Proxy, tmp_path: Path) -> None:
    half = '<|tool_call>call:bash{timeout:<|"|>5<|"|>}<tool_call|>'
    journaling.vllm.says(Said(half, calls=[]), Said(GOOD, calls=[call('{"command": "ls -la"}')]))
    assert (await journaling.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("asked-again", "model-arguments", "missing-arguments")
    assert [(each["attempt"], each["kind"], each["version"]) for each in record["engine"]] == [(1, "call-not-parsed", "")]


async def test_it_is_written_down_where_rules_mended_the_call(journaling: Proxy, tmp_path: Path) -> None:
    raw = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
    journaling.vllm.says(Said(raw, calls=[call('{"command": "\\"ls\\"", "timeout": 5}')]))
    assert (await journaling.ask(tools=[BASH])).calls == [("bash", {"command": "ls", "timeout": 5})]
    record = await written(tmp_path)
    assert (record["class"], record["repairs"]) == ("model-arguments", ["coerce_number"])
    assert record["engine"][0]["known_as"] == "gemma4-json-quotes"


@pytest.mark.parametrize("arguments", ['{"timeout": 5}', '{"timeout": "5"}'])
async def test_what_the_model_forgot_is_not_the_engines_fault(journaling: Proxy, tmp_path: Path, arguments: str) -> None:
    half = '<|tool_call>call:bash{timeout:<|"|>5<|"|>}<tool_call|>'
    journaling.vllm.says(Said(half, calls=[call(arguments)]), Said(GOOD, calls=[call('{"command": "ls -la"}')]))
    await journaling.ask(tools=[BASH])
    record = await written(tmp_path)
    assert record["reason"] == "missing-arguments"
    assert record["engine"] == []


async def test_a_call_that_was_passed_on_as_written_and_read_by_us_is_written_down(journaling: Proxy, tmp_path: Path) -> None:
    text = '<tool_call>\n{"name": "bash", "arguments": "{\\"command\\": \\"ls\\"}"}\n</tool_call>'
    journaling.vllm.says(Said(text, calls=[call('"{\\"command\\": \\"ls\\"}"')]))
    assert (await journaling.ask(model="qwen3-8b", tools=[BASH])).calls == [("bash", {"command": "ls"})]
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("mended", "model-format", "reread_call")
    assert record["engine"] == []


async def test_nothing_is_compared_where_the_server_was_not_to_parse(journaling: Proxy, tmp_path: Path) -> None:
    journaling.vllm.says("Just words.")
    await journaling.ask(tools=[BASH], tool_choice="none")
    journaling.vllm.says("<|tool_call> is what begins a call.")
    await journaling.ask()
    await asyncio.sleep(0.1)
    assert [each["engine"] for each in records(tmp_path)] == []


async def test_a_server_that_tells_no_raw_text_is_not_compared(journaling: Proxy, tmp_path: Path) -> None:
    journaling.vllm.says(Said(calls=[call('{"command": "ls"}')], raw=""))
    assert (await journaling.ask(tools=[BASH])).calls == [("bash", {"command": "ls"})]
    await asyncio.sleep(0.1)
    assert records(tmp_path) == []


async def test_a_hidden_truncation_is_told_as_length_and_named(journaling: Proxy, tmp_path: Path) -> None:
    cut = '<|tool_call>call:bash{command:<|"|>rm -rf /srv/build'
    journaling.vllm.says(Said(cut, finish="tool_calls", calls=[call('{"command": "rm -rf /srv"}')]))
    seen = await journaling.ask(tools=[BASH], max_tokens=len(tokens(cut)))
    assert (seen.calls, seen.finish) == ([], "length")
    record = await written(tmp_path)
    assert (record["class"], record["reason"]) == ("truncated", "truncated")
    assert {each["kind"] for each in record["engine"]} == {"truncation-hidden"}
    assert "vllm#53269" in record["engine"][0]["issues"]  # of an unknown version


async def test_a_server_that_answers_whole_and_hides_it_has_its_own_row(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, mode="observe"), vllm, stream=False)
    vllm.says(Said("cut", finish="tool_calls", calls=[call('{"command": "rm -rf /srv"}')], fingerprint=FROM_032))
    await proxy.ask(tools=[BASH], max_tokens=1)
    record = await written(tmp_path)
    assert (record["mode"], record["reason"]) == ("observe", "truncated")
    assert record["engine"][0]["known_as"] == "finish-reason-hides-cut"
    assert record["engine"][0]["issues"] == ["vllm#58228", "vllm#47963", "vllm#47903"]


async def test_the_operator_is_told(proxy: Proxy) -> None:
    proxy.vllm.says(Said(GOOD, calls=[call('{"command": "\\"ls -la\\""}')]))
    with structlog.testing.capture_logs() as logs:
        await proxy.ask(tools=[BASH])
    (event,) = [each for each in logs if each["event"] == "answered"]
    assert (event["engine"], event["engine_issues"]) == (("gemma4-json-quotes",), ("vllm#51284",))


async def test_bodies_off_keeps_names_and_issues_only(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, journal_bodies="off"), vllm, stream=False)
    vllm.says(Said(GOOD, calls=[call('{"command": "\\"secretword\\""}')]))
    await proxy.ask(tools=[BASH])
    record = await written(tmp_path)
    assert record["engine"][0]["issues"] == ["vllm#51284"]
    assert "secretword" not in json.dumps(record)
    assert record["engine"][0]["served"]["chars"] > 0


async def test_a_profile_for_any_model_names_the_family_that_the_text_shows(journaling: Proxy, tmp_path: Path) -> None:
    journaling.vllm.says(Said(GOOD, calls=[call('{"command": "\\"ls -la\\""}')]))
    await journaling.ask(model="some-model", tools=[BASH])
    assert (await written(tmp_path))["engine"][0]["known_as"] == "gemma4-json-quotes"


async def test_a_family_that_is_not_known_has_no_known_faults(journaling: Proxy, tmp_path: Path) -> None:
    raw = '[TOOL_CALLS][{"name": "bash", "arguments": {"command": "ls -la"}}]'
    journaling.vllm.says(Said(raw, calls=[call('{"command": "\\"ls -la\\""}')]))
    assert (await journaling.ask(model="some-model", tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    (engine,) = (await written(tmp_path))["engine"]
    assert (engine["kind"], engine["known_as"], engine["issues"]) == ("call-misparsed", "", [])


# --- demanded calls, whose raw text is nothing but arguments


@pytest.mark.parametrize("command", ["ls -la", "bash build.sh"])  # the second one names the tool
async def test_arguments_that_stand_alone_are_the_call_that_was_demanded(proxy: Proxy, command: str) -> None:
    arguments = json.dumps({"command": command})
    proxy.vllm.says(Said(arguments, calls=[call(arguments)]))
    seen = await proxy.ask(tools=[BASH], tool_choice={"type": "function", "function": {"name": "bash"}})
    assert seen.calls == [("bash", {"command": command})]
    assert len(proxy.vllm.requests) == 1


async def test_damage_elsewhere_in_the_text_leaves_the_calls_that_are_in_it(proxy: Proxy) -> None:
    """Tokens that straddle characters come as U+FFFD: in the prose, and not in the call, which the server gets wrong."""

    async def damaged(request: aiohttp.web.Request, asked: dict[str, Any]) -> aiohttp.web.StreamResponse:
        response = aiohttp.web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        texts = [b"<pad>", b"\xf0\x9f", b"A", GOOD.encode()]
        tool = {"index": 0, **call('{"command": "\\"ls -la\\""}')}
        deltas = [{}, {"content": "\U0001f9f0"}, {}, {"tool_calls": [tool]}]
        for delta, text in zip(deltas, texts, strict=True):
            choice = {"delta": delta, "logprobs": {"content": [{"token": "?", "bytes": [*text]}]}}
            await response.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
        await response.write(b'data: {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}\n\n')
        await response.write(b"data: [DONE]\n\n")
        return response

    proxy.vllm.says(damaged)
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]


# --- what a real server did with the corpus


def test_what_a_real_server_got_wrong_is_known() -> None:
    streamed = [each for each in recorded() if each.kept["way"] == "stream"]
    found = Counter(each.known_as for each in streamed if each.fault)
    assert "" not in found, [each.kept["case"] for each in streamed if each.fault and not each.known_as]
    assert found == NAMED


NAMED = Counter({
    "hermes-outer-brace": 11, "gemma4-json-quotes": 9, "qwen-tags-in-value": 7, "qwen-other-body": 5, "qwen-arguments-unread": 4,
    "qwen-parameter-misspelt": 4, "qwen-parameter-open": 3, "qwen-example-made": 3, "hermes-closer-in-string": 3,
    "hermes-body-dropped": 3, "gemma4-bare-values-as-text": 2, "gemma4-other-body": 2, "qwen-closer-leaks": 2,
    "qwen-header-open": 2, "gemma4-closer-in-value": 1, "gemma4-prose-for-name": 1, "gemma4-call-behind-thought": 1,
    "gemma4-markers-missing": 1, "gemma4-equals-for-colon": 1, "gemma4-delimiter-in-value": 1, "cut-call-closed-up": 1,
    "gemma4-begin-arg": 1, "special-tokens-leak": 1, "gemma4-example-made": 1, "gemma4-marker-in-prose": 1,
    "qwen-names-in-quotes": 1, "qwen-parameter-twice": 1, "qwen-marker-in-prose": 1, "hermes-other-keys": 1,
    "hermes-several-in-block": 1, "hermes-marker-in-prose": 1, "qwen-thought-in-answer": 1,
})  # fmt: skip
"""Fault -> texts of the corpus in which vLLM 0.32 made it as a stream."""


def test_whole_answers_that_hide_a_truncation_are_known() -> None:
    hidden = {each.kept["case"] for each in recorded() if each.known_as == "finish-reason-hides-cut"}
    assert hidden == {
        "gemma4-cut-in-key-length",
        "qwen-cut-in-value-length",
        "qwen-long-code-cut-length",
    }


@pytest.mark.parametrize(
    ("known", "name", "version"),
    [
        (Capabilities(server="vllm", version="0.31.1"), "gemma4-json-quotes", "0.31.1"),
        (Capabilities(), "gemma4-json-quotes", ""),
        (Capabilities(server="sglang", version="0.5.1"), "", "0.5.1"),  # the faults are vLLM's
        (Capabilities(server="vllm", tool_parser="hermes_json"), "", ""),  # it is not the parser of the profile's family
    ],
)
def test_what_was_asked_at_start_tells_more(known: Capabilities, name: str, version: str) -> None:
    (kept,) = (each.kept for each in recorded() if (each.kept["case"], each.kept["way"]) == ("gemma4-ordinary-quotes", "stream"))
    fault, _ = heard({**kept, "version": ""}, known)
    assert fault is not None
    assert (fault.kind, fault.name, fault.version) == ("call-misparsed", name, version)
