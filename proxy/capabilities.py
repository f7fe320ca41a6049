"""What a model server can do, as far as it is known: a value, what `/version` and `/v1/models` tell of it, and what follows.

`None` stands for "not known" throughout: what was asked and not answered, or could not be told apart, is never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import orjson

from adapters.structured.servers import Facts, Server, identify
from proxy.concessions import CONCESSIONS, NO_LOGPROBS, NO_STRICT, Concession
from proxy.reading import as_dict, as_list, as_text

NO_PARSER: Final = "none"
"""The tool parser of a server that has none, and refuses tools."""

SOME: Final = "yes"
"""The reasoning parser of a server that sets thoughts apart, of which form has not been seen."""

LOADERS: Final = frozenset({"ollama", "lmstudio"})
"""Servers that load a model when it is asked for."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server can do for one of its models.

    server            which server it is; empty: not one that is known here
    models            the names that it serves
    max_model_len     tokens of prompt and answer together
    logprobs          it sends log-probabilities, so that the exact raw text can be rebuilt
    forms             ways to ask for JSON of a schema (`adapters.structured.forms`), by name, and whether each is enforced
    structured_outputs  vLLM's request member of that name is enforced
    strict            a named tool with `strict: true` gets arguments of its schema
    tool_parser       the dialect in which the server reads calls; "none": it has no tool parser
    reasoning_parser  the opening marker of thoughts that the server takes out of the text; "yes": it does, of which is not known
    thinking_switch   with `enable_thinking` and `thinking` false no thought comes
    fingerprint       `system_fingerprint` of its answers
    """

    server: str = ""
    version: str | None = None
    models: tuple[str, ...] = ()
    max_model_len: int | None = None
    logprobs: bool | None = None
    forms: Mapping[str, bool | None] = field(default_factory=dict)
    structured_outputs: bool | None = None
    strict: bool | None = None
    tool_parser: str | None = None
    reasoning_parser: str | None = None
    thinking_switch: bool | None = None
    fingerprint: str | None = None

    @property
    def structural_tag(self) -> bool | None:
        """Whether structural tags are enforced."""
        return self.forms.get("structural_tag")

    @property
    def ignored(self) -> frozenset[str]:
        """Names of the forms that were asked for and not enforced."""
        return frozenset(name for name, enforced in self.forms.items() if enforced is False)

    def seen_as(self, facts: Facts) -> Server:
        """Return the server, by what is known of it and by facts of its last answer."""
        return identify(replace(facts, name=self.server, version=self.version or ""))

    def fields(self) -> dict[str, Any]:
        """Return what is known, for the operator."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", (), {})}


def conceded(known: Capabilities, learned: Collection[Concession] = ()) -> frozenset[Concession]:
    """Return what requests have to do without, from the first one on."""
    silent = frozenset({NO_LOGPROBS}) if known.logprobs is False else frozenset()
    loose = frozenset({NO_STRICT}) if known.strict is False else frozenset()
    parserless = frozenset(each for each in CONCESSIONS if each.name == "tools_in_prompt" and known.tool_parser == NO_PARSER)
    return frozenset(learned) | silent | loose | parserless


@dataclass(frozen=True, slots=True)
class Served:
    """One entry of `/v1/models`. `base`: the model that this name stands for, or that it is an adapter of."""

    name: str
    base: str
    owner: str
    max_model_len: int | None


def read_version(body: bytes) -> str | None:
    """Read the answer to `/version`, which is vLLM's and its relatives'."""
    return as_text(_object(body).get("version"))[:40] or None


def read_models(body: bytes) -> tuple[Served, ...]:
    """Read the answer to `/v1/models`: of a LoRA adapter vLLM tells the parent, of two names for one model the same root."""
    entries = _named(_object(body))
    roots = {each["id"]: as_text(each.get("root")) or each["id"] for each in entries}
    return tuple(
        Served(
            each["id"],
            roots.get(as_text(each.get("parent")), roots[each["id"]]),
            as_text(each.get("owned_by")),
            _length(each.get("max_model_len")),
        )
        for each in entries
    )


def named_models(body: bytes) -> list[dict[str, Any]]:
    """Return the entries of an answer to `/v1/models` as they are. Raises orjson.JSONDecodeError where it is no JSON."""
    return _named(as_dict(orjson.loads(body)))


def _named(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in map(as_dict, as_list(answer.get("data"))) if as_text(each.get("id"))]


def server_of(served: Collection[Served], header: str) -> str:
    """Say which server it is, by its `Server` header and by whom its models belong to."""
    told = (identify(Facts(header=header, owned_by=each.owner)).name for each in served)
    return next(filter(None, told), identify(Facts(header=header)).name)


def at_once(server: str, served: Collection[Served]) -> str | None:
    """Return the model that may be asked without anybody's wish: one that is loaded. Asking for any other may load it."""
    bases = {each.base for each in served}
    if not bases or server in LOADERS or (len(bases) > 1 and server not in ("vllm", "sglang")):
        return None
    return next(each.name for each in served)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return as_dict(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {}


def _length(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
