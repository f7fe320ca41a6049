"""The same message of the user, several times in a row."""

from __future__ import annotations

from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.samples import USER, part, says, told
from adapters.messages import text_of

_ERROR = told("Missing required parameters: command")
_MARKED = told([part("Missing required parameters: command", cache_control={"type": "ephemeral"})])


@step(
    "form",
    Example("an error notice per attempt", [USER, _ERROR, _ERROR, _ERROR], [USER, _ERROR]),
    Example("in another form", [USER, _ERROR, _MARKED], [USER, _ERROR]),
    Example("with an answer between", [_ERROR, says("What?"), _ERROR], [_ERROR, says("What?"), _ERROR]),
    Example("not the same", [USER, _ERROR, told("Go on.")], [USER, _ERROR, told("Go on.")]),
)
def collapse_repeats(messages: Messages, terms: Terms) -> Messages:  # noqa: ARG001 - as every step
    """Keep the first of several user messages in a row that say the same.

    Why: OpenHands 0.59 and mini-swe-agent throw a refused answer away and keep only their notice of it: after forty attempts
        the model sees the same sentence forty times, and little else.
    Safety: the first one says it all. It is never changed (a count in it would cost the server's prefix cache everything
        behind it), and what holds more than text is never dropped.
    """
    kept: Messages = []
    for message in messages:
        if not kept or not _same(kept[-1], message):
            kept.append(message)
    return kept


def _same(one: Message, other: Message) -> bool:
    if one.get("role") != "user" or other.get("role") != "user" or one.get("name") != other.get("name"):
        return False
    texts = _text(one.get("content")), _text(other.get("content"))
    return texts[0] is not None and texts[0] == texts[1]


def _text(content: Any) -> str | None:
    """Return the text of a content that is nothing but text."""
    only = isinstance(content, str) or (isinstance(content, list) and all(map(_is_text, content)))
    return text_of(content) if only else None


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text"
