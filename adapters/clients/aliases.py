"""What models call the clients' tools and their arguments, known from other frameworks: tables, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from rules.conversation import Tools, ToolSpec
from rules.kept import worked_out
from rules.kinds import lookup_of
from rules.members import names_of

TOOL_ALIASES: Final = (
    ("execute_bash", "bash"),
    ("terminal", "bash"),
    ("shell", "bash"),
    ("finish", "submit"),
    ("bash", "execute_bash"),
    ("shell", "execute_bash"),
    ("execute_command", "execute_bash"),
    ("str_replace_based_edit_tool", "str_replace_editor"),
    ("execute_bash", "terminal"),
    ("bash", "terminal"),
    ("shell", "terminal"),
    ("str_replace_editor", "file_editor"),
)
"""Names that models know from other frameworks, and the name that SWE-agent, mini-swe-agent, OpenHands 0.59 or V1 declares for
the same tool."""

Keys: TypeAlias = Mapping[str, tuple[str, ...]]
"""A declared property -> the keys that models write for it."""

_SHELL: Final[Keys] = {"command": ("code", "script", "bash", "shell", "cmd")}
_EDITOR: Final[Keys] = {
    "old_str": ("old_string", "old_text", "old"),
    "new_str": ("new_string", "new_text", "new"),
    "file_text": ("file_content", "file_contents"),
    "view_range": ("line_range", "lines", "range"),
    "insert_line": ("line", "line_number"),
}
_OPENHANDS: Final[Mapping[str, Keys]] = {
    "execute_bash": _SHELL,
    "terminal": _SHELL,
    "str_replace_editor": _EDITOR,
    "file_editor": _EDITOR,
    "execute_ipython_cell": {"code": ("command", "script", "source", "cell", "python")},
    "browser": {"code": ("command", "script", "action", "actions")},
    "think": {"thought": ("thoughts", "thinking", "reasoning", "content", "text", "message")},
    "task_tracker": {"task_list": ("tasks", "todos", "todo_list", "list", "plan")},
    "finish": {"message": ("result", "answer", "final_answer", "output", "text")},
}
_SWE_AGENT: Final[Mapping[str, Keys]] = {"bash": _SHELL, "str_replace_based_edit_tool": _EDITOR}
_CLINE: Final[Mapping[str, Keys]] = {
    "execute_command": _SHELL,
    "write_to_file": {"content": ("contents", "text", "file_text", "file_content")},
    "search_files": {"regex": ("pattern", "query", "search"), "file_pattern": ("glob", "include")},
    "attempt_completion": {"result": ("answer", "final_answer", "message", "summary", "output")},
}

KEY_ALIASES: Final[Mapping[str, Keys]] = {**_CLINE, **_SWE_AGENT, **_OPENHANDS}
"""Tool -> the keys that models write for its properties. `content` is no key of the editor's: it may be a file's or a part's."""

ANY_TOOL: Final[Keys] = {
    "command": ("cmd", "command_line", "shell_command", "bash_command"),
    "path": ("file", "filename", "file_path"),
    "file_path": ("file", "filename", "path"),
    "query": ("q", "search_query", "search_term"),
    "url": ("uri", "link"),
}
"""What any tool means by these, where it requires the property: an optional one may stand beside something else."""


@worked_out
def tool_aliases(tools: Tools) -> dict[str, str]:
    """Return the aliases of which exactly one tool is declared: between two nobody could choose."""
    declared = {tool.name for tool in tools}
    known = [(liked, name) for liked, name in TOOL_ALIASES if name in declared and liked not in declared]
    return {liked: name for liked, name in known if {each for other, each in known if other == liked} == {name}}


@worked_out
def key_aliases(tools: Tools) -> dict[str, dict[str, str]]:
    """Return, for each tool, the keys that stand for exactly one property that it declares."""
    found = {tool.name: _unique(set(_keys_of(tool))) for tool in tools}
    return {name: keys for name, keys in found.items() if keys}


def _keys_of(tool: ToolSpec) -> Iterator[tuple[str, str]]:
    """Yield keys that models write, each with a property that it may stand for."""
    lookup = lookup_of(tool.parameters)
    declared, required = names_of(lookup.applying(tool.parameters, "object")), lookup.required(tool.parameters)
    for table, known in ((KEY_ALIASES.get(tool.name, {}), declared), (ANY_TOOL, declared & required)):
        for name, keys in table.items():
            yield from ((key, name) for key in keys if name in known and key not in declared)


def _unique(pairs: set[tuple[str, str]]) -> dict[str, str]:
    keys = [key for key, _ in pairs]
    return {key: name for key, name in sorted(pairs) if keys.count(key) == 1}
