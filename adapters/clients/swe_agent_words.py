"""What the model is told under SWE-agent where its prompt says neither how to act nor with what."""

from __future__ import annotations

from adapters.models.tool_prompt import list_tools
from rules.conversation import Tools

SAY = "Say in a few words what you do next. Then take exactly one action"
"""Begins what is told wherever prose may stand before the action."""

_HOW = """\
# How to act

{how}:

{form}

You will be shown what came of it before you take the next one.

{means}

When the task is done, {submit}. The first time you may be asked to review your changes: do what you are told, then submit once \
more to confirm. Nothing counts before that."""

_SESSION = "An action is a command for bash. The session keeps its directory and variables. Besides the usual commands there are:"
_ALONE = "Each command runs in a shell of its own, which begins in the same directory. Besides `bash` there are:"
_LINES = """\
Programs that wait for input do not work. {shell}

str_replace_editor view PATH [--view_range FIRST LAST]
str_replace_editor create PATH --file_text TEXT
str_replace_editor str_replace PATH --old_str TEXT --new_str TEXT
str_replace_editor insert PATH --insert_line N --new_str TEXT
str_replace_editor undo_edit PATH
submit

Paths are absolute. TEXT is one shell word, so quote it. `--old_str` must occur exactly once in the file."""


def of_commands(how: str, form: str, *, session: bool = True) -> str:
    """Tell how to act where an action is a command line; without `session`, each in a shell of its own."""
    means = _LINES.format(shell=_SESSION if session else _ALONE)
    return _HOW.format(how=how, form=form, means=means, submit="run `submit` by itself")


def of_tools(how: str, form: str, tools: Tools) -> str:
    """Tell how to act where an action is a call of a tool."""
    return _HOW.format(how=how, form=form, means=list_tools(tools), submit="call the tool submit")
