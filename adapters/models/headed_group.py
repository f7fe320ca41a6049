"""The beginning of a call that may stand in a group of calls: Kimi K2, DeepSeek V3 and PLaMo 3 have the same one."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOISE = 80
"""Characters between the opener of a group and its first call that are taken for noise (vllm#28543)."""


def group(groups: Sequence[str], call: str, begun: str, head: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns `begun` and `head` of a frame.

    groups       markers that open a group of calls
    call         the marker that opens one call; a group or a call without it is read as well
    begun, head  patterns of what follows: all its beginnings, and the whole of it
    """
    opens, noise, calls = f"(?:{'|'.join(map(re.escape, groups))})", f"[^<]{{0,{NOISE}}}", re.escape(call)
    return (
        re.compile(rf"(?:{opens}{noise}|(?:{opens}{noise}(?={calls})|{opens})?(?:{calls})?\s*{begun})\Z"),
        re.compile(rf"(?:{opens}{noise}(?={calls})|{opens})?(?:{calls})?\s*{head}"),
    )
