"""What a server's own error is about: told by its status and words, which are its own."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proxy.failures.base import Class


class Told(NamedTuple):
    """Class and reason code of a refusal."""

    fault: Class
    reason: str


class _Row(NamedTuple):
    statuses: tuple[int, ...]
    words: str
    told: Told


ANY: Final = (400, 404, 413, 422, 500)

TOO_LONG: Final = r"context (length|window|size)|too many tokens|prompt is too long|longer than the maximum model length"
NO_TEMPLATE: Final = r"(no|provide a|default) chat.template|chat template is (no longer|not) "
NO_MODEL: Final = r"model .{0,200}(does not exist|not found)"
NO_PARSER: Final = r"enable-auto-tool-choice|tool-call-parser"
TEMPLATE: Final = r"chat.?template|jinja|conversation roles|TemplateError|can only concatenate"
SCHEMA: Final = r"json.?schema|grammar|structured.?output|guided|tools?\[\d+\]|function\.parameters"
MESSAGES: Final = r"tool_call_id|tool_calls|messages\b|Expecting (value|property|',')|role"

ROWS: Final[tuple[_Row, ...]] = (
    _Row((401, 403), "", Told("upstream", "upstream-key")),
    _Row(ANY, TOO_LONG, Told("client-history", "context-length")),
    _Row(ANY, NO_TEMPLATE, Told("engine-template", "no-chat-template")),
    _Row(ANY, NO_MODEL, Told("upstream", "no-such-model")),
    _Row(ANY, NO_PARSER, Told("engine-parser", "no-tool-parser")),
    _Row(ANY, TEMPLATE, Told("engine-template", "template-failed")),
    _Row(ANY, SCHEMA, Told("client-schema", "schema-refused")),
    _Row(ANY, MESSAGES, Told("client-history", "history-refused")),
    _Row((404,), "model", Told("upstream", "no-such-model")),
)
"""The first one that fits counts. The words are those of vLLM 0.32, llama-server, SGLang and OpenAI, as seen or told of."""


def refused_as(status: int, words: str) -> Told:
    """Say what a server's error is about: by what it says, and where that says nothing, an error of the server."""
    for row in ROWS:
        if status in row.statuses and re.search(row.words, words, re.IGNORECASE):
            return row.told
    return Told("upstream", "upstream_refused")
