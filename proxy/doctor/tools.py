"""The tools that the scenarios declare: two simple ones, and eleven of the kinds that coding agents declare."""

from __future__ import annotations

from typing import Final

from rules.conversation import Json, Tools, ToolSpec

_Schema = dict[str, Json]


def _text(about: str, *allowed: Json) -> _Schema:
    schema: _Schema = {"type": "string", "description": about}
    return schema | {"enum": [*allowed]} if allowed else schema


def _of(kind: str, about: str, **more: Json) -> _Schema:
    return {"type": kind, "description": about, **more}


def _object(properties: dict[str, Json], *required: Json, **more: Json) -> _Schema:
    return {"type": "object", "properties": properties, "required": [*required], **more}


_RISK: Final = _text(
    "How much harm the action could do. LOW: it only looks. MEDIUM: it changes files of the project. HIGH: anything beyond that.",
    *("LOW", "MEDIUM", "HIGH"),
)
_TASK: Final = _object(
    {
        "id": _text("A short name, such as t1."),
        "title": _text("What is to be done, in a few words."),
        "status": _text("How far it is.", "todo", "in_progress", "done"),
        "notes": _text("What is worth remembering about it."),
    },
    *("id", "title", "status"),
)

TWO: Final[Tools] = (
    ToolSpec(
        "get_weather",
        "Tell what the weather in a city is now.",
        _object(
            {"city": _text("Name of the city."), "unit": _text("Scale of the temperature.", "celsius", "fahrenheit")},
            "city",
            "unit",
        ),
    ),
    ToolSpec(
        "convert_money",
        "Convert an amount of money from one currency to another.",
        _object(
            {
                "amount": _of("number", "How much."),
                "source": _text("Code of the currency that there is, such as EUR."),
                "target": _text("Code of the currency that is wanted."),
            },
            *("amount", "source", "target"),
        ),
    ),
)
"""Level 1: what one tries by hand."""

ELEVEN: Final[Tools] = (
    ToolSpec(
        "run_command",
        "Run a command in a shell that stays open between calls, and return what it prints. A command that is still running after"
        " its time can be sent input, or an empty command to see more of its output.",
        _object(
            {
                "command": _text("The command, on one line or several. Empty: show what was printed since."),
                "is_input": _text("Whether the text goes to the program that is running.", "true", "false"),
                "timeout": _of("number", "Seconds after which the command is given up."),
                "security_risk": _RISK,
            },
            *("command", "security_risk"),
        ),
    ),
    ToolSpec(
        "edit_file",
        "Look at a text file and change it. `view` shows it with line numbers, or lists a folder. `create` writes a new file."
        " `replace` puts `new_text` in the place of `old_text`, which must stand in the file exactly once, blanks included."
        " `insert` puts `new_text` behind a line.",
        _object(
            {
                "command": _text("What to do.", "view", "create", "replace", "insert"),
                "path": _text("Absolute path of the file or folder."),
                "file_text": _text("For `create`: the whole text of the file."),
                "old_text": _text("For `replace`: the text that is there now."),
                "new_text": _text("For `replace` and `insert`: the new text."),
                "insert_line": _of(
                    "integer", "For `insert`: the number of the line behind which the text goes; 0 is the beginning."
                ),
                "view_range": _of("array", "For `view`: the first and the last line to show.", items={"type": "integer"}),
                "security_risk": _RISK,
            },
            *("command", "path", "security_risk"),
        ),
    ),
    ToolSpec(
        "search_files",
        "Find the lines of the project's files that match a regular expression.",
        _object(
            {
                "pattern": _text("The regular expression."),
                "path": _text("Folder to search in; the project's own if it is left out."),
                "include": _of("array", "Only files with these endings.", items={"type": "string"}),
                "case_sensitive": _of("boolean", "Whether case matters."),
                "security_risk": _RISK,
            },
            *("pattern", "security_risk"),
        ),
    ),
    ToolSpec(
        "run_python",
        "Run Python code in a session whose variables stay, and return what it prints and the value of its last line.",
        _object({"code": _text("The code."), "security_risk": _RISK}, "code", "security_risk"),
    ),
    ToolSpec(
        "browse",
        "Fetch a web page and return its text.",
        _object(
            {
                "url": _text("Address of the page."),
                "max_length": _of("integer", "Characters of it to return at most.", minimum=1, maximum=1000000),
                "raw": _of("boolean", "Return its source in place of its text."),
                "security_risk": _RISK,
            },
            *("url", "security_risk"),
        ),
    ),
    ToolSpec(
        "query_database",
        "Ask the project's database, read only.",
        _object(
            {
                "sql": _text("One statement."),
                "limit": {
                    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}],
                    "description": "Rows to return at most.",
                },
                "format": _text("How the rows are written.", "json", "csv"),
            },
            *("sql", "format"),
        ),
    ),
    ToolSpec(
        "track_tasks",
        "Keep the list of what is to be done. `view` shows it, `plan` puts a new list in its place.",
        _object(
            {
                "command": _text("What to do.", "view", "plan"),
                "tasks": _of("array", "For `plan`: the whole list, in the order in which it is to be done.", items=_TASK),
            },
            "command",
        ),
    ),
    ToolSpec(
        "move_files",
        "Move or rename several files at once; either all of them are moved or none.",
        _object(
            {
                "moves": _of(
                    "array",
                    "Which files, and where they go.",
                    items=_object({"source": _text("Path now."), "target": _text("Path then.")}, "source", "target"),
                    minItems=1,
                ),
                "options": _object(
                    {"overwrite": _of("boolean", "Replace files that are there already."), "mode": _text("Permissions.")}
                ),
                "security_risk": _RISK,
            },
            *("moves", "security_risk"),
        ),
    ),
    ToolSpec(
        "think",
        "Write a thought down. Nothing is run and nothing is changed; use it before decisions that are hard to undo.",
        _object({"thought": _text("The thought.")}, "thought"),
    ),
    ToolSpec(
        "ask_person",
        "Ask the person who gave the task, where the work cannot go on without an answer.",
        _object(
            {
                "question": _text("The question."),
                "choices": _of("array", "Answers to choose from, where there are such.", items={"type": "string"}),
            },
            "question",
        ),
    ),
    ToolSpec(
        "finish",
        "Hand in the work. Call it once the task is done, or when it cannot be done.",
        _object(
            {
                "message": _text("What was done, for the person who gave the task."),
                "outcome": _text("How it went.", "done", "stuck"),
            },
            "message",
        ),
    ),
)
"""Levels 2 and 3: with enums, arrays, objects in arrays, unions, and arguments that may be left out."""
