"""All known faults, in the order in which they are looked for: what is told of one family first, what is plainer later."""

from __future__ import annotations

from typing import Final

from adapters.engine.base import Known
from adapters.engine.known.every_parser import EVERY_PARSER
from adapters.engine.known.gemma4 import GEMMA4
from adapters.engine.known.hermes import HERMES
from adapters.engine.known.qwen import QWEN

FAULTS: Final[tuple[Known, ...]] = (*GEMMA4, *QWEN, *HERMES, *EVERY_PARSER)
