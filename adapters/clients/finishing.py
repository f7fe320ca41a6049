"""How the work is handed in, framework by framework, as words for a model that does not."""

from __future__ import annotations

from typing import Final

from rules.conversation import Tools

SUBMISSION: Final = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""What a command prints to submit: mini-swe-agent's prompts tell it, and EvalScope's, which follow them."""

_SHELLS: Final = frozenset({"execute_bash", "terminal"})


def finish_of(tools: Tools, text: str = "") -> str:
    """Return how a client is told that the task is done; empty where that is not known.

    tools  what may be called: SWE-agent has `submit` beside `bash`, OpenHands `finish` beside its shell, Cline
           `attempt_completion`. `submit` alone, in anybody's own program, may mean anything
    text   what every request of the session begins with
    """
    names = {tool.name for tool in tools}
    if SUBMISSION in text:
        return f"run the command that prints {SUBMISSION}, in the way that your instructions demand"
    if {"submit", "bash"} <= names:
        return "use `submit`; if you are then asked to review your changes, use `submit` once more"
    if "finish" in names and names & _SHELLS:
        return "use `finish`"
    return "use `attempt_completion`" if "attempt_completion" in names else ""
