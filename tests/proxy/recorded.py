"""What the parsers of a real vLLM 0.32 made of the texts of the corpus, replayed: written by `pytest tests/e2e/vllm --keep-answers`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from adapters.engine.compare import EngineFault
from adapters.turns import TurnBuilder
from proxy.answer import finished
from proxy.body import read_body
from proxy.capabilities import Capabilities
from proxy.decoding import Decoding
from proxy.demo.speak import logprob, tokens
from proxy.engine import compared
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import parses
from proxy.reading import Reader
from proxy.settings import ProfileTable, Settings
from rules.base import repair
from rules.registry import RULES
from tests.adapters.models.corpus_cases import cases_of

FILE = Path(__file__).with_name("recorded.jsonl")
SETTINGS = Settings(upstream="http://127.0.0.1:1")
SERVERS = {
    # server: corpus file, profile, end token, template opens a thought
    "gemma4": ("gemma4", "gemma-4", "<turn|>", "after_tool"),
    "qwen": ("qwen-xml", "qwen3.5", "<|im_end|>", "open"),
    "hermes": ("hermes-json", "qwen3", "<|im_end|>", "open"),
}
KNOWN = {
    "gemma4": Capabilities(reasoning_parser="<|channel>"),
    "qwen": Capabilities(reasoning_parser="<think>"),
    "hermes": Capabilities(),
}
"""What is known of each server besides, when it was asked at start."""
Kept = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer, and what is said of the server's parser."""

    kept: Kept
    fault: EngineFault | None
    reread: tuple[str, ...]

    @property
    def known_as(self) -> str:
        """The name of the fault; empty where there is none, or none that is known."""
        return self.fault.name if self.fault else ""


@cache
def recorded() -> tuple[Recorded, ...]:
    """Return all answers."""
    lines = FILE.read_text("utf-8").splitlines()
    return tuple(Recorded(kept, *heard(kept, KNOWN[kept["server"]])) for kept in map(json.loads, lines))


def heard(kept: Kept, known: Capabilities) -> tuple[EngineFault | None, tuple[str, ...]]:
    """Replay one answer of a server of which this is known."""
    case = _cases(kept["server"])[kept["case"]]
    limit = kept["tokens"] if case.get("finish_reason") == "length" else None
    plan = _plan(kept["server"], case)
    reader, decoding = Reader("logprobs", limit), Decoding(plan, TurnBuilder())
    streamed, whole = kept["way"] == "stream", _answer(kept, case)
    for event in _events(whole) if streamed else ():
        decoding.feed(reader, reader.take_event(event))
    if not streamed:
        decoding.feed(reader, reader.take_whole(whole))
    decoding.finish(reader)
    _, turn = decoding.builder.finish(reader.ending())
    written, _ = finished(plan, turn, decoding, reader)
    verdict = repair(written, plan.conversation, RULES)
    return compared(decoding, reader, written, verdict, known) if parses(plan, frozenset()) else (None, ())


@cache
def _cases(server: str) -> dict[str, Any]:
    return {case["id"]: case for case in cases_of(SERVERS[server][0])}


def _plan(server: str, case: dict[str, Any]) -> Plan:
    _, extends, _, opens = SERVERS[server]
    table = ProfileTable.model_validate({"name": "tiny", "extends": extends, "match": ["tiny"], "thinking_prompt": opens})
    thinks = bool(case.get("prompt_open_thinking"))
    body: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "go"}], "stream": True}
    if thinks and server == "gemma4":  # its template opens a thought only behind a tool's result
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        body["messages"] += [
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
        ]
    body |= {"tools": case["tools"], "chat_template_kwargs": {"enable_thinking": thinks}}
    return make_plan(read_body(json.dumps(body).encode(), SETTINGS.limits), SETTINGS, load([table]))


def _answer(kept: Kept, case: dict[str, Any]) -> dict[str, Any]:
    """Write the answer anew, in one piece. What the model wrote is in the corpus."""
    end = SERVERS[kept["server"]][2]
    cut = case.get("finish_reason") == "length"
    said = tokens(case["raw"]) if cut or case["raw"].endswith(end) else [*tokens(case["raw"]), end]
    calls = [{"function": {"name": name, "arguments": arguments}} for name, arguments in kept["calls"]]
    message = {"content": kept["content"], "reasoning": kept["reasoning"], "tool_calls": calls}
    entries = [logprob(each)["content"][0] for each in said]
    choice = {"message": message, "finish_reason": kept["finish"], "logprobs": {"content": entries}}
    usage = {"completion_tokens": kept["tokens"], "prompt_tokens": 1}
    return {"system_fingerprint": kept["version"], "choices": [choice], "usage": usage}


def _events(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events of an answer, as far as the reader tells one stream from another."""
    (choice,) = answer["choices"]
    *before, last = choice["logprobs"]["content"]
    for entry in before:
        yield {"system_fingerprint": answer["system_fingerprint"], "choices": [{"delta": {}, "logprobs": {"content": [entry]}}]}
    yield {"choices": [{"delta": choice["message"], "logprobs": {"content": [last]}, "finish_reason": choice["finish_reason"]}]}
    yield {"choices": [], "usage": answer["usage"]}
