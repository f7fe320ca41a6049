"""What is said about a turn afterwards."""

from __future__ import annotations

from adapters.conversations import conversation_id
from rules.conversation import Conversation, Turn


def test_a_session_keeps_its_id() -> None:
    first = Conversation(turns=(Turn("system", "s"), Turn("user", "task")))
    later = Conversation(turns=(*first.turns, Turn("assistant", "a"), Turn("user", "more \ud800")))
    assert conversation_id(first) == conversation_id(later)
    assert conversation_id(first) != conversation_id(Conversation(turns=(Turn("system", "s"), Turn("user", "other"))))
