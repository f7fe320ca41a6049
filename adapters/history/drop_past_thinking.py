"""What the model thought in past turns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.samples import THINKS, asks, call, part, says, told

FIELDS = ("reasoning", "reasoning_content")
"""Where servers and clients keep a thought: vLLM 0.32 takes both."""

_OPENED = replace(THINKS, opened=True)


@step(
    "policy",
    Example(
        "in a field", [asks(call("c1"), content="x") | {"reasoning_content": "Hm."}], [asks(call("c1"), content="x")], THINKS
    ),
    Example("before the text", [says("<think>\nHm.\n</think>\n\nDone.")], [says("Done.")], THINKS),
    Example("in the first part", [says([part("<|channel>thought\nHm.<channel|>Done.")])], [says([part("Done.")])], THINKS),
    Example("the template opened it", [says("Hm.\n</think>\n\nDone.")], [says("Done.")], _OPENED),
    Example("a closer and no thought", [says("Hm.\n</think>\n\nDone.")], [says("Hm.\n</think>\n\nDone.")], THINKS),
    Example("a closer that is spoken of", [says("Write </think> last.")], [says("Write </think> last.")], _OPENED),
    Example("not closed", [says("<think>Hm. Done.")], [says("<think>Hm. Done.")], THINKS),
    Example("spoken of", [says("Use <think>x</think>.")], [says("Use <think>x</think>.")], THINKS),
    Example("a user's", [told("<think>x</think>")], [told("<think>x</think>")], THINKS),
    Example("where thoughts are kept", [says("<think>Hm.</think>Done.")], [says("<think>Hm.</think>Done.")]),
    Example("to be continued", [says("<think>a</think>b")], [says("<think>a</think>b")], replace(THINKS, continues=True)),
)
def drop_past_thinking(messages: Messages, terms: Terms) -> Messages:
    """Drop thoughts from past answers, where the profile strips thinking.

    Why: a thought that some server or client let through stays in the text of all later turns; it costs its tokens each time,
        and models repeat what they thought.
    Safety: what is dropped stands in a field of its own, or between a pair of markers at the very beginning of the answer, or
        before a closer that ends its line where the template itself opens the thought. A thought without an end stays, and so
        does all that the model may have quoted.
    """
    if not terms.thoughts:
        return messages
    past = messages[:-1] if terms.continues else messages
    return [_without(each, terms) if each.get("role") == "assistant" else each for each in past] + messages[len(past) :]


def _without(message: Message, terms: Terms) -> Message:
    kept = {name: value for name, value in message.items() if name not in FIELDS or not value}
    content = kept.get("content")
    if isinstance(content, str):
        kept["content"] = _visible(content, terms)
    elif isinstance(content, list) and content:
        kept["content"] = [_visible_part(content[0], terms), *content[1:]]
    return message if kept == message else kept


def _visible_part(first: Any, terms: Terms) -> Any:
    text = first.get("text") if isinstance(first, dict) and first.get("type") == "text" else None
    return {**first, "text": _visible(text, terms)} if isinstance(text, str) else first


def _visible(text: str, terms: Terms) -> str:
    """Return what stands behind the thoughts at the beginning of a text."""
    if terms.opened and (ended := _end_of_opened(text, terms)):
        return text[ended:].lstrip("\n")
    while ended := _end(text, terms):
        text = text[ended:].lstrip("\n")
    return text


def _end(text: str, terms: Terms) -> int:
    """Return where the thought ends that a text begins with; 0: it begins with none, or with one that does not end."""
    begun = text.lstrip()
    lead = len(text) - len(begun)
    opener = max((each for each, _ in terms.thoughts if begun.startswith(each)), key=len, default="")
    ends = [(at, at + len(closer)) for each, closer in terms.thoughts if each == opener and (at := text.find(closer, lead)) >= 0]
    return min(ends)[1] if ends else 0


def _end_of_opened(text: str, terms: Terms) -> int:
    """Return where a thought ends that the template opened: at the only closer, which ends its line outside of any fence."""
    for opener, closer in terms.thoughts:
        before, found, behind = text.partition(closer)
        if not found:
            continue
        alone = not behind.strip(" \t") or behind.lstrip(" \t").startswith("\n")
        quoted = opener in before or closer in behind or before.count("```") % 2
        return 0 if quoted or not alone else len(before) + len(closer)
    return 0
