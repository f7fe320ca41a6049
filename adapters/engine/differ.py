"""Finds the first thing in which a server's answer differs from what the model wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.engine.base import Difference, Heard
from adapters.engine.same import same_call
from rules.conversation import ToolCall, Tools

ENDED: Final = frozenset({"stop", "tool_calls", "function_call"})
"""What a server says of an answer that the model ended."""


def difference(heard: Heard) -> Difference | None:
    """Return the first difference that matters most: in how the answer ended, in its calls, in what is said."""
    return _ending(heard) or (_calls(heard) or _said(heard) if heard.raw else None)


def _ending(heard: Heard) -> Difference | None:
    """Find a call that a limit cut, and that looks as if it were complete."""
    if not heard.cut:
        return None
    last = heard.served[-1] if heard.served else None
    if heard.finish in ENDED:
        return Difference("truncation-hidden", heard.read[-1], last)
    closed = last is not None and not isinstance(last.arguments, str) and (last.written or "{") not in heard.raw
    return Difference("call-closed-up", heard.read[-1], last) if closed else None


def _calls(heard: Heard) -> Difference | None:
    read, served = _settled(heard, heard.read), _settled(heard, heard.served)
    if len(read) == len(served):
        at = next((at for at in range(len(read)) if not _same_at(heard, at)), None)
        return None if at is None else Difference("call-misparsed", read[at], served[at])
    lost, instead = _alone(read, served, heard.tools), _alone(served, read, heard.tools)
    if len(read) > len(served):
        return Difference("call-misparsed" if instead else "call-not-parsed", lost or read[-1], instead)
    return Difference("call-misparsed" if lost else "call-invented", lost, instead or served[-1])


def _settled(heard: Heard, calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
    """Leave out a call that a limit cut: no two parsers agree on what is there of it."""
    return calls[: len(heard.read) - 1] if heard.cut else calls


def _same_at(heard: Heard, at: int) -> bool:
    theirs = heard.served[at]
    mended = heard.mended[at : at + 1] if len(heard.mended) == len(heard.served) else ()
    return any(same_call(ours, theirs, heard.tools) for ours in (heard.read[at], *mended))


def _alone(calls: Sequence[ToolCall], others: Sequence[ToolCall], tools: Tools) -> ToolCall | None:
    """Return the first call that none of the others is."""
    return next((call for call in calls if not any(same_call(call, other, tools) for other in others)), None)


def _said(heard: Heard) -> Difference | None:
    """Compare what is said and thought, letter by letter: blanks around calls and thoughts are nobody's."""
    if heard.text is None or heard.cut:
        return None
    return (_shown(heard, heard.text) if heard.text != heard.content else None) or _thought(heard)


def _shown(heard: Heard, text: str) -> Difference | None:
    said, shown, thought = _letters(text), _letters(heard.content), _letters(heard.reasoning)
    if not _within(said, shown):
        return Difference("text-in-thought" if said in thought else "text-lost")
    leaks = any(mark in heard.content and mark not in text for mark in heard.marks)
    return Difference("text-leaked") if leaks or _thinks_aloud(heard, said, shown) else None


def _thinks_aloud(heard: Heard, said: str, shown: str) -> bool:
    """Tell whether the end of a thought stands in what is said to the user, though the server sets thoughts apart."""
    lines = [each for each in map(_letters, heard.thinking.splitlines()) if len(each) > 8] if heard.splits else []
    return bool(lines) and lines[-1] in shown and lines[-1] not in said


def _thought(heard: Heard) -> Difference | None:
    """Find a thought that the server gave without its end."""
    if not heard.reasoning.strip() or heard.thinking.strip() == heard.reasoning.strip():
        return None
    ours, theirs = _letters(heard.thinking), _letters(heard.reasoning)
    return Difference("thought-lost") if ours != theirs and ours.startswith(theirs) else None


def _letters(text: str) -> str:
    return "".join(text.split())


def _within(part: str, whole: str) -> bool:
    """Tell whether all characters of a text stand in another one, in their order."""
    if part in whole:
        return True
    at = 0
    for letter in part:
        at = whole.find(letter, at) + 1
        if not at:
            return False
    return True
