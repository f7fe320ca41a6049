"""System messages where a template takes one, and only at the beginning."""

from __future__ import annotations

from itertools import takewhile

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import with_text
from adapters.history.samples import USER, says, told
from adapters.messages import ROLES, text_of

_ONE = Terms(system_first=True)


def _system(text: str) -> Message:
    return {"role": "system", "content": text}


@step(
    "form",
    Example("a later one", [_system("A"), USER, _system("B")], [_system("A"), USER, told("B")], _ONE),
    Example(
        "two at the beginning",
        [_system("A"), {"role": "developer", "content": "B"}, USER],
        [_system("A\n\nB"), USER],
        _ONE,
    ),
    Example("a developer's", [{"role": "developer", "content": "A"}, USER], [_system("A"), USER], _ONE),
    Example("where the template takes them", [USER, _system("B")], [USER, _system("B")]),
    Example("one, at the beginning", [_system("A"), USER, says("B")], [_system("A"), USER, says("B")], _ONE),
)
def lead_with_system(messages: Messages, terms: Terms) -> Messages:
    """Make the system messages at the beginning one, and later ones a user's, where the template wants that.

    Why: Qwen 3.5's template refuses a system message anywhere but at the beginning, and others know no `developer`. vLLM moves
        a later developer's message into the first one, which costs its prefix cache the whole conversation.
    Safety: every word stays at its place. Only where the profile says so, or the server has refused such a request.
    """
    if not terms.system_first:
        return messages
    first = list(takewhile(_instructs, messages))
    later = [{**each, "role": "user"} if _instructs(each) else each for each in messages[len(first) :]]
    return [*_joined(first), *later]


def _instructs(message: Message) -> bool:
    return ROLES.get(str(message.get("role"))) == "system"


def _joined(first: list[Message]) -> list[Message]:
    if not first:
        return []
    joined = first[0] if first[0].get("role") == "system" else {**first[0], "role": "system"}
    for each in first[1:]:
        joined = with_text(joined, text_of(each.get("content")))
    return [joined]
