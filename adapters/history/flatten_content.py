"""Contents that are no text, where a template takes nothing else."""

from __future__ import annotations

from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.samples import USER, asks, call, part, told

_PLAIN = Terms(plain_content=True)
_IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}


@step(
    "form",
    Example("parts", [told([part("a", cache_control={"type": "ephemeral"}), part("b")])], [told("a\nb")], _PLAIN),
    Example("no parts", [asks(call("c1"), content=[])], [asks(call("c1"), content="")], _PLAIN),
    Example("nothing", [{"role": "user"}], [told("")], _PLAIN),
    Example("an image", [told([part("a"), _IMAGE])], [told([part("a"), _IMAGE])], _PLAIN),
    Example("where the template takes them", [told([part("a")])], [told([part("a")])]),
    Example("text", [USER], [USER], _PLAIN),
)
def flatten_content(messages: Messages, terms: Terms) -> Messages:
    """Write contents as text, where the template takes nothing else.

    Why: templates that put a content behind another text fail on a list, or print it. vLLM finds out by itself what a template
        takes (missing, null, `[]` and parts are all the same to it), unless it is told otherwise or finds wrong.
    Safety: only what is nothing but text, joined by newlines as vLLM joins it, and only where the server has complained. Marks
        for a cache are dropped with the parts: they say nothing to the model.
    """
    return [_flat(each) for each in messages] if terms.plain_content else messages


def _flat(message: Message) -> Message:
    content = message.get("content")
    if isinstance(content, str) or not (content is None or _texts(content) is not None):
        return message
    return {**message, "content": "\n".join(_texts(content) or ())}


def _texts(content: Any) -> list[str] | None:
    """Return the texts of a list of parts that are nothing else."""
    parts = content if isinstance(content, list) else None
    texts = [each.get("text") for each in parts or () if isinstance(each, dict) and each.get("type") == "text"]
    found = [text for text in texts if isinstance(text, str)]
    return found if parts is not None and len(found) == len(parts) else None
