"""The sharegpt form, with the tags for tools that LLaMA-Factory documents.

    {"conversations": [{"from": "human", "value": "..."}, {"from": "function_call", "value": "{\\"name\\": ...}"}],
     "system": "...", "tools": "[{\\"name\\": ...}]"}

What people and tools say (`human`, `observation`) and what the model says (`gpt`, `function_call`) must take turns, and begin
with the former. A call has no words beside it: they are left out. Several calls are a JSON list. Preferences are `chosen` and
`rejected` beside a conversation that ends with the former. Source: LLaMA-Factory, `data/README.md`, `src/llamafactory/data/`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from adapters.base import Message
from adapters.messages import text_of
from proxy.export import chat
from proxy.export.taken import Taken, Unfit

OURS: Final = ("gpt", "function_call")

Said = dict[str, str]
"""One entry of a conversation: `from` and `value`."""


def example(taken: Taken) -> dict[str, Any]:
    """Return a conversation that ends in what was delivered. Raises Unfit."""
    system, said = _conversation(chat.prompt(taken))
    return {"conversations": [*said, _said(chat.answer(taken))], "system": system, "tools": _tools(taken)}


def pair(taken: Taken) -> dict[str, Any]:
    """Return a preference pair. Raises Unfit."""
    system, said = _conversation(chat.prompt(taken))
    chosen, rejected = _said(chat.answer(taken)), _said(chat.raw(taken))
    return {"conversations": said, "chosen": chosen, "rejected": rejected, "system": system, "tools": _tools(taken)}


def _tools(taken: Taken) -> str:
    functions = [tool["function"] for tool in chat.with_tools(taken).get("tools", ()) if isinstance(tool.get("function"), dict)]
    return json.dumps(functions, ensure_ascii=False) if functions else ""


def _conversation(messages: Sequence[Message]) -> tuple[str, list[Said]]:
    """Return the system prompt, and what was said before the answer: neighbours of one side are joined. Raises Unfit."""
    head = messages[:1] if messages and messages[0].get("role") in ("system", "developer") else ()
    said: list[Said] = []
    for each in map(_said, messages[len(head) :]):
        if said and (said[-1]["from"] in OURS) == (each["from"] in OURS):
            said[-1] = _joined(said[-1], each)
        else:
            said.append(each)
    if not said or said[0]["from"] in OURS or said[-1]["from"] in OURS:
        raise Unfit("sharegpt wants a conversation in turns, from a person's words on")
    return "".join(text_of(each.get("content")) for each in head), said


def _joined(first: Said, second: Said) -> Said:
    if "function_call" in (first["from"], second["from"]):
        raise Unfit("sharegpt wants a conversation in turns, from a person's words on")
    return {**first, "value": f"{first['value']}\n\n{second['value']}"}


def _said(message: Message) -> Said:
    """Write one message. Raises Unfit."""
    content, role = message.get("content"), message.get("role")
    if isinstance(content, list) and any(part.get("type") != "text" for part in content if isinstance(part, dict)):
        raise Unfit("sharegpt carries text only, and there is an image or the like")
    if role == "assistant":
        calls = message.get("tool_calls")
        return _called(calls) if calls else {"from": "gpt", "value": text_of(content)}
    if role in ("tool", "function"):
        return {"from": "observation", "value": text_of(content)}
    if role == "user":
        return {"from": "human", "value": text_of(content)}
    raise Unfit("sharegpt has its system prompt at the beginning only")


def _called(calls: Sequence[Message]) -> Said:
    """Write calls. Those whose arguments nobody can read are told as the text they are: the form has no other place for them."""
    functions = [each["function"] for each in calls]
    made = [{"name": each["name"], "arguments": chat.object_of(each["arguments"])} for each in functions]
    value = json.dumps(made[0] if len(made) == 1 else made, ensure_ascii=False)
    readable = all(isinstance(each["arguments"], dict) for each in made)
    return {"from": "function_call" if readable else "gpt", "value": value}
