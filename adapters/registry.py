"""What there is: the clients, in the order they are asked, and the dialects by name."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import Client, Dialect
from adapters.clients.cline_xml import CLINE_XML
from adapters.clients.evalscope_backticks import EVALSCOPE_BACKTICKS
from adapters.clients.evalscope_toolcall import EVALSCOPE_TOOLCALL
from adapters.clients.mini_swe_agent_fence import MINI_SWE_AGENT_FENCE
from adapters.clients.mini_swe_agent_tag import MINI_SWE_AGENT_TAG
from adapters.clients.mini_swe_agent_tools import MINI_SWE_AGENT_TOOLS
from adapters.clients.openai_chat import OPENAI_CHAT
from adapters.clients.openhands_text import OPENHANDS_TEXT
from adapters.clients.passthrough import PASSTHROUGH
from adapters.clients.swe_agent_action import SWE_AGENT_ACTION
from adapters.clients.swe_agent_function_calling import SWE_AGENT_FUNCTION_CALLING
from adapters.clients.swe_agent_json import SWE_AGENT_JSON
from adapters.clients.swe_agent_thought_action import SWE_AGENT_THOUGHT_ACTION
from adapters.clients.swe_agent_xml_function_calling import SWE_AGENT_XML_FUNCTION_CALLING
from adapters.clients.swe_agent_xml_thought_action import SWE_AGENT_XML_THOUGHT_ACTION
from adapters.models.arg_pairs import GLM, HY_V3, HY_V4, K2_HORIZON
from adapters.models.deepseek_dsml import DEEPSEEK_V4, DEEPSEEK_V32, DEEPSEEK_V41
from adapters.models.deepseek_v3 import DEEPSEEK_V3, DEEPSEEK_V31
from adapters.models.functiongemma import FUNCTIONGEMMA
from adapters.models.gemma4 import GEMMA4
from adapters.models.harmony import HARMONY
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.invoke import DOTS, FUNCTION_CALLS, MINICPM5, MINIMAX_M2, STEP3
from adapters.models.json_families import (
    APERTUS,
    COHERE,
    ERNIE,
    GIGACHAT3,
    GRANITE,
    GRANITE_20B,
    HUNYUAN,
    INKLING,
    INTERNLM,
    LONGCAT,
    PHI4,
    XLAM,
)
from adapters.models.json_fence import JSON_FENCE
from adapters.models.kimi_k2 import KIMI_K2
from adapters.models.kimi_k3 import KIMI_K3
from adapters.models.llama_json import LLAMA_JSON
from adapters.models.minimax_m3 import MINIMAX_M3
from adapters.models.mistral import MISTRAL
from adapters.models.muse_glimmer import MUSE_GLIMMER
from adapters.models.plamo3 import PLAMO3
from adapters.models.pythonic import LFM2, LLAMA4_PYTHONIC, OLMO3, PYTHONIC, TOOL_CODE
from adapters.models.qwen_xml import QWEN_XML
from adapters.models.qwen_xml_family import MIMO, SEED_OSS
from adapters.models.xml_generic import XML_GENERIC

CLIENTS: tuple[Client, ...] = (
    OPENHANDS_TEXT,  # before any other: it shows itself by its own function descriptions and by having no tools
    SWE_AGENT_FUNCTION_CALLING,  # those with tools of their own, before the one that takes any
    EVALSCOPE_TOOLCALL,  # before mini-swe-agent, whose prompt it follows
    MINI_SWE_AGENT_TOOLS,
    OPENAI_CHAT,  # has tools
    MINI_SWE_AGENT_TAG,  # its prompt speaks of fences as well
    MINI_SWE_AGENT_FENCE,
    EVALSCOPE_BACKTICKS,
    SWE_AGENT_XML_FUNCTION_CALLING,  # commands documented as all of SWE-agent's: the rarer marks first
    SWE_AGENT_JSON,
    SWE_AGENT_XML_THOUGHT_ACTION,
    SWE_AGENT_THOUGHT_ACTION,
    SWE_AGENT_ACTION,  # never shows itself
    CLINE_XML,
    PASSTHROUGH,  # takes what is left
)

_SWE_AGENT = (SWE_AGENT_FUNCTION_CALLING, OPENAI_CHAT)
_MINI_SWE_AGENT = (MINI_SWE_AGENT_TOOLS, OPENAI_CHAT, MINI_SWE_AGENT_TAG, MINI_SWE_AGENT_FENCE, PASSTHROUGH)
_EVALSCOPE = (EVALSCOPE_TOOLCALL, OPENAI_CHAT)

PREFIXES: Mapping[str, tuple[Client, ...]] = {
    "/openai": (OPENAI_CHAT, PASSTHROUGH),
    "/openhands": (OPENHANDS_TEXT, OPENAI_CHAT, PASSTHROUGH),
    "/swe-agent": (
        *_SWE_AGENT,
        SWE_AGENT_XML_FUNCTION_CALLING,
        SWE_AGENT_JSON,
        SWE_AGENT_XML_THOUGHT_ACTION,
        SWE_AGENT_THOUGHT_ACTION,
        PASSTHROUGH,
    ),
    "/swe-agent/function_calling": (*_SWE_AGENT, PASSTHROUGH),
    "/swe-agent/thought_action": (*_SWE_AGENT, SWE_AGENT_THOUGHT_ACTION),
    "/swe-agent/backticks": (*_SWE_AGENT, SWE_AGENT_THOUGHT_ACTION),
    "/swe-agent/xml_thought_action": (*_SWE_AGENT, SWE_AGENT_XML_THOUGHT_ACTION),
    "/swe-agent/xml_function_calling": (*_SWE_AGENT, SWE_AGENT_XML_FUNCTION_CALLING),
    "/swe-agent/action": (*_SWE_AGENT, SWE_AGENT_ACTION),
    "/swe-agent/json": (*_SWE_AGENT, SWE_AGENT_JSON),
    "/mini-swe-agent": _MINI_SWE_AGENT,
    "/evalscope": (*_EVALSCOPE, EVALSCOPE_BACKTICKS, PASSTHROUGH),
    "/evalscope/backticks": (*_EVALSCOPE, EVALSCOPE_BACKTICKS),
    "/cline": (OPENAI_CHAT, CLINE_XML, PASSTHROUGH),
}
"""Path prefix -> the clients it may be, for those who would rather say than be recognised: /openai/v1/chat/completions. Tools in
a request are always answered with structured calls. Otherwise the last one takes what none of the others recognises."""

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        GEMMA4,
        QWEN_XML,
        HERMES_JSON,
        GLM,
        HY_V3,
        HY_V4,
        K2_HORIZON,
        FUNCTIONGEMMA,
        SEED_OSS,
        MIMO,
        MUSE_GLIMMER,
        MISTRAL,
        DEEPSEEK_V3,
        DEEPSEEK_V31,
        KIMI_K2,
        KIMI_K3,
        HARMONY,
        PLAMO3,
        PYTHONIC,
        LLAMA4_PYTHONIC,
        LFM2,
        OLMO3,
        TOOL_CODE,
        LLAMA_JSON,
        JSON_FENCE,
        GRANITE,
        GRANITE_20B,
        PHI4,
        HUNYUAN,
        ERNIE,
        LONGCAT,
        GIGACHAT3,
        INTERNLM,
        COHERE,
        APERTUS,
        INKLING,
        XLAM,
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
