"""What is said about a turn afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from adapters.conversations import conversation_id
from adapters.guards.repeat import Reason
from adapters.registry import CLIENTS
from adapters.turns import ECHOED, RECOVERED
from proxy.engine import REREAD
from proxy.errors import BadRequest, UpstreamTimeout
from proxy.notes import MENDED_BY, End, Outcome
from rules.conversation import Conversation, Turn
from rules.registry import RULES

DOCS = Path(__file__).parents[2] / "docs" / "journal.md"


def test_every_reason_code_is_in_the_docs() -> None:
    text = DOCS.read_text("utf-8")
    sources = [*Path("rules").rglob("*.py"), Path("proxy/answer.py"), Path("proxy/notes.py")]
    root = DOCS.parents[1]
    codes = {client.unreadable for client in CLIENTS if client.unreadable} | set(get_args(Reason))
    codes |= {code for path in sources for code in re.findall(r'Problem\(\s*"([a-z-]+)"', (root / path).read_text("utf-8"))}
    assert len(codes) >= 6
    for code in codes | {"missing-arguments", "wrong-arguments", "missing-done", "call-not-parsed", "call-misparsed"}:
        assert f"`{code}`" in text, code


def test_only_rules_that_exist_are_classed() -> None:
    assert set(MENDED_BY) <= {rule.name for rule in RULES} | {RECOVERED, ECHOED, REREAD}


def test_how_a_turn_ended_is_told_apart() -> None:
    assert Outcome.of((), End()).name == "aborted"
    assert Outcome.of((), End(error=UpstreamTimeout("x"), complete=True)).fault == "upstream"
    assert Outcome.of((), End(error=BadRequest("x"), complete=True)).fault == "client-schema"


def test_a_session_keeps_its_id() -> None:
    first = Conversation(turns=(Turn("system", "s"), Turn("user", "task")))
    later = Conversation(turns=(*first.turns, Turn("assistant", "a"), Turn("user", "more \ud800")))
    assert conversation_id(first) == conversation_id(later)
    assert conversation_id(first) != conversation_id(Conversation(turns=(Turn("system", "s"), Turn("user", "other"))))
