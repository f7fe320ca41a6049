"""Past calls whose arguments nobody can read, and what is no call at all."""

from __future__ import annotations

import json
from typing import Any

from adapters.advice import quoted
from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import function_of, name_of, shown
from adapters.history.samples import USER, asks, call, part, result, says, told
from adapters.models.native import call_of
from rules.conversation import Turn

_CUT = '{"command": "ls'


@step(
    "form",
    Example(
        "cut off",
        [USER, asks(call("c1", _CUT), content="I look."), result("c1", "No JSON.")],
        [USER, says('I look.\n\nbash({"command": "ls)'), told("Result of bash (call c1):\nNo JSON.")],
    ),
    Example(
        "beside a call that is right",
        [asks(call("c1", "[1]"), call("c2")), result("c1", [part("No object.")]), result("c2")],
        [
            asks(call("c2"), content="bash([1])"),
            result("c2"),
            told([part("Result of bash (call c1):\n"), part("No object.")]),
        ],
    ),
    Example("no call at all", [asks({"id": "c1"}, content=[])], [says([part('{"id": "c1"}')])]),
    Example("a call that is right", [asks(call("c1")), result("c1")], [asks(call("c1")), result("c1")]),
)
def show_unreadable_calls(messages: Messages, terms: Terms) -> Messages:  # noqa: ARG001 - as every step
    """Show a past call whose arguments are no JSON object as text, and its result as a user's message.

    Why: vLLM 0.32 renders such a call without arguments and refuses what has no function; the model then sees that it called
        a tool with nothing, and was blamed for something else.
    Safety: every character stays, only in another place; no argument is guessed. It comes after all that can be read was read.
    """
    return shown(messages, _said)


def _said(call: Any, _result: Message | None) -> str | None:
    name, arguments = name_of(call), function_of(call).get("arguments")
    if not name:
        return json.dumps(call, ensure_ascii=False)
    known = call_of("", name, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False))
    return quoted(Turn("assistant", calls=(known,))) if isinstance(known.arguments, str) else None
