"""Servers are told apart by what they say of themselves, and each is asked in what it bears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.structured.forms import FORMS, GUIDED_JSON
from adapters.structured.servers import OLD_VLLM, UNKNOWN_SERVER, WAYS, Facts, Server, facts_of, identify, way_of

PAGE = Path(__file__).parents[3] / "docs" / "upstreams.md"


@pytest.mark.parametrize(
    ("facts", "server"),
    [
        (Facts(fingerprint="vllm-0.32.0-tp1-12ab"), Server("vllm", (0, 32, 0))),
        (Facts(owned_by="vllm", version="0.10.2rc1"), Server("vllm", (0, 10, 2))),
        (Facts(fingerprint="b11434-c04a53d"), Server("llama.cpp", (11434,))),
        (Facts(header="llama.cpp"), Server("llama.cpp")),
        (Facts(owned_by="llamacpp", version="b6000-abc"), Server("llama.cpp", (6000,))),
        (Facts(paths=frozenset({"/props"})), Server("llama.cpp")),
        (Facts(fingerprint="fp_ollama", version="0.12.11"), Server("ollama", (0, 12, 11))),
        (Facts(owned_by="library"), Server("ollama")),
        (Facts(paths=frozenset({"/api/version"}), version="0.5.1"), Server("ollama", (0, 5, 1))),
        (Facts(owned_by="sglang"), Server("sglang")),
        (Facts(fingerprint="qwen3-8b", model="qwen3-8b"), Server("lmstudio")),
        (Facts(owned_by="organization_owner"), Server("lmstudio")),
        (Facts(fingerprint="fp_44709d6fcb"), Server("openai")),
        (Facts(name="vllm", version="0.10.2"), Server("vllm", (0, 10, 2))),
        (Facts(name="ollama", owned_by="vllm"), Server("ollama")),
        (Facts(fingerprint="something", model="else", owned_by="me", header="uvicorn"), Server()),
        (Facts(), Server()),
    ],
)
def test_a_server_is_told_by_what_it_says(facts: Facts, server: Server) -> None:
    assert identify(facts) == server


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ({"system_fingerprint": "fp_ollama", "model": "qwen3"}, "ollama"),
        ({"system_fingerprint": None, "model": 5}, ""),
        ({}, ""),
    ],
)
def test_the_head_of_an_answer_may_do(head: dict[str, Any], name: str) -> None:
    assert identify(facts_of(head)).name == name


def test_old_vllm_is_asked_as_it_was_then() -> None:
    assert way_of(Server("vllm", (0, 10, 2))) is OLD_VLLM
    assert way_of(Server("vllm", (0, 11))) is way_of(Server("vllm")) is WAYS["vllm"]
    assert OLD_VLLM.forms[0] is GUIDED_JSON


def test_of_what_is_not_known_the_general_order_is_tried() -> None:
    assert way_of(Server()) == UNKNOWN_SERVER
    assert UNKNOWN_SERVER.forms == FORMS


@pytest.mark.parametrize("name", WAYS)
def test_the_page_tells_of_each_server_its_forms_and_its_faults(name: Any) -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert [each.name for each in WAYS[name].forms if f"`{each.name}`" not in page] == []
    assert [fault for fault in WAYS[name].faults if fault not in page] == []
