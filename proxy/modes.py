"""Values that a setting may have, where the command line needs them before anything heavy is imported."""

from __future__ import annotations

from typing import Literal

Mode = Literal["repair", "observe", "off"]
"""repair: mend what is wrong. observe: change nothing, record what would have been found. off: relay."""

Bodies = Literal["on", "off"]
StreamMode = Literal["eager", "hold"]
