"""What a server can do: what its lists tell, and what follows from what is known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.capabilities import Capabilities, at_once, conceded, read_models, read_version, server_of


def models(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"object": "list", "data": list(entries)}).encode()


def test_what_is_not_known_concedes_nothing() -> None:
    assert conceded(Capabilities()) == frozenset()
    assert {each.name for each in conceded(Capabilities(logprobs=False, strict=False, tool_parser="none"))} == {
        "no_logprobs",
        "no_strict",
        "tools_in_prompt",
    }
    assert conceded(Capabilities(logprobs=True, strict=True, tool_parser="gemma4")) == frozenset()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"data": 3}', b'{"data": [3, {}, {"id": 7}]}', b'{"version": 3}']
)
def test_garbage_tells_nothing(body: bytes) -> None:
    assert read_models(body) == ()
    assert read_version(body) is None


def test_an_adapter_and_a_second_name_stand_for_the_same_model() -> None:
    base = {"id": "base", "owned_by": "vllm", "root": "/weights", "max_model_len": 4096, "parent": None}
    served = read_models(models(base, {**base, "id": "other"}, {**base, "id": "lora", "root": "/lora", "parent": "base"}))
    assert {each.base for each in served} == {"/weights"}
    assert [each.max_model_len for each in served] == [4096] * 3
    assert at_once("vllm", served) == "base"


@pytest.mark.parametrize(
    ("owner", "header", "server"),
    [
        ("vllm", "uvicorn", "vllm"),
        ("sglang", "", "sglang"),
        ("library", "", "ollama"),
        ("organization_owner", "", "lmstudio"),
        ("llamacpp", "", "llama.cpp"),
        ("", "llama.cpp", "llama.cpp"),
        ("openai", "cloudflare", ""),
    ],
)
def test_a_server_is_told_by_whom_its_models_belong_to(owner: str, header: str, server: str) -> None:
    assert server_of(read_models(models({"id": "m", "owned_by": owner})), header) == server


@pytest.mark.parametrize(
    ("server", "names", "asked"),
    [
        ("vllm", ("a", "b"), "a"),  # a router before several: each is loaded
        ("llama.cpp", ("a",), "a"),
        ("llama.cpp", ("a", "b"), None),
        ("", ("a",), "a"),
        ("", ("a", "b"), None),
        ("ollama", ("a",), None),
        ("lmstudio", ("a",), None),
        ("vllm", (), None),
    ],
)
def test_no_model_is_loaded_for_being_asked(server: str, names: tuple[str, ...], asked: str | None) -> None:
    assert at_once(server, read_models(models(*({"id": name} for name in names)))) == asked
