"""Which server answers, told from what was seen of it, and how each kind of server is best asked under a grammar.

Nothing needs to be asked for it: the head of any answer may do. What is not known is asked for in the general order, and each
form that fails is left out from then on. Sources stand beside each fact; what was tried on a real server is told in
docs/upstreams.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from adapters.structured.forms import (
    EBNF,
    FORMS,
    GRAMMAR,
    GUIDED_JSON,
    JSON_OBJECT,
    JSON_SCHEMA,
    STRICT,
    STRUCTURAL_TAG,
    STRUCTURED_OUTPUTS,
    Form,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen of a server. Empty: not seen.

    name         its kind, where somebody has told it already
    fingerprint  `system_fingerprint` of an answer
    model        `model` of the same answer
    owned_by     of a model in GET /v1/models
    header       `Server` of any answer
    version      as GET /version, GET /api/version, or `build_info` of GET /props tell it
    paths        paths of its own that it answered with HTTP 200
    """

    name: str = ""
    fingerprint: str = ""
    model: str = ""
    owned_by: str = ""
    header: str = ""
    version: str = ""
    paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Server:
    """A server's kind, a key of `WAYS`, and its version as numbers; empty where it is not known."""

    name: str = ""
    version: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """How a kind of server is asked.

    forms   best first
    quiet   members that switch a thought off: it would come before what is asked for
    raw     what the model's exact text is read from: log-probabilities, or content where they are refused or say less
    faults  what is known to go wrong, with its source
    """

    forms: tuple[Form, ...] = FORMS
    quiet: Mapping[str, Any] = field(default_factory=lambda: dict(TEMPLATE))
    raw: Literal["logprobs", "content"] = "logprobs"
    faults: tuple[str, ...] = ()


TEMPLATE: Final[Mapping[str, Any]] = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
"""What templates read: Qwen, GLM, Gemma the first; DeepSeek, Kimi the second."""

_FINGERPRINTS: Final[tuple[tuple[str, str], ...]] = (
    (r"vllm-(.+)", "vllm"),
    (r"fp_ollama", "ollama"),  # ollama openai/openai.go
    (r"b(\d+)-[0-9a-z]+", "llama.cpp"),  # common/build-info.cpp.in
    (r"fp_[0-9a-f]+", "openai"),
)
_OWNERS: Final[Mapping[str, str]] = {
    "vllm": "vllm",
    "sglang": "sglang",  # sglang entrypoints/openai/protocol.py, ModelCard
    "llamacpp": "llama.cpp",  # llama.cpp tools/server/server-context.cpp
    "library": "ollama",  # ollama openai/openai.go: the namespace of the model
    "organization_owner": "lmstudio",  # as its users show GET /v1/models
}
_PATHS: Final[Mapping[str, str]] = {
    "/props": "llama.cpp",
    "/api/version": "ollama",
    "/api/v0/models": "lmstudio",
    "/get_server_info": "sglang",
    "/version": "vllm",
}


def facts_of(head: Mapping[str, Any]) -> Facts:
    """Return what the head of an answer tells."""
    fingerprint, model = head.get("system_fingerprint"), head.get("model")
    return Facts(fingerprint=fingerprint if isinstance(fingerprint, str) else "", model=model if isinstance(model, str) else "")


def identify(facts: Facts) -> Server:
    """Return the server that these facts fit; the first kind of fact that tells one counts."""
    for pattern, name in _FINGERPRINTS:
        if found := re.fullmatch(pattern, facts.fingerprint):
            return Server(name, _numbers(found[1] if found.groups() else facts.version))
    return Server(_by_others(facts), _numbers(facts.version))


def _by_others(facts: Facts) -> str:
    if facts.name:
        return facts.name
    if facts.owned_by in _OWNERS:
        return _OWNERS[facts.owned_by]
    if facts.header.casefold() == "llama.cpp":
        return "llama.cpp"
    if facts.fingerprint and facts.fingerprint == facts.model:
        return "lmstudio"  # lmstudio.ai, page on tool use
    return next((name for path, name in _PATHS.items() if path in facts.paths), "")


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: 0.32.0rc1 is (0, 32, 0), b11434-unknown is (11434,)."""
    found = re.match(r"[vb]?(\d{1,9}(?:\.\d{1,9}){0,3})", version)
    return tuple(map(int, found[1].split("."))) if found else ()


def way_of(server: Server) -> Way:
    """Return how a server is asked."""
    if server.name == "vllm" and server.version and server.version < (0, 11):
        return OLD_VLLM
    return WAYS.get(server.name, UNKNOWN_SERVER)


UNKNOWN_SERVER: Final = Way()

OLD_VLLM: Final = Way(
    (GUIDED_JSON, JSON_SCHEMA),
    faults=("a structural tag with `format` is HTTP 400: it came with xgrammar 0.1.25 (vllm#25467, September 2025)",),
)

WAYS: Final[Mapping[str, Way]] = {
    "vllm": Way(
        (STRUCTURAL_TAG, STRUCTURED_OUTPUTS, JSON_SCHEMA),
        faults=(
            "from 0.12 `guided_*` is ignored with HTTP 200 (vllm#29326)",
            "its own JSON grammar has no bound for blanks (vllm#42110, vllm#38696)",
        ),
    ),
    "sglang": Way(
        (STRUCTURAL_TAG, EBNF, JSON_SCHEMA),  # the new structural tag: sglang#10691; GBNF: its page on structured outputs
        faults=('with `tool_choice: "none"` the tools leave the prompt, and the prefix cache is lost (serving_chat.py)',),
    ),
    "llama.cpp": Way(
        (GRAMMAR, JSON_SCHEMA, JSON_OBJECT),
        raw="content",
        faults=(
            'a grammar beside tools is HTTP 400 unless `tool_choice` is "none" (tools/server/server-common.cpp)',
            "log-probabilities beside tools in a stream are HTTP 400 (the same)",
            "some templates forget a JSON schema (llama.cpp#21537), and a grammar that cannot be parsed may be left out with "
            "HTTP 200 (llama.cpp#19051)",
        ),
    ),
    "ollama": Way(
        (JSON_SCHEMA, JSON_OBJECT),
        {"reasoning_effort": "none"},  # openai/openai.go: `think: false`; chat_template_kwargs are not read
        faults=(
            "with the thought off a format is not enforced for models that think, except Gemma 4 (ollama#14645, ollama#15260)",
            "`tool_choice` is not read; a format beside tools comes before them (ollama#13750)",
            "log-probabilities only from 0.12.11",
        ),
    ),
    "lmstudio": Way(
        (JSON_SCHEMA,),
        faults=("`json_object` is HTTP 400, its error a string (lmstudio-bug-tracker#189)",),
    ),
    "openai": Way(
        (STRICT, JSON_SCHEMA, JSON_OBJECT),
        {},  # chat_template_kwargs is an unrecognized argument there
        raw="content",
        faults=("strict mode wants every property required and every object closed", "newer models refuse `max_tokens`"),
    ),
}
