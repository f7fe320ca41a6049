"""Writes a tiny GGUF model with random weights, which llama-server serves: one layer, a token for each byte, a few special ones.

    python tiny_gguf.py FILE

It talks at random, so that whatever comes out right came of the grammar. Source of the format: docs/gguf.md of ggml.
"""

from __future__ import annotations

import random
import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WIDTH, HIDDEN = 32, 64
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>")
PAIRS = ('{"', '":', '",', ' "', '"}', ", ", "tr", "true", "fa", "se", "\n ", "  ", '\\"', "er", "th", "in")

TEMPLATE = """{%- if tools %}<|im_start|>system
Tools:{% for tool in tools %}
{{ tool | tojson }}{% endfor %}
Call one: <tool_call>
{"name": NAME, "arguments": OBJECT}
</tool_call><|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or '' }}{% for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def letters() -> dict[int, str]:
    """Return the character that stands for each byte in a byte-level vocabulary, as GPT-2 has it."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


def vocabulary() -> tuple[list[str], list[str]]:
    """Return tokens and merges."""
    letter = letters()
    spelled = ["".join(letter[byte] for byte in pair.encode()) for pair in PAIRS]
    merges = [f"{word[:half]} {word[half:]}" for word in spelled for half in [len(word) // 2]]
    return [*letter.values(), *spelled, *SPECIAL], merges


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value(given: Any) -> bytes:
    """Return a value with its type."""
    if isinstance(given, str):
        return struct.pack("<I", 8) + text(given)
    if isinstance(given, float):
        return struct.pack("<If", 6, given)
    if isinstance(given, int):
        return struct.pack("<II", 4, given)
    strings = isinstance(given[0], str)
    items = b"".join(text(each) if strings else struct.pack("<i", each) for each in given)
    return struct.pack("<IIQ", 9, 8 if strings else 5, len(given)) + items


def settings(tokens: Sequence[str], merges: Sequence[str]) -> Mapping[str, Any]:
    """Return what the model says of itself."""
    end = tokens.index("<|im_end|>")
    return {
        "general.architecture": "llama",
        "general.name": "tiny",
        "llama.block_count": 1,
        "llama.context_length": 8192,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if each in SPECIAL[:3] else 4 if each in SPECIAL else 1 for each in tokens],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": tokens.index("<|endoftext|>"),
        "tokenizer.ggml.eos_token_id": end,
        "tokenizer.chat_template": TEMPLATE,
    }


def shapes(words: int) -> Mapping[str, tuple[int, ...]]:
    """Return the tensors, each with its sides."""
    square, block = (WIDTH, WIDTH), "blk.0."
    return {
        "token_embd.weight": (WIDTH, words),
        "output_norm.weight": (WIDTH,),
        "output.weight": (WIDTH, words),
        f"{block}attn_norm.weight": (WIDTH,),
        **{f"{block}attn_{each}.weight": square for each in ("q", "k", "v", "output")},
        f"{block}ffn_norm.weight": (WIDTH,),
        f"{block}ffn_gate.weight": (WIDTH, HIDDEN),
        f"{block}ffn_up.weight": (WIDTH, HIDDEN),
        f"{block}ffn_down.weight": (HIDDEN, WIDTH),
    }


def gguf(seed: int = 1) -> bytes:
    """Return the model as a file."""
    tokens, merges = vocabulary()
    told, sides = settings(tokens, merges), shapes(len(tokens))
    chance = random.Random(seed)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(sides), len(told))
    head += b"".join(text(name) + value(given) for name, given in told.items())
    data = b""
    for name, side in sides.items():
        size = side[0] * (side[1] if len(side) > 1 else 1)
        head += text(name) + struct.pack(f"<I{len(side)}QIQ", len(side), *side, 0, len(data))
        weights = [1.0] * size if "norm" in name else [chance.gauss(0, 0.1) for _ in range(size)]
        data += array("f", weights).tobytes()
        data += bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + data


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(gguf())
