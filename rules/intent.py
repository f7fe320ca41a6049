"""What a turn without a call is: an answer, an announcement, a question, a refusal, or nothing at all.

Told by English words and by punctuation, at the end of the text alone. What is none of the others is an answer.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Intent = Literal["answer", "intention", "question", "refusal", "placeholder"]

_TAIL: Final = 600
"""Characters at the end of a text that say what it leads to."""

_PLACEHOLDER: Final = re.compile(
    r"(?:[\W_]|tool[_ ]?calls?|function[_ ]?calls?|calling|the|a|tool|function|now|here|is|assistant)*\Z",
    re.IGNORECASE,
)
_REFUSAL: Final = re.compile(
    r"\W{0,4}(?:sorry,|(?:unfortunately,? )?I(?:(?:'m| am) (?:sorry|unable|not able)| (?:can ?not|can't|won't)))",
    re.IGNORECASE,
)
_ANNOUNCES: Final = re.compile(
    r"\W{0,4}(?:(?:ok(?:ay)?|alright|great|so|and|now|next|first|then),? ){0,2}"
    r"(?:(?:let me|let's|let us) (?:now |first |start by |begin by |try to )?(?!know|explain|summari|answer|clarify)\w"
    r"|I(?:'ll| will|'m going to| am going to| need to| now need to)(?: now| first| also| then| start by| begin by)? "
    r"(?:run|look|check|open|read|edit|fix|create|use|call|start|begin|examine|explore|search|view|write|update|test|verify|try"
    r"|modify|add|list|find|inspect|install|execute|proceed|implement|investigate|review|locate|apply|replace|remove|change)\b"
    r"|(?:running|checking|opening|reading|looking at|executing|calling|viewing|searching) )",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[.!?](?:[\"')*`_]*)(?:\s+|\Z)|\n+")


def intent_of(text: str) -> Intent:
    """Say what a text leads to."""
    end = text[-_TAIL:].strip()
    if len(text.strip()) <= _TAIL and _PLACEHOLDER.match(end):
        return "placeholder"
    if _REFUSAL.match(text[:80]):
        return "refusal"
    last = _last_sentence(end)
    if last.rstrip("\"')*`_ ").endswith("?"):
        return "question"
    if last.rstrip("*_` ").endswith(":") or _ANNOUNCES.match(last):
        return "intention"
    return "answer"


def _last_sentence(text: str) -> str:
    """Return what stands behind the last end of a sentence or line, the end of the text itself not counted."""
    ends = [found.end() for found in _SENTENCE.finditer(text) if found.end() < len(text)]
    return text[ends[-1] :] if ends else text
