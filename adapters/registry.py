"""What there is: the clients, in the order they are asked, and the dialects by name."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import Client, Dialect
from adapters.clients.openai_chat import OPENAI_CHAT
from adapters.clients.openhands_text import OPENHANDS_TEXT
from adapters.clients.passthrough import PASSTHROUGH
from adapters.models.backticks import BACKTICKS, MSWEA_FENCE
from adapters.models.gemma4 import GEMMA4
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.pythonic import LFM2, LLAMA4_PYTHONIC, OLMO3, PYTHONIC, TOOL_CODE
from adapters.models.qwen_xml import QWEN_XML
from adapters.models.react import REACT
from adapters.models.shell_tags import COMMAND_TAG, MSWEA_TAG
from adapters.models.thought_json import THOUGHT_JSON

CLIENTS: tuple[Client, ...] = (
    OPENHANDS_TEXT,  # before any other: it shows itself by its own function descriptions and by having no tools
    OPENAI_CHAT,  # has tools
    PASSTHROUGH,  # takes what is left
)

PREFIXES: Mapping[str, tuple[Client, ...]] = {"/openhands": CLIENTS, "/openai": (OPENAI_CHAT, PASSTHROUGH)}
"""Path prefix -> the clients it may be, for those who would rather say than be recognised: /openai/v1/chat/completions."""

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        GEMMA4,
        QWEN_XML,
        HERMES_JSON,
        PYTHONIC,
        LLAMA4_PYTHONIC,
        LFM2,
        OLMO3,
        TOOL_CODE,
        BACKTICKS,
        MSWEA_FENCE,
        MSWEA_TAG,
        COMMAND_TAG,
        THOUGHT_JSON,
        REACT,
    )
}
