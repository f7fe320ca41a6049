"""How servers are told to answer in JSON of a schema: the members of a request that say so.

Many servers ignore members that they do not know, with HTTP 200, so an answer is always read as if nothing had been enforced.
Which form is asked in first is a matter of the server (`servers.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.structured.closed import closed
from adapters.structured.gbnf import gbnf
from adapters.structured.relaxed import Unbuildable
from rules.conversation import Schema

WHITESPACE: Final = 2
"""Blanks that a grammar admits at a place. Without a bound some models write nothing else to the token limit (vllm#42110,
vllm#38696); 0 is refused by xgrammar."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask. `members` go into the request; it raises Unbuildable for a schema that it cannot carry."""

    name: str
    members: Callable[[Schema], Mapping[str, Any]]

    def carries(self, schema: Schema) -> bool:
        """Tell whether a relaxed schema can be asked for in this way."""
        try:
            self.members(schema)
        except Unbuildable:
            return False
        return True


def _structural_tag(schema: Schema) -> Mapping[str, Any]:
    inner = {"type": "json_schema", "json_schema": schema, "max_whitespace_cnt": WHITESPACE}
    return {"response_format": {"type": "structural_tag", "format": inner}}


def _json_schema(schema: Schema) -> Mapping[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "arguments", "schema": schema}}}


def _strict(schema: Schema) -> Mapping[str, Any]:
    named = {"name": "arguments", "strict": True, "schema": closed(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


STRUCTURAL_TAG: Final = Form("structural_tag", _structural_tag)
"""vLLM, SGLang: xgrammar's own JSON grammar with its blanks bounded."""
JSON_SCHEMA: Final = Form("json_schema", _json_schema)
"""OpenAI's API, and whoever imitates it."""
STRICT: Final = Form("strict_json_schema", _strict)
"""OpenAI itself: without `strict` a schema is only shown to the model."""
GRAMMAR: Final = Form("grammar", lambda schema: {"grammar": gbnf(schema)})
"""llama-server, which refuses it beside tools unless `tool_choice` is "none"."""
EBNF: Final = Form("ebnf", lambda schema: {"ebnf": gbnf(schema)})
"""SGLang."""
STRUCTURED_OUTPUTS: Final = Form("structured_outputs", lambda schema: {"structured_outputs": {"grammar": gbnf(schema)}})
"""vLLM from 0.11."""
GUIDED_JSON: Final = Form("guided_json", lambda schema: {"guided_json": schema})
"""vLLM before 0.12."""
JSON_OBJECT: Final = Form("json_object", lambda _: {"response_format": {"type": "json_object"}})
"""Whoever knows no schemas: at least it is JSON. The names of what is wanted stand in the message."""

FORMS: Final[tuple[Form, ...]] = (STRUCTURAL_TAG, JSON_SCHEMA, JSON_OBJECT)
"""The order for a server of which nothing is known, best first."""

UNKNOWN: Final = re.compile(
    r"response.?format.{0,60}(must be|not support|unsupported|unavailable|unknown)"
    r"|(not support|unsupported|unavailable).{0,40}(response.?format|json.?schema|structural.?tag|grammar|ebnf|guided)"
    r"|supported values are|input should be '|(unrecogni[sz]ed|unknown|unexpected|extra)\W.{0,60}"
    r"(response.?format|structural.?tag|grammar|ebnf|guided|structured)"
    r"|structures\W.{0,80}field required",
    re.IGNORECASE,
)
"""How a server says that it does not know a form at all, whatever the schema: llama-server, LM Studio, OpenAI, FastAPI's
validation in vLLM and SGLang."""


def unknown(words: str) -> bool:
    """Tell whether a server's complaint (HTTP 400) means the form, not the schema."""
    return UNKNOWN.search(words[:4000]) is not None
