"""The beginning of a call that may stand in a group of calls: Kimi K2, DeepSeek V3 and PLaMo 3 have the same one."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOISE = r"[\w\s]{0,40}"
"""Words between the opener of a group and its first call that are noise (vllm#28543), and not yet prose about the opener."""


def group(groups: Sequence[str], call: str, begun: str, head: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns `begun` and `head` of a frame.

    groups       markers that open a group of calls
    call         the marker that opens one call; a group or a call without it is read as well
    begun, head  patterns of what follows: all its beginnings, and the whole of it
    """
    opens, calls = f"(?:{'|'.join(map(re.escape, groups))})", re.escape(call)
    return (
        re.compile(rf"(?:{opens}{NOISE}|(?:{opens}{NOISE}(?={calls})|{opens})?(?:{calls})?\s*{begun})\Z"),
        re.compile(rf"(?:{opens}{NOISE}(?={calls})|{opens})?(?:{calls})?\s*{head}"),
    )
