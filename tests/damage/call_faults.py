"""Faults of a call as a whole: its name, the text of its arguments, and what they are wrapped in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from rules.conversation import ToolCall
from tests.damage.faults import Fault, Right
from tests.damage.key_faults import bare

WRAPPERS = ("arguments", "parameters", "input", "args", "kwargs")


def encoded_again(right: Right) -> Iterator[ToolCall]:
    """Write the arguments as JSON of their JSON, once and twice too often."""
    once = json.dumps(json.dumps(right.arguments))
    yield from (replace(right.call, arguments=text) for text in (once, json.dumps(once)))


def nearly_json(right: Right) -> Iterator[ToolCall]:
    """Write the arguments as Python does, with raw newlines, in a fence, with a comma or a bracket too many or too few."""
    text = json.dumps(right.arguments)
    raw = re.sub(r"(?<!\\)((?:\\\\)*)\\n", r"\1\n", text)
    yield from (
        replace(right.call, arguments=each) for each in (repr(right.arguments), raw, f"```json\n{text}\n```", f"{text}}}")
    )
    if right.arguments:
        yield replace(right.call, arguments=f"{text[:-1]},}}")
        yield replace(right.call, arguments=f"{{\n  // as asked\n  {text[1:]}")
        yield replace(right.call, arguments=text[:-1])


def wrapped(right: Right) -> Iterator[ToolCall]:
    """Put the arguments into one more object, also as text, twice, and beside the tool's name."""
    whole = right.arguments
    if not set(WRAPPERS).isdisjoint(right.shape.properties) or whole.keys().isdisjoint(right.shape.properties):
        return
    for key in (*WRAPPERS, right.call.name):
        yield replace(right.call, arguments={key: whole})
    yield replace(right.call, arguments={"input": {"arguments": whole}})
    yield replace(right.call, arguments={"parameters": json.dumps(whole)})
    yield replace(right.call, arguments=json.dumps([whole]))
    if "name" not in right.shape.properties:
        yield replace(right.call, arguments={"name": right.call.name, "arguments": whole})


def bare_value(right: Right) -> Iterator[ToolCall]:
    """Give the value of the only argument that is needed in place of the arguments."""
    if len(right.arguments) != 1 or right.shape.required != right.arguments.keys():
        return
    ((name, value),) = right.arguments.items()
    kinds = right.shape.properties[name].kinds
    if isinstance(value, (dict, list)) or value is None or not kinds.isdisjoint({"array", "object"}):
        return
    if not isinstance(value, str) or value.strip()[:1] not in ("{", "[", '"', ""):
        yield replace(right.call, arguments=json.dumps([value]))
        if not isinstance(value, str) or not _reads_as_json(value):
            yield replace(right.call, arguments=json.dumps(value))


def _reads_as_json(text: str) -> bool:
    """Say whether a text in quotes may be arguments that were encoded twice."""
    return text.strip() in ("null", "None")


def name_in_other_letters(right: Right) -> Iterator[ToolCall]:
    """Write the name in another case, with other dashes, and with its words run together."""
    name = right.call.name
    for new in (name.upper(), name.replace("_", "-"), name.replace(".", "_"), name.title().replace("_", "")):
        others = [each.name for each in right.tools if bare(each.name) == bare(new)]
        if new != name and others == [name] and not re.search(r"\d[_.]\d", name):
            yield replace(right.call, name=new)


def name_in_namespaces(right: Right) -> Iterator[ToolCall]:
    """Put the name behind a namespace, behind it twice, and before markup."""
    name = right.call.name
    for new in (
        *(f"functions.{name}", f"functions.functions.{name}", f"default_api:{name}", f"default_api:default_api:{name}"),
        *(f"{name} </parameter", f'"{name}" ', f"{name}\n<arg", f"functions.{name}:0"),
    ):
        yield replace(right.call, name=new)


def two_values(right: Right) -> Iterator[ToolCall]:
    """Give a key twice, with two values."""
    for key in list(right.arguments)[:1]:
        yield replace(right.call, arguments=f'{{{json.dumps(key)}: "zzqx", {json.dumps(right.arguments)[1:]}')


def unknown_name(right: Right) -> Iterator[ToolCall]:
    """Call a tool that nobody declared."""
    yield from (replace(right.call, name=new) for new in ("zzqx", f"{right.call.name}_console", ""))


CALL_FAULTS = (
    Fault("arguments encoded again", True, encoded_again),
    Fault("arguments that are nearly JSON", True, nearly_json),
    Fault("arguments in a wrapper", True, wrapped),
    Fault("a bare value", True, bare_value),
    Fault("the name in other letters", True, name_in_other_letters),
    Fault("the name in namespaces", True, name_in_namespaces),
    Fault("two values for a key", False, two_values),
    Fault("a name that is nobody's", False, unknown_name),
)
