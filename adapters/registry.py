"""What there is: the clients, in the order they are asked, and the dialects by name."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import Client, Dialect
from adapters.clients.openai_chat import OPENAI_CHAT
from adapters.clients.openhands_text import OPENHANDS_TEXT
from adapters.clients.passthrough import PASSTHROUGH
from adapters.models.deepseek_dsml import DEEPSEEK_V4, DEEPSEEK_V32, DEEPSEEK_V41
from adapters.models.gemma4 import GEMMA4
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.invoke import DOTS, FUNCTION_CALLS, MINICPM5, MINIMAX_M2, STEP3
from adapters.models.minimax_m3 import MINIMAX_M3
from adapters.models.qwen_xml import QWEN_XML
from adapters.models.xml_generic import XML_GENERIC

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
        MINIMAX_M2,
        MINIMAX_M3,
        DEEPSEEK_V32,
        DEEPSEEK_V4,
        DEEPSEEK_V41,
        STEP3,
        DOTS,
        MINICPM5,
        FUNCTION_CALLS,
        XML_GENERIC,  # last: its tags are ordinary words
    )
}
