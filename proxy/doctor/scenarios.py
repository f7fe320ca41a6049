"""What is asked at each level, and which calls are right answers: data, judged by name, schema and key facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from proxy.doctor.tools import ELEVEN, TWO
from rules.conversation import ToolCall, Tools

Level = Literal[1, 2, 3]

LEVELS: Final[Mapping[Level, str]] = {
    1: "one call, 2 tools",
    2: "11 tools, long prompt",
    3: "an agent's loop",
}


@dataclass(frozen=True, slots=True)
class Want:
    """A call that is right.

    facts  property -> a text that its value must hold, whatever the case: written out as JSON where it is no text
    """

    name: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the model: the calls that are right here, and what the tool then answers."""

    wants: tuple[Want, ...]
    result: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A conversation with a model.

    notes    a second message of the user's: OpenHands sends what it knows of the machine in one
    example  the call that the text protocol shows in its example. Like OpenHands 0.59's it leaves out `security_risk`, which the
             schema requires
    steps    the turns in which the model must go on by itself; a call that is valid and none of them is a detour
    """

    level: Level
    name: str
    tools: Tools
    system: str
    task: str
    steps: tuple[Step, ...]
    example: ToolCall
    notes: str = ""

    @property
    def key(self) -> str:
        """Level and name, as reports write it."""
        return f"{self.level} {self.name}"


DETOURS: Final = 2
"""Valid calls besides the wanted ones that a loop may make: to think first is no fault."""

DETOUR: Final = "(nothing to show)"
"""What a tool answers to a detour."""

_SHORT: Final = "You answer questions by calling tools. Call one where a tool can find the answer."

_LONG: Final = """\
You are a software engineer who works on a project by calling tools. You see nothing of the machine but what the tools return.

# How to work
- Make one call, look at what it returned, then decide on the next one. Never suppose what a tool would return.
- Each call must have all arguments that its tool requires, named as they are declared, with values of the declared kind.
  Leave out what may be left out where you have nothing to say for it.
- Paths are absolute. The project stands in /workspace.
- Do what the task says and nothing beyond it. Where the task names its steps, take them in that order.
- Say in a sentence what you are about to do, then make the call. Do not describe a call in place of making it.

# Looking around
- Look at a file before you change it, and at as much of it as the change needs.
- Prefer one search over reading many files. Narrow a search by the endings of files where you know them.
- Long output costs time: let commands print what you need, by their options or by filters.
- What a command prints about errors counts, even where the command itself succeeded.

# Changing files
- Change as little as possible. Keep the style that you find: indentation, quotes, names, the ends of lines.
- A replacement needs the text that is there now, to the character. Where it stands several times, take more lines around it.
- Never write a file anew where a few of its lines are to change.
- Do not leave behind files that you made for a trial. Do not comment out code that is not needed any more; remove it.
- Settings, names of hosts and keys belong into the files made for them. Never print a key.

# Running things
- Commands run in a shell that stays open; its folder and variables stay between the calls.
- A command that would wait for a person must be told not to. A server must be started in the background.
- Run the checks of the project after a change, and read what they print. Where they fail, find out why before you change more.
- Do not install anything unless the task demands it. Use the versions that are there.
- Nothing is pushed, published or sent to anybody.

# The risk of an action
- Tools that act take `security_risk`. It is required, and one of LOW, MEDIUM and HIGH.
- LOW: the action only looks: reading files, listing, searching, printing the state of version control.
- MEDIUM: it changes files inside the project, or runs its checks or its build.
- HIGH: it reaches beyond the project: the system's settings, other people's files, the network, anything with more rights.
- Where you are not sure, take the higher one. The person who gave the task may have set that risky actions are asked about.

# Version control
- Look at the state before you begin, so that you know which changes are yours.
- Do not commit unless you were asked to. Never rewrite what is there already.

# When it does not go on
- Where the same thing fails twice, stop and think about why. List what could be the reason, and test the likeliest first.
- Where the task cannot be done, say so with what you found out; do not pretend.
- Ask the person only what neither the project nor the tools can tell you.

# Finishing
- When all is done, call the tool made for it, with what was done and what was found, in a few sentences. Only that ends the work.
"""

_NOTES: Final = "About this machine: the project stands in /workspace, the shell is bash, the date is 2026-03-02."
_EXAMPLE: Final = ToolCall("", "run_command", {"command": "git -C /workspace status --short"})

SCENARIOS: Final[tuple[Scenario, ...]] = (
    Scenario(
        1,
        "weather",
        TWO,
        _SHORT,
        "What is the weather in Lisbon, in celsius?",
        (Step((Want("get_weather", {"city": "lisbon", "unit": "celsius"}),)),),
        ToolCall("", "convert_money", {"amount": 5, "source": "EUR", "target": "NOK"}),
    ),
    Scenario(
        2,
        "command",
        ELEVEN,
        _LONG,
        "Run the command `wc -l /workspace/src/report.py` and tell me what it prints.",
        (Step((Want("run_command", {"command": "wc -l /workspace/src/report.py"}),)),),
        _EXAMPLE,
        _NOTES,
    ),
    Scenario(
        2,
        "nested",
        ELEVEN,
        _LONG,
        "Write down a plan with track_tasks: two tasks, both still to do. The first, with the id t1, is to read the log;"
        " the second, with the id t2, is to fix the parser.",
        (Step((Want("track_tasks", {"command": "plan", "tasks": '"t2"'}),)),),
        _EXAMPLE,
        _NOTES,
    ),
    Scenario(
        3,
        "loop",
        ELEVEN,
        _LONG,
        "Take these steps, one call at a time. First view the file /workspace/app.cfg with edit_file. It names a port: with"
        " edit_file's command replace, make it one higher. Then run the command `./check.sh` with run_command. It prints a code:"
        " finish, with that code in the message.",
        (
            Step(
                (Want("edit_file", {"command": "view", "path": "app.cfg"}),), "1\t[server]\n2\thost = 127.0.0.1\n3\tport = 8417\n"
            ),
            Step(
                (Want("edit_file", {"command": "replace", "path": "app.cfg", "old_text": "8417", "new_text": "8418"}),),
                "The file /workspace/app.cfg was changed: 1 replacement.",
            ),
            Step(
                (Want("run_command", {"command": "check.sh"}),), "app.cfg: port 8418 is free\nall checks passed, code KESTREL-58"
            ),
            Step((Want("finish", {"message": "KESTREL-58"}),)),
        ),
        _EXAMPLE,
        _NOTES,
    ),
)
