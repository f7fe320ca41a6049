"""Calls in thoughts, results that the model invents, and special tokens that leak; whole and streamed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BASH, Proxy, Start
from tests.fake_vllm import Answer, FakeVllm, sending
from tests.proxy.test_exchange import written

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
OTHER = GOOD.replace("ls -la", "rm -rf build")
LS = [("bash", {"command": "ls -la"})]


def apart(thought: str, text: str = "", *, finish: str = "stop", size: int = 5) -> Answer:
    """Answer as a server that sets the thought apart and gives no log-probabilities."""
    deltas = [{"reasoning": thought[at : at + size]} for at in range(0, len(thought), size)]
    deltas += [{"content": text}] if text else []
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    lines = [b"data: " + json.dumps({"id": "c", "choices": [each]}).encode() + b"\n\n" for each in choices]
    return sending(*lines, b"data: [DONE]\n\n")


@pytest.mark.parametrize("thought", [f"I look.\n{GOOD}", f"I look.\n{GOOD}\n", f"I do\n{GOOD}\nyes,\n{GOOD}"])
async def test_a_call_at_the_end_of_a_thought_apart_is_made_and_written_down(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, thought: str
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(apart(thought))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == ("", LS, "tool_calls")
    assert len(vllm.requests) == 1
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("mended", "model-format", "recover_call_from_thinking")
    assert record["repairs"] == ["recover_call_from_thinking"]


async def test_what_is_recovered_is_mended_as_any_call(proxy: Proxy) -> None:
    proxy.vllm.says(apart('<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls", "timeout": 5})]
    proxy.vllm.says(apart("<|tool_call>call:bash{}<tool_call|>"), GOOD)
    assert (await proxy.ask(tools=[BASH])).calls == LS


@pytest.mark.parametrize("closer", ["", "<channel|>", "\n<channel|>\n"])
async def test_a_call_at_the_end_of_a_thought_in_the_text_is_made(proxy: Proxy, closer: str) -> None:
    proxy.vllm.says(f"<|channel>thought\nI look.\n{GOOD}{closer}")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == ("", LS, "tool_calls")
    assert len(proxy.vllm.requests) == 1


CONSIDERED = {
    "thought on": f"I could do\n{GOOD}\nbut it is too early.",
    "quoted": f"The form is\n```\n{GOOD}\n```",
    "unfinished": f"I do\n{GOOD[:-20]}",
    "unknown": GOOD.replace("call:bash", "call:launch"),
}


@pytest.mark.parametrize("thought", [*CONSIDERED.values(), f"Either\n{GOOD}\nor\n{OTHER}"])
async def test_a_call_that_a_thought_apart_only_considers_is_asked_for(proxy: Proxy, thought: str) -> None:
    proxy.vllm.says(apart(thought), "I am done.")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls) == ("I am done.", [])
    assert len(proxy.vllm.requests) == 2
    assert "empty" in proxy.vllm.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("name", ["thought on", "quoted"])
async def test_a_call_that_a_thought_in_the_text_only_considers_is_asked_for(proxy: Proxy, name: str) -> None:
    proxy.vllm.says(f"<|channel>thought\n{CONSIDERED[name]}<channel|>", "I am done.")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls) == ("I am done.", [])
    assert len(proxy.vllm.requests) == 2


@pytest.mark.parametrize("thought", [f"I could do\n{GOOD}", *CONSIDERED.values()])
async def test_a_thought_before_an_answer_stays_a_thought(proxy: Proxy, thought: str) -> None:
    for answer in (apart(thought, "I am done."), f"<|channel>thought\n{thought}<channel|>I am done."):
        proxy.vllm.says(answer)
        seen = await proxy.ask(tools=[BASH])
        assert (seen.text, seen.calls) == ("I am done.", [])
    assert len(proxy.vllm.requests) == 2


async def test_a_call_in_a_thought_that_was_cut_is_not_made(proxy: Proxy) -> None:
    proxy.vllm.says(apart(GOOD, finish="length"))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.calls, seen.finish) == ([], "length")


QWEN = "<tool_call>\n<function=bash>\n<parameter=command>\nls -la\n</parameter>\n</function>\n</tool_call>"
HERMES = '<tool_call>\n{"name": "bash", "arguments": {"command": "ls -la"}}\n</tool_call>'
RESULT = "<tool_response>\na.txt\n</tool_response>\nThere is a.txt."
INVENTED = {
    "gemma4": ("gemma-4-26b", GOOD + '<|tool_response>response:bash{output:<|"|>a.txt<|"|>}<tool_response|>There is a.txt.'),
    "gemma4, the next turn": ("gemma-4-26b", GOOD + "<turn|>\n<|turn>user\nthanks<turn|>"),
    "qwen": ("qwen3-coder-30b", f"{QWEN}\n{RESULT}"),
    "qwen, as a turn": ("qwen3-coder-30b", f"{QWEN}<|im_end|>\n<|im_start|>user\n{RESULT}<|im_end|>"),
    "hermes": ("hermes-3", f"{HERMES}\n{RESULT}"),
    "hermes, and the next call": ("hermes-3", f"{HERMES}\n{RESULT}\n{HERMES.replace('ls -la', 'rm a.txt')}"),
}


@pytest.mark.parametrize("name", INVENTED)
async def test_a_result_that_the_model_invents_is_cut(proxy: Proxy, name: str) -> None:
    model, text = INVENTED[name]
    proxy.vllm.says(f"I look.\n{text}")
    seen = await proxy.ask(model=model, tools=[BASH])
    assert (seen.text.strip(), seen.calls, seen.finish) == ("I look.", LS, "tool_calls")
    assert len(proxy.vllm.requests) == 1


LEAKED = [
    ("gemma-4-26b", "Done.<turn|>\n"),
    ("gemma-4-26b", "Done.<pad><pad>"),
    ("gemma-4-26b", "<bos>Done.<eos>"),
    ("gemma-4-26b", "Done.<|tool_response>"),
    ("gemma-4-26b", "<|turn>model\nDone."),
    ("qwen3-coder-30b", "Done.<|im_end|>\n<|im_start|>user\nthanks"),
    ("qwen3-coder-30b", "Done.<|endoftext|>"),
    ("qwen3-coder-30b", "<|im_start|>assistant\nDone."),
    ("hermes-3", "Done.</s>"),
    ("hermes-3", "<|im_start|>assistant\nDone.<|im_end|>"),
]


@pytest.mark.parametrize(("model", "text"), LEAKED)
async def test_special_tokens_do_not_leak(proxy: Proxy, model: str, text: str) -> None:
    proxy.vllm.says(text)
    seen = await proxy.ask(model=model, tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == ("Done.", [], "stop")
    assert len(proxy.vllm.requests) == 1


async def test_special_tokens_that_are_spoken_of_stay(proxy: Proxy) -> None:
    for text in ("The token `<|im_end|>` ends it.", "In `<|turn>model` the turn begins.", "See <|im_start|>assistant there."):
        proxy.vllm.says(text)
        assert (await proxy.ask(model="qwen3-coder-30b", tools=[BASH])).text == text
