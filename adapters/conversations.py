"""What identifies a conversation although each of its requests is sent anew."""

from __future__ import annotations

import hashlib

from rules.conversation import Conversation


def conversation_id(conversation: Conversation) -> str:
    """Return the same id for every request of a session: frameworks keep the system prompt and the first task."""
    head = [turn.text for turn in conversation.turns if turn.role in ("system", "user")][:2]
    return hashlib.sha256("\x00".join(head).encode("utf-8", "surrogatepass")).hexdigest()[:16]
