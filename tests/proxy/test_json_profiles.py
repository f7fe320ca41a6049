"""The profiles of the families whose calls are JSON that names the tool inside."""

from __future__ import annotations

import pytest

from proxy.profiles import choose, load


@pytest.mark.parametrize(
    ("model", "name", "reads"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3", "llama_json"),
        ("meta-llama/Meta-Llama-3.1-70B-Instruct", "llama-3", "llama_json"),
        ("llama3.2:3b", "llama-3", "llama_json"),
        ("unsloth/Llama-3.3-70B-Instruct-bnb-4bit", "llama-3", "llama_json"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4", "llama4_pythonic"),
        ("Salesforce/Llama-xLAM-2-8b-fc-r", "xlam", "xlam"),
        ("Salesforce/xLAM-7b-fc-r", "xlam", "xlam"),
        ("ibm-granite/granite-3.1-8b-instruct", "granite-3", "granite"),
        ("granite3.3:8b", "granite-3", "granite"),
        ("ibm-granite/granite-4.0-h-small", "granite-4", "hermes_json"),
        ("ibm-granite/granite-20b-functioncalling", "granite-20b", "granite_20b"),
        ("microsoft/Phi-4-mini-instruct", "phi-4-mini", "phi4"),
        ("phi4-mini", "phi-4-mini", "phi4"),
        ("microsoft/phi-4", "generic", "hermes_json"),
        ("tencent/Hunyuan-A13B-Instruct", "hunyuan", "hunyuan"),
        ("ai21labs/AI21-Jamba-1.5-Mini", "jamba", "hunyuan"),
        ("baidu/ERNIE-4.5-21B-A3B-PT", "ernie-4.5", "ernie"),
        ("baidu/ERNIE-4.5-21B-A3B-Thinking", "ernie-4.5-thinking", "ernie"),
        ("meituan-longcat/LongCat-Flash-Chat", "longcat", "longcat"),
        ("meituan-longcat/LongCat-Flash-Thinking", "longcat-thinking", "longcat"),
        ("ai-sage/GigaChat3-10B-A1.8B", "gigachat3", "gigachat3"),
        ("internlm/internlm2_5-7b-chat", "internlm", "internlm"),
        ("internlm/internlm3-8b-instruct", "internlm", "internlm"),
        ("CohereLabs/c4ai-command-r7b-12-2024", "command", "cohere"),
        ("CohereLabs/command-a-reasoning-08-2025", "command", "cohere"),
        ("swiss-ai/Apertus-8B-Instruct-2509", "apertus", "apertus"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "generic", "hermes_json"),
    ],
)
def test_a_name_finds_its_profile(model: str, name: str, reads: str) -> None:
    profile = choose(model, load())
    assert (profile.name, profile.reads[0]) == (name, reads)


def test_markers_that_are_special_tokens_are_asked_for() -> None:
    for name in ("llama-3", "granite-3", "phi-4-mini", "gigachat3", "internlm", "command", "apertus", "xlam"):
        [profile] = (each for each in load() if each.name == name)
        assert profile.request["skip_special_tokens"] is False
