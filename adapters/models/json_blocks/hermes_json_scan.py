"""The markers around a Hermes block, and how to find its end."""

from __future__ import annotations

from functools import partial

from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_wrapped import WrappedScan

OPEN, CLOSE, RESPONSE = "<tool_call>", "</tool_call>", "<tool_response>"
ENDS = ("<|im_end|>", "<|endoftext|>")
FRAME = Frame(OPEN, CLOSE, (RESPONSE, *ENDS))
HermesScan = partial(WrappedScan, FRAME)
"""Scans a block; made for the tools that it may name."""
