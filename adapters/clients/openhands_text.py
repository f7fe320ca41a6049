"""OpenHands' text protocol: what it speaks to every model that is not on its list of names (Gemma 4, Qwen 3.5).

It sends no `tools`; the functions stand described in the system prompt, results come as user messages, and the answer is read
by regular expressions:

    I'll look first.

    <function=execute_bash>
    <parameter=command>ls</parameter>
    <parameter=security_risk>LOW</parameter>
    </function>

A structured call is accepted as well, one a turn, and carries what the text cannot. Source: OpenHands 0.59,
`llm/fn_call_converter.py`; V1 writes the same form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from adapters.base import Body, Client, Message
from adapters.clients.openai_chat import policy_for
from adapters.clients.openhands_functions import INTRODUCTION, read_functions
from adapters.clients.shell_text import sendable
from adapters.messages import ROLES, text_of
from rules.conversation import Conversation, Json, Policy, ToolCall, Tools, Turn

_RESULT = re.compile(r"EXECUTION RESULT of \[(?P<name>.*?)\]:\n(?P<text>.*)", re.DOTALL)
_FUNCTION = re.compile(r"<function=(?P<name>[^>\n]+)>\n")
_PARAMETER = re.compile(r"<parameter=(?P<name>[^>\n]+)>")
_TASK_BEGINS = re.compile(r"^-{10,80} NEW TASK DESCRIPTION -{10,80}\n", re.MULTILINE)
_TASK_ENDS = re.compile(r"^-{10,80} END OF NEW TASK DESCRIPTION -{10,80}$", re.MULTILINE)
CLOSE = "</function>"

# as 0.59 reads our answers, to the letter; used on what we wrote ourselves only
_FUNCTION_059 = re.compile(r"<function=(?P<name>[^>]+)>\n(?P<body>.*?)</function>", re.DOTALL)
_PARAMETER_059 = re.compile(r"<parameter=(?P<name>[^>]+)>(?P<value>.*?)</parameter>", re.DOTALL)


def recognises(body: Body) -> bool:
    """Tell this protocol by the function descriptions in a system message of a request without tools.

    A conversation with images is left to pass as it is: written anew, it would lose them.
    """
    described = any(INTRODUCTION in text_of(message.get("content")) for message in _systems(body))
    return described and not body.get("tools") and not any(map(_has_more_than_text, body.get("messages") or ()))


def _has_more_than_text(message: Message) -> bool:
    parts = message.get("content")
    return isinstance(parts, list) and any(isinstance(part, dict) and part.get("type") != "text" for part in parts)


def _systems(body: Body) -> Iterator[Message]:
    return (message for message in body.get("messages") or () if message.get("role") == "system")


def read(body: Body) -> Conversation:
    """Rebuild tools and turns from the text. Neighbouring user messages become one, as most chat templates demand."""
    tools: Tools = ()
    turns: list[Turn] = []
    for message in body.get("messages") or ():
        role, text = ROLES.get(str(message.get("role")), "user"), text_of(message.get("content"))
        if role == "system":
            text, found = read_functions(text)
            tools = tools or found
            turns.append(Turn("system", text))
        elif role == "assistant":
            turns.append(_assistant(text, tools, len(turns)))
        else:
            _take_user(text, turns)
    return Conversation(tools, tuple(_paired(turns)), policy_for(tools, POLICY))


def _assistant(text: str, tools: Tools, number: int) -> Turn:
    found = _FUNCTION.search(text)
    end = text.rfind(CLOSE)
    if found is None or end < found.end():
        return Turn("assistant", text)
    call = ToolCall(f"call_{number}", found["name"], _arguments(found["name"], text[found.end() : end], tools))
    return Turn("assistant", text[: found.start()].strip(), calls=(call,))


def _arguments(function: str, body: str, tools: Tools) -> dict[str, Json]:
    """Read a call's parameters as OpenHands wrote them: each closer ends its line, and a declared parameter or nothing follows.

    OpenHands escapes nothing, so a value may hold closers of its own.
    """
    spec = next((tool for tool in tools if tool.name == function), None)
    declared = spec.parameters.get("properties") if spec else None
    properties = declared if isinstance(declared, dict) else {}
    names = "|".join(map(re.escape, properties)) or r"[^>\n]+"
    parts = re.split(rf"</parameter>\n(?=<parameter=(?:{names})>|\Z)", body)
    found = ((part, opening) for part in parts if (opening := _PARAMETER.match(part)))
    return {opening["name"]: _value(part[opening.end() :], properties.get(opening["name"])) for part, opening in found}


def _value(text: str, schema: Json) -> Json:
    """Undo what OpenHands does to a value in its history: newlines around several lines, JSON, V1's `True` and `False`."""
    if text.count("\n") > 1 and text.startswith("\n") and text.endswith("\n"):
        text = text[1:-1]
    kind = schema.get("type") if isinstance(schema, dict) else "string"
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("array", "object", "integer", "number"):
        try:
            value: Json = json.loads(text)
        except ValueError:
            return text
        return value
    return text


