"""What a step of healing is, under which terms it acts, and how the steps are run over a list of messages."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from adapters.base import Message
from rules.base import Safety
from rules.conversation import Tools

Messages: TypeAlias = list[Message]
"""Messages of OpenAI's chat API, as parsed. They are the client's: their members may hold any JSON."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a history is healed for.

    tools          what the request declares
    thoughts       pairs of markers around a thought; past thoughts are dropped where there are any
    opened         the template leaves a thought open, so that a past answer may hold the closer alone
    continues      the last message is the beginning of the answer, not a turn of the past
    system_first   the template takes one system message, and it has to be the first
    plain_content  the template takes no content but text
    merge_users    the template takes no two user messages in a row
    """

    tools: Tools = ()
    thoughts: tuple[tuple[str, str], ...] = ()
    opened: bool = False
    continues: bool = False
    system_first: bool = False
    plain_content: bool = False
    merge_users: bool = False


Heal: TypeAlias = Callable[[Messages, Terms], Messages]
"""Gives the messages as the model is to see them; what needs nothing stays the same object. Never changes its argument.

What becomes of a message depends on what stands before it and, for a call, on the results directly behind it. Nothing else that
follows counts: so a longer history begins as the shorter one did, and the server's prefix cache holds.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A history that a step is for: its test and its documentation."""

    title: str
    before: Sequence[Message]
    after: Sequence[Message]
    terms: Terms = Terms()


@dataclass(frozen=True, slots=True)
class Step:
    """A named function with its safety class, examples and documentation."""

    name: str
    safety: Safety
    apply: Heal
    examples: tuple[Example, ...]
    doc: str


def step(safety: Safety, *examples: Example) -> Callable[[Heal], Step]:
    """Make a function a step, named as the function is."""

    def register(apply: Heal) -> Step:
        return Step(apply.__name__, safety, apply, examples, inspect.getdoc(apply) or "")

    return register


@dataclass(frozen=True, slots=True)
class Healed:
    """What the steps made of a history: the messages, and which steps changed something.

    raised  steps that failed: ours to mend, and skipped here
    """

    messages: Messages
    steps: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()


def heal(messages: Messages, terms: Terms, steps: Iterable[Step], *, trap: bool = True) -> Healed:
    """Run the steps in order, and attribute every change to its step. With `trap` a step that raises is skipped and named."""
    changed: list[str] = []
    raised: list[str] = []
    for each in steps:
        try:
            outcome = each.apply(messages, terms)
            acted = outcome != messages
        except Exception:  # as in rules/base.py: a faulty step must not cost the user a turn; it is reported as ours
            if not trap:
                raise
            raised.append(each.name)
            continue
        if acted:
            changed.append(each.name)
            messages = outcome
    return Healed(messages, tuple(changed), tuple(raised))
