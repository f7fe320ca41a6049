"""OpenHands' text protocol from the framework's side: functions written into the prompt, answers read by regular expression.

The form is OpenHands 0.59's (`llm/fn_call_converter.py`); the words around it are ours. What its parser refuses is refused here,
what it lets pass (a number that comes as text) passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapters.base import Message
from adapters.clients.openhands_functions import INTRODUCTION
from adapters.clients.openhands_text import CLOSE, write
from proxy.doctor.judge import Wrong
from proxy.doctor.scenarios import Scenario
from rules.conversation import Json, ToolCall, Tools, ToolSpec

__all__ = ["opening", "prose", "read", "write"]

_FUNCTION: Final = re.compile(r"<function=([^>]+)>\n(.*?)</function>", re.DOTALL)
_PARAMETER: Final = re.compile(r"<parameter=([^>]+)>(.*?)</parameter>", re.DOTALL)
_BEGIN: Final = INTRODUCTION.rstrip().partition("\n")[0]

_HOW: Final = """\
To call one, write it in exactly this form and stop behind it:

<function=NAME>
<parameter=FIRST>value</parameter>
<parameter=SECOND>
a value
of several lines
</parameter>
</function>

Call one function in an answer, with every parameter that is required. What you want to say stands before the call.\
"""


# -- asking


def opening(scenario: Scenario) -> list[Message]:
    """Return the messages that a scenario begins with."""
    functions = "\n\n".join(_described(number, tool) for number, tool in enumerate(scenario.tools, 1))
    system = f"{scenario.system.rstrip()}\n\n{_BEGIN}\n\n{functions}\n\n{_HOW}"
    example = f"USER: Go on.\n\nASSISTANT: I make the next call.\n\n{write(scenario.example)}"
    task = (
        f"An example of the form, from another task:\n\n{example}\n\nThe example ends here. Your task:\n\n{scenario.task}"
        "\n\nWrite exactly one function call, in the form shown."
    )
    notes = [{"role": "user", "content": scenario.notes}] if scenario.notes else []
    return [{"role": "system", "content": system}, {"role": "user", "content": task}, *notes]


def _described(number: int, tool: ToolSpec) -> str:
    properties = _properties(tool)
    lines = [
        f"---- BEGIN FUNCTION #{number}: {tool.name} ----",
        f"Description: {tool.description}",
        "Parameters:" if properties else "No parameters are required for this function.",
        *(_parameter(place, name, tool) for place, name in enumerate(properties, 1)),
        f"---- END FUNCTION #{number} ----",
    ]
    return "\n".join(lines)


def _parameter(place: int, name: str, tool: ToolSpec) -> str:
    """Describe a parameter: what is inside an array or an object is not told, as in 0.59."""
    schema = _properties(tool)[name]
    need = "required" if name in _required(tool) else "optional"
    allowed = ", ".join(f"`{value}`" for value in schema.get("enum", ()))
    line = f"  ({place}) {name} ({schema.get('type', 'string')}, {need}): {schema.get('description', '')}"
    return f"{line}\nAllowed values: [{allowed}]" if allowed else line


def _properties(tool: ToolSpec) -> Mapping[str, Any]:
    found = tool.parameters.get("properties")
    return found if isinstance(found, dict) else {}


def _required(tool: ToolSpec) -> Sequence[Any]:
    found = tool.parameters.get("required")
    return found if isinstance(found, list) else ()


# -- reading


def read(content: str, tools: Tools) -> Sequence[ToolCall] | Wrong | None:
    """Return the call in an answer, or what the framework has against it; None: it sees no call."""
    if content.count("<function=") == 1 and CLOSE not in content:  # the stop string took it
        content = content.rstrip().removesuffix("</function").rstrip() + "\n" + CLOSE
    found = _FUNCTION.search(content)
    if found is None:
        return None
    tool = next((tool for tool in tools if tool.name == found[1]), None)
    if tool is None:
        return Wrong("unknown-tool", f'function "{found[1][:60]}" is not among the functions')
    given = dict(_PARAMETER.findall(found[2]))
    complaint = _complaint(tool, given)
    if complaint:
        return Wrong("invalid", complaint)
    return (ToolCall("", tool.name, {name: _value(_properties(tool)[name], text) for name, text in given.items()}),)


def _complaint(tool: ToolSpec, given: Mapping[str, str]) -> str:
    properties = _properties(tool)
    missing = [name for name in _required(tool) if name not in given]
    unknown = [name for name in given if name not in properties]
    if unknown:
        return f"{tool.name}: parameter {unknown[0][:60]} is not declared"
    if missing:
        return f"{tool.name}: required parameters are missing: {', '.join(missing)}"
    for name, text in given.items():
        schema = properties[name]
        wrong = _KINDS[schema["type"]][0](text) if schema.get("type") in _KINDS else False
        if wrong:
            return f"{tool.name}: {name} is no {schema['type']}"
        if "enum" in schema and text not in schema["enum"]:
            return f"{tool.name}: {name} is none of {', '.join(map(str, schema['enum']))}"
    return ""


def _fails(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def fails(text: str) -> bool:
        try:
            read(text)
        except (ValueError, RecursionError):
            return True
        return False

    return fails


_KINDS: Final[Mapping[str, tuple[Callable[[str], bool], Callable[[str], Any]]]] = {
    "integer": (_fails(int), int),
    "array": (_fails(json.loads), json.loads),
}
"""What 0.59 converts: whether that fails, and how it is done. Numbers, booleans and objects stay text."""


def _value(schema: Mapping[str, Any], text: str) -> Json:
    convert = _KINDS.get(str(schema.get("type")))
    value: Json = convert[1](text) if convert else text
    return value


def prose(content: str) -> str:
    """Return what was said before the call."""
    return content.partition("<function=")[0].strip()