def _take_user(text: str, turns: list[Turn]) -> None:
    result = _RESULT.match(text)
    last = turns[-1] if turns else None
    if result and last and last.calls and last.calls[0].name == result["name"]:
        turns.append(Turn("tool", result["text"], answers=last.calls[0].id))
        return
    text = _task(text).strip()
    if last and last.role == "user":
        turns[-1] = replace(last, text=f"{last.text}\n\n{text}".strip())
    else:
        turns.append(Turn("user", text))


def _task(text: str) -> str:
    """Return the task of a first message, without the example before it and the reminder behind it.

    V1 appends its complaints about refused calls to this message, behind the reminder, which is one line.
    """
    begins, ends = _TASK_BEGINS.search(text), list(_TASK_ENDS.finditer(text))
    if not begins or not ends or ends[-1].start() < begins.end():
        return text
    _, _, complaints = text[ends[-1].end() :].strip().partition("\n")
    return f"{text[begins.end() : ends[-1].start()].rstrip()}\n\n{complaints.strip()}".strip()


def _paired(turns: Sequence[Turn]) -> Iterator[Turn]:
    """Show a call that never got a result as the text it was: a model that sees it dangling invents the result."""
    for turn, following in zip(turns, (*turns[1:], None), strict=True):
        if turn.calls and (following is None or following.role != "tool"):
            yield Turn("assistant", f"{turn.text}\n\n{write(turn.calls[0])}".strip())
        else:
            yield turn


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call as text where OpenHands will read back exactly this call, and as one structured call where it would not."""
    turn = replace(turn, text=turn.text.replace("<function=", "<function ="))  # it would be taken for the call
    if not turn.calls:
        return turn
    call = turn.calls[0]
    if isinstance(call.arguments, str):
        return replace(turn, calls=(), text=f"{turn.text}\n\n{call.arguments}".strip())
    written = sendable(write(call))
    text = f"{turn.text}\n\n{written}" if turn.text.strip() else written
    if not _reads_back(text, call):
        return replace(turn, calls=(call,))
    return replace(turn, text=text, calls=())


def write(call: ToolCall) -> str:
    """Write a call in OpenHands' form, unpadded: 0.59 takes each blank for part of the value."""
    pairs = call.arguments.items() if not isinstance(call.arguments, str) else ()
    lines = [f"<parameter={name}>{_written(value)}</parameter>" for name, value in pairs]
    return "\n".join([f"<function={call.name}>", *lines, "</function>"])


def _written(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _reads_back(text: str, call: ToolCall) -> bool:
    """Read the text as 0.59 does. V1 strips blanks from both ends of a value, indentation as well, and mends what looks like a
    parameter inside it: such values need the structured form."""
    found = _FUNCTION_059.search(text)
    if found is None or found["name"] != call.name or text.count("<function=") != 1 or isinstance(call.arguments, str):
        return False
    read_back = {each["name"]: each["value"] for each in _PARAMETER_059.finditer(found["body"])}
    written = {name: _written(value) for name, value in call.arguments.items()}
    return read_back == written and not any(value != value.strip() or "<parameter=" in value for value in written.values())


POLICY = Policy(several="first", acts=True, prose="message", forbidden=("</function>",))
"""A value with `</function>` breaks the text of every later request: OpenHands reads its whole history again each turn."""

OPENHANDS_TEXT = Client(
    name="openhands_text",
    recognises=recognises,
    read=read,
    express=express,
    rewrites=True,
    drops=frozenset({"stop"}),
    unreadable="unreadable-functions",
)
