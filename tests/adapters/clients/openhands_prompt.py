"""A small request of OpenHands' structure, in words of our own."""

from __future__ import annotations

from typing import Any

FUNCTIONS = """\
---- BEGIN FUNCTION #1: execute_bash ----
Description: Run a command.

It has a second paragraph.
Parameters:
  (1) command (string, required): What to run. (See below.)
It may have several lines.
  (2) is_input (string, optional): Whether it is input.
Allowed values: [`true`, `false`]
  (3) timeout (number, optional): Seconds.
  (4) security_risk (string, required): How risky it is.
Allowed values: [`LOW`, `MEDIUM`, `HIGH`]
---- END FUNCTION #1 ----

---- BEGIN FUNCTION #2: editor ----
Description: Edit a file.
Parameters:
  (1) command (string, required): What to do.
  (2) path (string, optional): Where.
  (3) view_range (array[integer], optional): Lines.
      Array items:
        Type: integer
---- END FUNCTION #2 ----

---- BEGIN FUNCTION #3: plan ----
Description: Plan.
Parameters:
  (1) tasks (array[object], optional): The tasks.
      Array items:
        Type: object
          Object properties:
            - title (string, required): Its title.
            - notes (string, optional): Notes.
---- END FUNCTION #3 ----

---- BEGIN FUNCTION #4: finish ----
Description: End.
No parameters are required for this function.
---- END FUNCTION #4 ----
"""


def system_prompt() -> str:
    """Return a system prompt with functions and the format's own words around them."""
    return (
        "You are an agent.\nYou have access to the following functions:\n\n"
        f"{FUNCTIONS}\n\nCall one a turn:\n\n<function=NAME>\n<parameter=KEY>VALUE</parameter>\n</function>\n\n"
        "<IMPORTANT>\nOne only.\n</IMPORTANT>\n"
    )


def first_message(task: str) -> str:
    """Return the first user message: an example, the task, and a reminder."""
    return (
        "An example.\n\n--------------------- START OF EXAMPLE ---------------------\n\nUSER: List files.\n\nASSISTANT: Sure.\n"
        "<function=execute_bash>\n<parameter=command>\nls\n</parameter>\n</function>\n\nUSER: EXECUTION RESULT of [execute_bash]:\na.txt\n\n"
        "--------------------- END OF EXAMPLE ---------------------\n\nNot the same here.\n\n"
        f"--------------------- NEW TASK DESCRIPTION ---------------------\n{task}\n"
        "--------------------- END OF NEW TASK DESCRIPTION ---------------------\n\nOne call a message.\n"
    )


def request(*messages: dict[str, Any], task: str = "Do it.") -> dict[str, Any]:
    """Return a whole request."""
    head = [
        {"role": "system", "content": system_prompt()},
        {"role": "user", "content": first_message(task)},
        {"role": "user", "content": "<RUNTIME_INFORMATION>\nhere\n</RUNTIME_INFORMATION>"},
    ]
    return {"model": "gemma-4-26b", "messages": [*head, *messages], "stop": ["</function"], "temperature": 0.0, "top_p": 1.0}
