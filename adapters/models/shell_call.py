"""A call of the shell tool in the dialects of text agents: only the command is written; its tool is the one that takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from adapters.base import Unwritable
from adapters.models.tool_prompt import list_tools
from rules.conversation import ToolCall, Tools
from rules.shell_tool import shell_tool

SAMPLE = ToolCall("", "bash", {"command": "ls -la"})
_SHELL = re.compile(r"bash|shell|terminal|console|command|cmd|\A(?:run|exec|execute)\Z|(?<![a-z])sh(?![a-z])", re.IGNORECASE)


def command_of(call: ToolCall) -> str | None:
    """Return the command that a call is; None where it is more than that, or its name is not a shell's.

    Which tools are declared is not known where a call is written: another tool's call must not be read as a shell command.
    """
    arguments = call.arguments
    command = arguments.get("command") if not isinstance(arguments, str) and len(arguments) == 1 else None
    return command if isinstance(command, str) and command.strip() and _SHELL.search(call.name) else None


def command_or_refuse(call: ToolCall) -> str:
    """Return the command that a call is. Raises Unwritable where it is more."""
    command = command_of(call)
    if command is None:
        raise Unwritable("a call that is not a shell command alone")
    return command


def call_of(command: str, tools: Tools, *, whole: bool) -> tuple[ToolCall, ...] | None:
    """Return the call that a command is; None where no tool, or more than one, would take it, or there is nothing to run."""
    shell = shell_tool(tools)
    return (ToolCall("", shell.name, {"command": command}, whole=whole),) if shell and command.strip() else None


def describe_shell(tools: Tools, how: str, render: Callable[[Sequence[ToolCall]], str]) -> str:
    """Describe tools and the form of a command, with `{example}` in the words where one is to stand."""
    return f"# Tools\n\n{list_tools(tools)}\n\n{how.replace('{example}', render((SAMPLE,)))}" if tools else ""
