"""What identifies a conversation although each of its requests is sent anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from rules.conversation import Conversation, Turn


def conversation_id(conversation: Conversation) -> str:
    """Return the same id for every request of a session: frameworks keep the system prompt and the first task."""
    head = [turn.text for turn in _head(conversation.turns)]
    return hashlib.sha256("\x00".join(head).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _head(turns: Sequence[Turn]) -> Iterator[Turn]:
    """Yield the system prompt and the first task. What a user says later is not there in the first request."""
    for turn in turns:
        if turn.role in ("system", "user"):
            yield turn
        if turn.role == "user":
            return
