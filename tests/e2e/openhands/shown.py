"""Was the model shown its own mistake? The one assumption about how it learns.

It corrects itself only when the conversation holds its failed attempt (as its own turn, or quoted whole, with the name)
and a complaint about it. A complaint alone does not help, since that is all OpenHands gives: it throws the failed turn away.
"""

import re
from collections.abc import Sequence

from .answers import Answer, Parsed, Raw, WireCall
from .task import Message, text_of

_COMPLAINT = re.compile(
    r"\b(errors?|invalid|malformed|missing|required|unknown|unexpected|unreadable|wrong|incorrect|incomplete|failed|rejected"
    r"|truncated|cut off|empty|unable|not|no|cannot|must|instead|again)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\b(empty|blank|nothing|no (answer|content|text|action|(tool |function )?calls?))\b", re.IGNORECASE)
_END_OF_TASK = "</RUNTIME_INFORMATION>"
"""What stands before it is the task and the framework's own example: nobody's complaint."""

_SPECIAL = re.compile(r'<\|?(tool_call|channel|turn)\|?>|<\|"\|>')


def was_shown(since: Sequence[Message], attempt: Answer) -> bool:
    """Tell whether the messages since the last success hold the attempt and, there or later, a complaint."""
    messages = [_spoken(message) for message in since if message.get("role") != "system"]
    for at, (message, text) in enumerate(messages):
        if message.get("role") == "assistant":
            if _is_turn(message, text, attempt) and _any_complaint(messages[at + 1 :]):
                return True
        elif _quotes(text, attempt) and _any_complaint(messages[at:]):
            return True
    return False


def _spoken(message: Message) -> tuple[Message, str]:
    """Return the message with what it says besides the task itself."""
    text = text_of(message)
    if message.get("role") == "user" and "START OF EXAMPLE" in text and _END_OF_TASK not in text:
        return message, ""
    return message, text.rpartition(_END_OF_TASK)[2]


def _any_complaint(messages: Sequence[tuple[Message, str]]) -> bool:
    return any(message.get("role") != "assistant" and _COMPLAINT.search(text) for message, text in messages)


def _is_turn(message: Message, text: str, attempt: Answer) -> bool:
    """Tell whether an assistant turn since the last success is the attempt: it said something, or it said nothing."""
    return bool(text.strip() or message.get("tool_calls")) or _is_empty(attempt)


def _is_empty(attempt: Answer) -> bool:
    return isinstance(attempt, Parsed) and not attempt.calls and not _bare(_outside_thinking(attempt.content or ""))


def _quotes(text: str, attempt: Answer) -> bool:
    """Tell whether a message quotes the whole attempt; an empty one is quoted by saying that it was."""
    if _is_empty(attempt) and _NOTHING.search(text):
        return True
    said = _bare(text)
    match attempt:
        case Raw(text=raw):
            return any(_bare(form) in said for form in (raw, _outside_thinking(raw)))
        case Parsed(calls=()):
            return bool(attempt.content) and _bare(attempt.content or "") in said
        case Parsed(calls=calls):
            return all(_quotes_call(text, call) for call in calls)


def _quotes_call(text: str, call: WireCall) -> bool:
    """Tell whether a text holds the name and the arguments as they were written."""
    said, name = _bare(text), _bare(call.name)
    if not call.arguments:
        return f"{name}()" in said or (name in said and bool(_NOTHING.search(text)))
    return name in said and _bare(call.arguments) in said


def _outside_thinking(text: str) -> str:
    return text.rpartition("</think>")[2]


def _bare(text: str) -> str:
    """Leave out what quoting may change: blanks, quotes, escapes, special tokens."""
    return re.sub(r"\\n|[\s\"'`\\]", "", _SPECIAL.sub("", text))
