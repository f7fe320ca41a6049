"""A recorded turn is served again: the same comes out, and what comes out otherwise is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.demo.speak import Said
from proxy.records.read import Skipped, entries, is_turn
from proxy.replay.run import NotReplayable, Replayed, Terms, replay
from proxy.replay.terms import settings_for, terms_for
from proxy.settings import FileSettings, ProfileTable
from rules.registry import RULES
from tests.conftest import BASH, WAIT, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing
from tests.journals.scenes import CALLED, GOOD, served
from tests.proxy.replaying import drift_of
from tests.proxy.test_exchange import written

DIGITS = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
EMPTY = "<|tool_call>call:bash{}<tool_call|>"


@pytest.fixture
async def terms() -> AsyncIterator[Terms]:
    async with terms_for(settings_for(FileSettings())) as terms:
        yield terms


@pytest.fixture
async def journaling(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> Proxy:
    return Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)


def turns(folder: Path) -> list[dict[str, Any]]:
    return [each for each in entries([folder], Skipped()) if is_turn(each)]


async def all_turns(folder: Path, count: int) -> list[dict[str, Any]]:
    """Wait until so many turns are written down."""
    for _ in range(200):
        if len(found := turns(folder)) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{len(found)} turns were written down")


async def recorded(proxy: Proxy, folder: Path, *says: str | Said, **body: Any) -> dict[str, Any]:
    proxy.vllm.says(*says)
    await proxy.ask(**{"tools": [BASH], **body})
    return await written(folder)


async def test_another_rule_makes_a_difference(
    journaling: Proxy, terms: Terms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await recorded(journaling, tmp_path, DIGITS)
    assert (await replay(entry, terms)).drift == ()
    monkeypatch.setattr("proxy.answer.RULES", tuple(rule for rule in RULES if rule.name != "coerce_number"))
    drift = (await replay(entry, terms)).drift
    assert "outcome: mended -> failed-open" in drift
    assert "reason: coerce_number -> wrong-arguments" in drift


async def test_a_turn_that_is_right_by_now_is_told(journaling: Proxy, terms: Terms, tmp_path: Path) -> None:
    entry = await recorded(journaling, tmp_path, EMPTY, GOOD)
    assert entry["outcome"] == "asked-again"
    entry["request"]["body"]["tools"][0]["function"]["parameters"]["required"] = []
    drift = (await replay(entry, terms)).drift
    assert any(each.startswith("outcome: asked-again -> ") for each in drift)


async def test_what_is_asked_beyond_the_record_is_not_invented(journaling: Proxy, terms: Terms, tmp_path: Path) -> None:
    entry = await recorded(journaling, tmp_path, EMPTY, GOOD)
    entry["attempts"] = entry["attempts"][:1]
    outcome = await replay(entry, terms)
    assert outcome.after is not None
    assert outcome.after["outcome"] == "failed-open"
    assert outcome.drift


async def test_an_observed_turn_is_served_again(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, mode="observe"), vllm, stream)
    arguments = '{"command": "ls", "timeout": "5"}'
    entry = await recorded(proxy, tmp_path, Said(DIGITS, calls=[served("bash", arguments)]))
    assert (entry["mode"], entry["outcome"], entry["reason"]) == ("observe", "mended", "coerce_number")
    assert entry["final"]["calls"] == [{"name": "bash", "arguments": arguments}]  # what the client got: nothing was changed
    assert await drift_of(tmp_path) == [()]


async def test_what_was_learned_from_refusals_and_memory_is_known_again(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    table = ProfileTable(name="mine", extends="gemma-4", match=("gemma*",), protocol="auto")
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, profile=(table,)), vllm, stream)
    refusal = refusing(400, b'{"error": {"message": "logprobs are not supported"}}')
    vllm.says(refusal, EMPTY, GOOD)
    await proxy.ask(tools=[BASH])
    for _ in range(3):
        vllm.says(EMPTY, GOOD)
        await proxy.ask(tools=[BASH])
    vllm.says("<tool_call>\n{}\n</tool_call>", GOOD)
    await proxy.ask(tools=[BASH])
    found = await all_turns(tmp_path, 5)
    assert found[1]["known"]["granted"] == ["no_logprobs"]
    assert found[-1]["dialect"] != "native"
    assert await drift_of(tmp_path, FileSettings(profile=(table,))) == [()] * len(found)


async def test_a_profile_that_is_not_there_is_named(
    vllm: FakeVllm, start: Start, stream: bool, terms: Terms, tmp_path: Path
) -> None:
    table = ProfileTable(name="mine", extends="gemma-4", match=("gemma*",))
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, profile=(table,)), vllm, stream)
    entry = await recorded(proxy, tmp_path, DIGITS)
    with pytest.raises(NotReplayable, match=r'"mine".*--config'):
        await replay(entry, terms)


async def test_without_bodies_nothing_can_be_served_again(
    vllm: FakeVllm, start: Start, stream: bool, terms: Terms, tmp_path: Path
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, journal_bodies="off"), vllm, stream)
    entry = await recorded(proxy, tmp_path, DIGITS)
    assert "body" not in entry["request"]
    assert set(entry["attempts"][0]["raw"]) == {"chars", "sha256"}
    with pytest.raises(NotReplayable, match="bodies were off"):
        await replay(entry, terms)
    with pytest.raises(NotReplayable, match="older toolmend"):
        await replay({**entry, "v": 1}, terms)


async def test_long_texts_of_a_request_are_shortened_first(journaling: Proxy, terms: Terms, tmp_path: Path) -> None:
    long = "word " * 120_000
    entry = await recorded(journaling, tmp_path, f"Well. {DIGITS}", messages=[{"role": "user", "content": long}])
    assert len(json.dumps(entry, ensure_ascii=False)) < 256_000
    assert entry["request"]["shortened"] is True
    assert entry["request"]["body"]["tools"] == [BASH]
    assert entry["attempts"][0]["raw"] == f"Well. {DIGITS}"
    outcome = await replay(entry, terms)
    assert (outcome.shortened, outcome.drift) == (True, ())


async def test_secrets_of_a_request_are_not_kept(journaling: Proxy, tmp_path: Path) -> None:
    key = "sk-" + "a1B2c3D4" * 6
    odd = {"type": "function", "function": {**WAIT["function"], "description": f"Use {key}."}}
    messages = [{"role": "user", "content": f"My key is {key}."}]
    entry = await recorded(journaling, tmp_path, DIGITS, tools=[BASH, odd], messages=messages, user=key, metadata={key: "x"})
    assert entry["request"]["body"]["messages"][0]["content"].startswith("My key is [redacted")
    assert key not in json.dumps(entry)


async def test_a_finding_is_told_apart_from_the_same(journaling: Proxy, terms: Terms, tmp_path: Path) -> None:
    journaling.vllm.says(GOOD)
    entry = await recorded(journaling, tmp_path, GOOD)
    assert entry["reason"] == "call-not-parsed"
    entry["attempts"][0]["came"]["calls"] = [{"name": "bash", "arguments": CALLED["function"]["arguments"]}]
    outcome = await replay(entry, terms)
    assert isinstance(outcome, Replayed)
    assert outcome.drift == ("outcome: mended -> as-is, and nothing to be written down",)
