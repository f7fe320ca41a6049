"""The tokens that end a turn, of all families: any model may write its own behind a text in a format that is nobody's."""

from __future__ import annotations

from typing import Final

END_TOKENS: Final = (
    *("<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|eom|>", "<|end|>"),
    *("<|return|>", "<turn|>", "<end_of_turn>", "<eos>", "</s>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|user|>"),
    "<|observation|>",
)

HEADER: Final = "<|im_start|>assistant\n"
"""What ChatML templates put before an answer. A model that writes it once more begins its answer with it."""


def without_end(text: str) -> str:
    """Return text without the token that ends the turn, if it ends with one."""
    body = text.rstrip()
    token = next((token for token in END_TOKENS if body.endswith(token)), "")
    return body[: len(body) - len(token)] if token else text
