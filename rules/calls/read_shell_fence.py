"""A shell command that came as a fenced block instead of a call."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from rules.base import Example, rule
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.samples import BASH, EDITOR, WAIT
from rules.shell_tool import shell_tool

_FENCE: Final = re.compile(r"\s*```(?:bash|sh|shell|zsh)[ \t]*\n(?P<command>.*?)\n?```\s*", re.DOTALL)
_ACTS: Final = Conversation((BASH, WAIT, EDITOR), policy=Policy(acts=True))
_TALKS: Final = replace(_ACTS, policy=Policy())
_FENCED: Final = Turn("assistant", "```bash\nls -la\n```")
_CALL: Final = Turn("assistant", calls=(ToolCall("", "execute_bash", {"command": "ls -la"}),))
_PROSE: Final = Turn("assistant", "You can run it like this:\n```bash\nls -la\n```")
_TWO: Final = Turn("assistant", "```bash\nls\n```\n```bash\npwd\n```")


@rule(
    "guess",
    Example("nothing but a command", _FENCED, _CALL, _ACTS),
    Example("a command in prose is quoted", _PROSE, _PROSE, _ACTS),
    Example("two commands: which one?", _TWO, _TWO, _ACTS),
    Example("a client that takes prose", _FENCED, _FENCED, _TALKS),
)
def read_shell_fence(turn: Turn, within: Conversation) -> Turn:
    """Take an answer that is one fenced shell command, and nothing else, for a call of the one shell tool.

    Why: models trained on text actions answer so, and OpenHands takes it for idle talk until its stuck detector ends the
        session.
    Safety: only where the client takes every turn for an action, the fence is the whole answer and names a shell, the model
        ended it itself, and exactly one tool takes a free `command`.
    """
    found = _FENCE.fullmatch(turn.text)
    if not within.policy.acts or turn.calls or found is None or turn.ending != "stop":
        return turn
    shell = shell_tool(within.tools)
    if shell is None or "```" in found["command"]:
        return turn
    return replace(turn, text="", calls=(ToolCall("", shell.name, {"command": found["command"]}),))
