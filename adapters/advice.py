"""What the model is told when it has to answer again: its attempt, quoted as text, and what was wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.base import Message
from rules.advice import listed
from rules.advice import quoted as named
from rules.base import Problem
from rules.conversation import Turn

HEAD, TAIL = 3000, 1000
"""How much of a long attempt is quoted, in characters. The model needs to recognise it, not to read it all again."""


def ask_again(turn: Turn, raw: str, problem: Problem) -> list[Message]:
    """Return the two messages that go behind the unchanged conversation.

    The attempt goes back as the assistant's own text: as a structured call, arguments that are not valid JSON vanish in the
    server's template, and a call without a result makes Gemma invent one.
    """
    attempt = shorten(raw.strip() or quoted(turn))
    return [
        {"role": "assistant", "content": attempt or "(an empty answer)"},
        {"role": "user", "content": f"That answer could not be used. {problem.advice} {_closing(problem)}"},
    ]


def ask_under_grammar(turn: Turn, raw: str, problem: Problem, names: Sequence[str]) -> list[Message]:
    """Return the two messages that ask for some arguments alone (all of them where none is named), as a JSON object.

    names  as they are declared
    """
    attempt = shorten(raw.strip() or quoted(turn))
    call = named(problem.call.name) if problem.call else "the call"
    wanted = f"with the arguments {listed(names)} of {call}" if names else f"with all arguments of {call}"
    return [
        {"role": "assistant", "content": attempt or "(an empty answer)"},
        {"role": "user", "content": f"That answer could not be used. {problem.advice} Answer now with a JSON object {wanted}."},
    ]


def _closing(problem: Problem) -> str:
    if problem.call is None:
        return "Answer again now."
    return "Make the call again now, complete and corrected. Do not explain."


def quoted(turn: Turn) -> str:
    """Write a turn as plain text, calls included. Half a character, which cannot be sent, is written as its escape."""
    calls = (f"{call.name}({_arguments(call.arguments)})" for call in turn.calls)
    text = "\n".join(part for part in (turn.text.rstrip(), *calls) if part)
    return text.encode("utf-8", "backslashreplace").decode()


def _arguments(arguments: object) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def shorten(text: str) -> str:
    """Cut the middle out of a long text, and say how much is gone."""
    if len(text) <= HEAD + TAIL:
        return text
    return f"{text[:HEAD]}\n[... {len(text) - HEAD - TAIL} characters ...]\n{text[-TAIL:]}"
