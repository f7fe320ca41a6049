"""mini-swe-agent's plain text: a thought and one shell command in a fence, with its output in a user's message.

    THOUGHT: I will look first.

    ```bash
    ls -la
    ```

The prompt of such a client is exported as it is, and with it the fence that it asks for (`mswea_bash_command` in 2.4). In any
other turn calls of the shell tool are written so, and the form is told behind the system prompt. Source: mini-swe-agent, the
configurations of version 1 (`bash`) and of version 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from adapters.base import Message
from adapters.messages import merge_users
from adapters.models.shell_call import command_of
from adapters.models.textual import behind_system
from proxy.export import chat
from proxy.export.taken import Taken, Unfit
from rules.conversation import ToolCall, Tools, Turn
from rules.shell_tool import shell_tool

OWN: Final = ("mini_swe_agent_fence", "evalscope_backticks")
"""Clients whose own prompt asks for such a fence."""

HARMLESS: Final = ("timeout", "security_risk")
"""Arguments of a shell tool that say nothing about what is run."""

OFF: Final = ("false", False, None)
"""Values of other arguments (`is_input`) with which the command is still a command, and nothing else."""

HOW: Final = """\
Act by shell commands. In each answer say in a few words behind "THOUGHT:" what you are about to do, then give exactly one command
in one fence, and end there:

THOUGHT: I will look first.

```bash
ls -la
```

You will be shown its output."""

_FENCE: Final = re.compile(r"^\s*(```|~~~)", re.MULTILINE)


def example(taken: Taken) -> dict[str, Any]:
    """Return a conversation that ends in what was delivered. Raises Unfit."""
    return {"messages": [*_prompt(taken), _answer(taken)]}


def pair(taken: Taken) -> dict[str, Any]:
    """Return a preference pair: `prompt`, `chosen`, `rejected`, as TRL's DPO trainer takes conversations. Raises Unfit."""
    return {"prompt": _prompt(taken), "chosen": [_answer(taken)], "rejected": [_raw(taken)]}


def _raw(taken: Taken) -> Message:
    message = chat.raw(taken)
    if "tool_calls" in message:
        raise Unfit("the model's own text of its first answer is not known")
    return message


def _answer(taken: Taken) -> Message:
    if taken.plan.prompted:
        return {"role": "assistant", "content": taken.shown}
    return {"role": "assistant", "content": _said(taken.turn, taken.plan.conversation.tools)}


def _prompt(taken: Taken) -> list[Message]:
    plan = taken.plan
    if plan.prompted:
        if plan.client.name not in OWN:
            raise Unfit("its client's prompt asks for another form of text")
        return chat.prompt(taken)
    messages = _messages(plan.conversation.turns, plan.conversation.tools)
    return behind_system(merge_users(messages), HOW)


def _messages(turns: tuple[Turn, ...], tools: Tools) -> Iterator[Message]:
    for turn in turns:
        if turn.role == "tool":
            yield {"role": "user", "content": f"<output>\n{turn.text}\n</output>"}
        else:
            yield {"role": turn.role, "content": _said(turn, tools) if turn.calls else turn.text}


def _said(turn: Turn, tools: Tools) -> str:
    """Write a turn with one call as a thought and a command. Raises Unfit."""
    if len(turn.calls) != 1:
        raise Unfit("there are several calls in one turn")
    command, thought = _command(turn.calls[0], tools), turn.text.strip()
    if _FENCE.search(command) or _FENCE.search(thought):
        raise Unfit("a command, or the words before it, holds a fence of its own")
    said = thought if thought.startswith("THOUGHT:") or not thought else f"THOUGHT: {thought}"
    return f"{said}\n\n```bash\n{command}\n```".lstrip()


def _is_shell(name: str, tools: Tools) -> bool:
    """Tell whether a tool runs shell commands: the only one that takes any, or one that is called as shells are."""
    shell = shell_tool(tools)
    return (shell is not None and shell.name == name) or command_of(ToolCall("", name, {"command": "ls"})) is not None


def _command(call: ToolCall, tools: Tools) -> str:
    if isinstance(call.arguments, str) or not _is_shell(call.name, tools):
        raise Unfit("a call is no shell command")
    others = [value for name, value in call.arguments.items() if name not in ("command", *HARMLESS)]
    command = call.arguments.get("command")
    if not isinstance(command, str) or not command.strip() or any(value not in OFF for value in others):
        raise Unfit("a call is no shell command")
    return command.strip("\n")
