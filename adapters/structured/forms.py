"""How servers are told to answer in JSON of a schema: the members of a request that say so, best first.

vLLM ignores members that it does not know, with HTTP 200, so an answer is always read as if nothing had been enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rules.conversation import Schema

WHITESPACE: Final = 2
"""Blanks that a grammar admits at a place. Without a bound some models write nothing else to the token limit (vllm#42110,
vllm#38696); 0 is refused by xgrammar."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask. `members` go into the request; `refused` tells a server's complaint about them (HTTP 400)."""

    name: str
    members: Callable[[Schema], Mapping[str, Any]]
    refused: str


def _structural_tag(schema: Schema) -> Mapping[str, Any]:
    inner = {"type": "json_schema", "json_schema": schema, "max_whitespace_cnt": WHITESPACE}
    return {"response_format": {"type": "structural_tag", "format": inner}}


def _json_schema(schema: Schema) -> Mapping[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "arguments", "schema": schema}}}


def _guided_json(schema: Schema) -> Mapping[str, Any]:
    return {"guided_json": schema}


FORMS: Final[tuple[Form, ...]] = (
    Form("structural_tag", _structural_tag, r"structural.?tag|response_format|max_whitespace|grammar|xgrammar|guidance"),
    Form("json_schema", _json_schema, r"json.?schema|response_format|grammar|guidance"),
    Form("guided_json", _guided_json, r"guided"),
)
"""vLLM 0.32 and newer; OpenAI's API, llama-server, SGLang, Ollama and LM Studio; vLLM before 0.12."""
