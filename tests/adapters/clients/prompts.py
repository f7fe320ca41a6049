"""A small first request of each client, in words of our own: what its structure shows, and nothing else of its prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.clients.mini_swe_agent_tools import SUBMISSION
from tests.adapters.clients import openhands_prompt

DOCUMENTED = """\
COMMANDS:
bash:
  docstring: any command of the shell
  signature: <command>
  arguments:
    - command (string) [required]: What to run.

open:
  docstring: shows a file
  signature: open "<path>" [<line>]

edit:
  docstring: changes lines
  signature: edit <first>:<last>
<text>
end_of_edit

submit:
  docstring: hands in the work
  signature: submit
"""

CLINE = """\
You help.

====

TOOL USE

Tags, so: <tool_name>

# Tools

## read_file
Description: Shows a file.
Parameters:
- path: (required) Where it is.
- lines: (optional) Which lines.
Usage:
<read_file>
<path>path here</path>
</read_file>

## write_to_file
Description: Writes a file.
It takes its whole content.
Parameters:
- path: (required) Where it goes.
- content: (required) All of it:
  * every line
Usage:
<write_to_file>
<path>path here</path>
<content>
text here
</content>
</write_to_file>

## execute_command
Description: Runs a command.
Parameters:
- command: (required) What to run.
Usage:
<execute_command>
<command>command here</command>
</execute_command>

## done
Description: Ends the task.
Parameters: None
Usage:
<done>
</done>

====

RULES

## Of the house
- none: (required) at all
"""


def _request(system: str, task: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": task}]
    return {"model": "gemma-4-26b", "messages": messages, **more}


def _tool(name: str, description: str = "", properties: dict[str, Any] | None = None, *required: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties or {}, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TEXT = {"type": "string"}
SHELL = _tool("bash", "A shell.", {"command": TEXT}, "command")
SWE_TOOLS = [
    _tool("bash", "runs the given command directly in bash", {"command": TEXT}, "command"),
    _tool(
        "str_replace_editor",
        "Edits.",
        {"command": {"type": "string", "enum": ["view", "create"]}, "path": TEXT, "view_range": {"type": "array"}},
        *("command", "path"),
    ),
    _tool("submit", "Hands in the work."),
]
TIMED = _tool("bash", "A shell.", {"command": TEXT, "timeout": {"type": "number"}}, "command")
FENCED = "One command:\n\n```mswea_bash_command\nls\n```"

REQUESTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "openhands_text": openhands_prompt.request,
    "swe_agent_function_calling": lambda: _request("You help.", "Fix it.", tools=SWE_TOOLS, temperature=0.0),
    "evalscope_toolcall": lambda: _request("You help.", f"Fix it. At last: echo {SUBMISSION}", tools=[TIMED], tool_choice="auto"),
    "mini_swe_agent_tools": lambda: _request("You help.", f"Fix it. At last: echo {SUBMISSION}", tools=[SHELL]),
    "openai_chat": lambda: _request("You help.", "Go.", tools=[SHELL]),
    "mini_swe_agent_tag": lambda: _request("So: <mswea_bash_command>ls</mswea_bash_command>", "Fix it."),
    "mini_swe_agent_fence": lambda: _request(FENCED, "Fix it."),
    "evalscope_backticks": lambda: _request("You help.", f"Make a bash tool call. At last: echo {SUBMISSION}"),
    "swe_agent_xml_function_calling": lambda: _request(f"{DOCUMENTED}\n<function=bash>", "Fix it."),
    "swe_agent_json": lambda: _request(f'{DOCUMENTED}\nSo: {{"thought": "", "command": {{}}}}', "Fix it."),
    "swe_agent_xml_thought_action": lambda: _request(f"{DOCUMENTED}\n<command>\nls\n</command>", "Fix it.\nbash-$"),
    "swe_agent_thought_action": lambda: _request(f"{DOCUMENTED}\n```\nls\n```", "Fix it.\nbash-$"),
    "swe_agent_action": lambda: _request("You help.", "Fix it."),
    "cline_xml": lambda: _request(CLINE, "<task>\nFix it.\n</task>"),
    "passthrough": lambda: _request("You help.", "Say a title."),
}
