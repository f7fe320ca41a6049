"""Writes a configuration file for toolmend that follows from what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from proxy.config_file import read_config
from proxy.doctor.causes import format_of, told_as_text
from proxy.doctor.findings import Finding
from proxy.doctor.gathered import Gathered
from proxy.profiles import load

HIDDEN: Final = frozenset({"template-hides-tools", "template-drops-arguments", "template-drops-results"})


def write(path: Path, text: str) -> None:
    """Write a configuration file that `serve` can load. Raises OSError, and ConfigError, writing nothing, where it cannot."""
    trial = path.with_name(f"{path.name}.new")
    try:
        trial.write_text(text, encoding="utf-8")
        read_config(trial)
        trial.replace(path)
    finally:
        trial.unlink(missing_ok=True)


def profile(gathered: Gathered, findings: Sequence[Finding]) -> str:
    """Return the file's text: each key with the reason for it."""
    return table(gathered, list(_keys(gathered, {each.code for each in findings})), "doctor")


def table(gathered: Gathered, keys: Sequence[tuple[str, Any, str]], command: str) -> str:
    """Return the text of a file with a profile for this model: keys with their values, and a reason for each."""
    extends, kept = _base(gathered)
    lines = [
        f"# Written by `toolmend {command}`. Serve with it: toolmend serve --config FILE",
        f"upstream = {_value(gathered.upstream)}",
        "",
        "[[profile]]",
        f"name = {_value(_name(gathered.model))}",
        f"extends = {_value(extends)}",
        f"match = [{_value(literal(gathered.model))}]",
    ]
    found = {key: value for key, value, _ in keys}
    lines += [f"{key} = {_value(value)}" for key, value in kept.items() if key not in found]
    for key, value, reason in keys:
        lines += [f"# {reason}", f"{key} = {_value(value)}"]
    return "\n".join(lines) + "\n"


def _keys(gathered: Gathered, codes: set[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield what the findings call for, and why."""
    dialect = told_as_text(gathered)
    hidden = sorted(HIDDEN & codes)
    if hidden:
        yield "protocol", f"text:{dialect}", f"{hidden[0]}: tools, calls and results are written into the messages"
    elif "native-protocol" in codes:
        yield "protocol", f"text:{dialect}", "native-protocol: the model is right only where it is told the tools as text"
    if "no-logprobs" in codes:
        yield "raw", "content", "no-logprobs: the server sends none"
    if "template-refuses-roles" in codes:
        yield "merge_users", True, "template-refuses-roles: user messages in a row are made one"
        yield "system_first", True, "template-refuses-roles: system messages stand at the beginning only"
    if "structured-off" in codes:
        yield "grammar", False, "structured-off: the server does not hold a model to a schema"
    if codes & {"thinking-eats-budget", "thought-shown"} and gathered.known.thinking_switch:
        request = dict(gathered.profile.request) if gathered.profile else {}
        kwargs = request.get("chat_template_kwargs")
        switched = {**(kwargs if isinstance(kwargs, dict) else {}), "enable_thinking": False}
        yield "request", {**request, "chat_template_kwargs": switched}, "thinking is on, and can be switched off"


def _base(gathered: Gathered) -> tuple[str, dict[str, Any]]:
    """Return the built-in profile to begin with, and the keys that configured ones of this run put over it.

    For a name that no profile is made for it is that of the family whose format was seen.
    """
    assert gathered.profile is not None
    tables, built_in = {each.name: each for each in gathered.tables}, {each.name for each in load()}
    name, kept = gathered.profile.name, dict[str, Any]()
    while name in tables:
        each = tables.pop(name)
        kept = {**each.model_dump(mode="json", exclude_none=True, exclude={"name", "extends", "match"}), **kept}
        name = each.extends or (name if name in built_in else "generic")
    dialect = format_of(gathered)
    return (_FAMILY.get(dialect, name) if name == "generic" and dialect and not kept else name), kept


_FAMILY: Final = {"gemma4": "gemma-4", "qwen_xml": "qwen3.5", "hermes_json": "qwen3"}
"""Families by their format, where a name tells none and the format tells one."""


def _name(model: str) -> str:
    """Return a name that no profile has yet."""
    known = {each.name for each in load()}
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-") or "model"
    return f"{name}-here" if name in known else name


def literal(model: str) -> str:
    """Return a pattern of a profile that matches this name and no other."""
    return re.sub(r"([*?[])", r"[\1]", model)


def _value(value: Any) -> str:
    """Write a value as TOML has it: texts as JSON strings, which TOML takes."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value).replace("\x7f", "\\u007f")
