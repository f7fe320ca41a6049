"""The dialects of models that write Qwen's XML in a way of their own.

Seed-OSS has wrapper and thoughts under names of its own:

    <seed:tool_call>
    <function=get_weather>
    <parameter=city>Paris</parameter>
    </function>
    </seed:tool_call>

MiMo has Qwen's tags, and every character between those of a parameter belongs to its value. Step 3.5 writes as Qwen does and
needs no more than a profile. Source: the chat template of Seed-OSS, and vLLM's parsers seed_oss and mimo (0.32).
"""

from __future__ import annotations

from adapters.models.qwen_xml import THINKING, dialect
from adapters.models.tags.qwen_xml_tags import Writing

SEED_OSS = dialect("seed_oss", Writing(wrapper="seed:tool_call", ends=("<seed:eos>",)), (("<seed:think>", "</seed:think>"),))
MIMO = dialect("mimo", Writing(framed=False), THINKING)
