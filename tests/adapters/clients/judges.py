"""How each client finds the action in an answer: its own parser, written again from what is known of it, as the judge of ours."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Action: TypeAlias = tuple[str, Any]
"""A tool's name and its arguments; for a shell the command."""

_ENCODED = re.compile(r"""eval "\$\(printf %s '([A-Za-z0-9+/=]*)' \| base64 -d\)\"""")


def mini_swe_agent_fence(text: str) -> list[Action]:
    """mini-swe-agent 2.4, `parse_regex_actions`."""
    return [line(each.strip()) for each in re.findall(r"```mswea_bash_command\s*\n(.*?)\n```", text, re.DOTALL)]


def mini_swe_agent_tag(text: str) -> list[Action]:
    """mini-swe-agent 2.4, swebench_xml.yaml."""
    return [line(each.strip()) for each in re.findall(r"<mswea_bash_command>(.*?)</mswea_bash_command>", text, re.DOTALL)]


def evalscope_backticks(text: str) -> list[Action]:
    """EvalScope 1.14: no blank behind the info string."""
    return [line(each.strip()) for each in re.findall(r"```mswea_bash_command\n(.*?)\n```", text, re.DOTALL)]


def swe_agent_thought_action(text: str) -> list[Action]:
    """SWE-agent 1.1.0: all outermost blocks, of which the last one is run; here there must be no other."""
    stack: list[re.Match[str]] = []
    blocks = []
    for match in re.finditer(r"^```(\S*)\s*\n|^```\s*$", text, re.MULTILINE):
        if stack and not match[1]:
            start = stack.pop()
            if not stack:
                blocks.append(text[start.end() : match.start()])
        elif match[1] is not None:
            stack.append(match)
    assert not stack
    return [line(block.strip()) for block in blocks]


def swe_agent_xml_thought_action(text: str) -> list[Action]:
    """SWE-agent 1.1.0: what stands between the last tags; here there must be no other."""
    assert text.count("<command>") == text.count("</command>") <= 1
    if "<command>" not in text:
        return []
    return [line(text[text.rfind("<command>") + 9 : text.rfind("</command>")].strip())]


def swe_agent_xml_function_calling(text: str) -> list[Action]:
    """SWE-agent 1.1.0: values are stripped; `view_range` is two numbers without a sign."""
    assert text.count("<function=") <= 1
    found = re.search(r"<function=([^>]+)>\n(.*?)</function>", text, re.DOTALL)
    if found is None:
        return []
    values: dict[str, Any] = {
        name: value.strip() for name, value in re.findall(r"<parameter=([^>]+)>(.*?)</parameter>", found[2], re.DOTALL)
    }
    if "view_range" in values:
        assert re.fullmatch(r"\[\d+,\s*\d+\]", values["view_range"])
        values["view_range"] = json.loads(values["view_range"])
    if "insert_line" in values:
        values["insert_line"] = int(values["insert_line"])
    return [line(values["command"]) if found[1] == "bash" else (found[1], values)]


def swe_agent_action(text: str) -> list[Action]:
    """SWE-agent 1.1.0: the whole text is the command line."""
    words = shlex.split(text)
    if words[:2] == ["bash", "-c"]:
        return [("bash", words[2])]
    return [line(text)] if words[:1] in (["submit"], ["str_replace_editor"]) else []


def swe_agent_json(text: str) -> list[Action]:
    """SWE-agent 1.1.0: the whole text is the object, and no argument of a known tool is left out."""
    try:
        value = json.loads(text)
    except ValueError:
        return []
    if not isinstance(value, dict) or "thought" not in value:
        return []
    command = value["command"]
    assert command["name"] in ("bash", "submit")
    return [line(command["arguments"]["command"]) if command["name"] == "bash" else ("submit", {})]


def openhands_text(text: str) -> list[Action]:
    """OpenHands V1, which is 0.59 with values stripped."""
    text = re.sub(r"<tool_call>\s*(?=<function=)", "", text)
    found = re.search(r"<function=([^>]+)>\n?(.*?)</function>", text, re.DOTALL)
    if found is None:
        return []
    body = re.sub(r"<parameter=([a-zA-Z0-9_]+)=([^<]*)</parameter>", r"<parameter=\1>\2</parameter>", found[2])
    return [
        (found[1], {name: value.strip() for name, value in re.findall(r"<parameter=([^>]+)>(.*?)</parameter>", body, re.DOTALL)})
    ]


def cline_xml(text: str) -> list[Action]:
    """Cline's `parseAssistantMessageV2`: the calls, of which the first one is run; here there must be no other."""
    tools = ("read_file", "write_to_file", "execute_command", "done")
    parameters = ("path", "content", "lines", "command", "result")
    calls: list[Action] = []
    at, tool, start, name, value_start, values = 0, "", 0, "", 0, {}
    while at < len(text):
        if tool and name:
            if text.startswith(f"</{name}>", at):
                values[name] = text[value_start:at].strip()
                at += len(name) + 3
                name = ""
                continue
        elif tool:
            opened = next((each for each in parameters if text.startswith(f"<{each}>", at)), "")
            if opened:
                name, value_start = opened, at + len(opened) + 2
            elif text.startswith(f"</{tool}>", at):
                inside = text[start:at]
                if tool == "write_to_file" and "<content>" in inside and "</content>" in inside:
                    values["content"] = inside[inside.index("<content>") + 9 : inside.rindex("</content>")].strip()
                calls.append((tool, values))
                tool = ""
        else:
            tool = next((each for each in tools if text.startswith(f"<{each}>", at)), "")
            start, values = at + len(tool) + 2, {}
        at += 1
    assert not tool, "a call that does not end"
    return calls


JUDGES: Mapping[str, Callable[[str], list[Action]]] = {
    judge.__name__: judge
    for judge in (
        openhands_text,
        mini_swe_agent_fence,
        mini_swe_agent_tag,
        evalscope_backticks,
        swe_agent_thought_action,
        swe_agent_xml_thought_action,
        swe_agent_xml_function_calling,
        swe_agent_action,
        swe_agent_json,
        cline_xml,
    )
}


def line(command: str) -> Action:
    """Tell what a command line does: what it carries in base64, the editor's arguments, or just what it says."""
    encoded = _ENCODED.fullmatch(command)
    if encoded:
        command = base64.b64decode(encoded[1]).decode().rstrip("\n")
    if command == "submit":
        return "submit", {}
    if command.startswith("str_replace_editor "):
        return "str_replace_editor", _edited(shlex.split(command)[1:])
    return "bash", command


def _edited(words: list[str]) -> dict[str, Any]:
    """Read the editor's options as `argparse` would."""
    command, path, *rest = words
    values: dict[str, Any] = {"command": command, "path": path}
    while rest:
        option = rest.pop(0)
        name, _, value = option.removeprefix("--").partition("=")
        if name == "view_range":
            values[name] = [int(rest.pop(0)) for _ in range(2)]
        else:
            values[name] = int(value) if name == "insert_line" else value
    return values
