"""The task that OpenHands is given, and the three or four calls by which it is done."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Arguments = dict[str, object]
"""The arguments of a call, by name."""

Message = Mapping[str, object]
"""One message of a request, as it came."""

Step = Literal["plan", "create", "run", "finish"]
"""What is to be done next."""

TASK = "Write hello.py, a program whose function main prints 'Hello from OpenHands'. Run it, then finish."
FILE = "hello.py"
SAYS = "Hello from OpenHands"
PROGRAM = f"def main():\n    print('{SAYS}')\n\n\nmain()\n"
"""Several lines, an indentation, blank lines and quotes: whatever is lost on the way shows."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the model means it."""

    name: str
    arguments: Arguments


def is_right(content: str) -> bool:
    """Tell whether the file is as meant; only the last line break is free."""
    return content.removesuffix("\n") == PROGRAM.removesuffix("\n")


def text_of(message: Message) -> str:
    """Return the text of a message whose content is a string, a list of parts, or nothing."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def is_result(message: Message) -> bool:
    """Tell a tool's result, in either protocol. (The example in the prompt has `USER: ` before it.)"""
    if message.get("role") == "tool":
        return True
    return message.get("role") == "user" and bool(re.search(r"^EXECUTION RESULT of \[", text_of(message), re.MULTILINE))


def _done_by(message: Message) -> Step | None:
    """Return the step whose success this message reports."""
    if not is_result(message):
        return None
    text = text_of(message)
    if re.search(rf"^{SAYS}$", text, re.MULTILINE):
        return "run"
    if "File created successfully" in text:
        return "create"
    return "plan" if re.search(r"task list .*updated", text, re.IGNORECASE) else None


def progress(messages: Sequence[Message], *, plan: bool) -> tuple[Step, Sequence[Message]]:
    """Return the next step, and the messages since the last success."""
    done = {"plan"} if not plan else set()
    since = 0
    for at, message in enumerate(messages, start=1):
        if step := _done_by(message):
            done.add(step)
            since = at
    order: tuple[Step, ...] = ("plan", "create", "run")
    return next((step for step in order if step not in done), "finish"), messages[since:]


def _directory(messages: Sequence[Message]) -> str:
    """Read the working directory from what OpenHands says of its runtime."""
    for message in messages:
        if found := re.search(r"working directory is (/\S*)", text_of(message)):
            return found[1].rstrip("/.")
    return "/workspace"


def call_for(step: Step, messages: Sequence[Message]) -> Call:
    """Return the call that does the step, written without a fault."""
    match step:
        case "plan":
            tasks = [{"id": "1", "title": "write and run hello.py", "status": "in_progress"}]
            return Call("task_tracker", {"command": "plan", "task_list": tasks})
        case "create":
            path = f"{_directory(messages)}/{FILE}"
            return Call(
                "str_replace_editor",
                {"command": "create", "path": path, "file_text": PROGRAM, "security_risk": "LOW"},
            )
        case "run":
            return Call("execute_bash", {"command": f"python3 {FILE}", "security_risk": "LOW"})
        case "finish":
            return Call("finish", {"message": f"{FILE} is written; it was run and says so."})


def as_json(value: object) -> str:
    """Write JSON as models do: with blanks, without escapes."""
    return json.dumps(value, ensure_ascii=False)
