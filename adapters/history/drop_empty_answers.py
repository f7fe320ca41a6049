"""Answers that say nothing and do nothing."""

from __future__ import annotations

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.samples import USER, asks, call, part, says, told

_TELLING = ("tool_calls", "function_call", "refusal", "audio", "reasoning", "reasoning_content")
"""Members that say something beside the content."""

_AGAIN = told("Your answer was empty.")


@step(
    "form",
    Example("nothing at all", [USER, says(""), _AGAIN], [USER, _AGAIN]),
    Example("null", [USER, says(None), _AGAIN], [USER, _AGAIN]),
    Example("a part without text", [USER, says([part("\n")]), _AGAIN], [USER, _AGAIN]),
    Example("a call without text", [USER, asks(call("c1"), content=[])], [USER, asks(call("c1"), content=[])]),
    Example("to be continued", [USER, says("")], [USER, says("")], Terms(continues=True)),
    Example("nothing else", [says("")], [says("")]),
)
def drop_empty_answers(messages: Messages, terms: Terms) -> Messages:
    """Drop past answers without text and calls.

    Why: SWE-agent and OpenHands keep them, and litellm puts them between two user messages; a model that sees that it answered
        with nothing does so again.
    Safety: nothing was said. A server whose template wants something between two user messages says so, and gets them as one.
    """
    past = messages[:-1] if terms.continues else messages
    kept = [each for each in past if not _is_empty(each)] + messages[len(past) :]
    return kept or messages


def _is_empty(message: Message) -> bool:
    if message.get("role") != "assistant" or any(message.get(name) for name in _TELLING):
        return False
    content = message.get("content")
    if isinstance(content, str):
        return not content.strip()
    return content is None or (isinstance(content, list) and all(map(_says_nothing, content)))


def _says_nothing(part: object) -> bool:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else part
    return isinstance(text, str) and not text.strip()
