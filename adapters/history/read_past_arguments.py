"""Arguments of past calls that are no JSON object as they stand."""

from __future__ import annotations

import json
from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import function_of, has_calls, name_of, with_arguments
from adapters.history.samples import FINISH, asks, call
from adapters.models.native import arguments_text, call_of
from rules.calls.read_arguments import read_arguments
from rules.conversation import Conversation, ToolCall, Turn


@step(
    "form",
    Example("encoded twice", [asks(call("c1", '"{\\"a\\": 1}"'))], [asks(call("c1", '{"a": 1}'))]),
    Example("single quotes", [asks(call("c1", "{'a': 1}"))], [asks(call("c1", '{"a": 1}'))]),
    Example("an object in place of its text", [asks(call("c1", {"a": 1}))], [asks(call("c1", '{"a": 1}'))]),
    Example(
        "nothing for a tool that needs nothing", [asks(call("c1", None, "finish"))], [asks(call("c1", "{}", "finish"))], FINISH
    ),
    Example("cut off", [asks(call("c1", '{"a": "1'))], [asks(call("c1", '{"a": "1'))]),
    Example("right, in its own spacing", [asks(call("c1", '{"a":1 }'))], [asks(call("c1", '{"a":1 }'))]),
)
def read_past_arguments(messages: Messages, terms: Terms) -> Messages:
    """Write past arguments as the text of the JSON object they are meant as.

    Why: vLLM 0.32 renders a call with anything else as a call without arguments, older ones answer with an error, and so does
        any of them for an object in place of its text; the model then learns from calls that it never made.
    Safety: the text can only mean one object, judged as in `read_arguments`. Brackets that are missing at the end are not
        supplied: nobody knows whether the call was cut off.
    """
    within = Conversation(terms.tools)
    return [_read(message, within) if has_calls(message) else message for message in messages]


def _read(message: Message, within: Conversation) -> Message:
    calls = [_with_object(call, within) for call in message["tool_calls"]]
    return message if calls == message["tool_calls"] else {**message, "tool_calls": calls}


def _with_object(call: Any, within: Conversation) -> Any:
    name = name_of(call)
    if not name:
        return call
    written = function_of(call).get("arguments")
    text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    known = call_of("", name, text)
    if isinstance(known.arguments, str):
        turn = Turn("assistant", calls=(ToolCall("", name, text, whole=False),))
        mended = read_arguments.apply(turn, within)
        known = mended.calls[0] if isinstance(mended, Turn) else known
    text = arguments_text(known)
    return call if text == written or isinstance(known.arguments, str) else with_arguments(call, text)
