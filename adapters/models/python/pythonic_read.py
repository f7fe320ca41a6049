"""Reads a whole block of Python calls into tool calls, and writes them. Values keep their types: Python has them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from adapters.base import Form, Scan, Unwritable
from adapters.models.json_blocks.hermes_json_read import read as hermes_json_read
from adapters.models.json_blocks.hermes_json_scan import CLOSE, OPEN
from adapters.models.python.declared_names import DeclaredNames
from adapters.models.python.python_arguments import Arguments
from adapters.models.python.python_calls import PythonCalls, Style, Written
from adapters.models.python.python_literals import write_value
from rules.conversation import Json, ToolCall, Tools, ToolSpec
from rules.kinds import SchemaLookup

SLICE = 4096


def form(opener: str, style: Style, names: DeclaredNames, *, line_start: bool = False, first: bool = False) -> Form:
    """Make a form of Python calls."""

    def scan(tools: Tools) -> Scan:
        del tools
        return PythonCalls(style, names)

    return Form(opener, scan, partial(read, style, names), line_start=line_start, first=first)


def read(style: Style, names: DeclaredNames, block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block. A call whose arguments cannot be read is nobody's, or has their text where it was cut.

    Models that were trained on JSON as well write it between Python's marks now and then.
    """
    machine = PythonCalls(style, names)
    ended = next((end for at in range(0, len(block), SLICE) if (end := machine.feed(block[at : at + SLICE])) is not None), None)
    if (machine.finish() if ended is None else ended) == "no":
        return None
    if machine.json:
        body = block.removeprefix(style.opener).removesuffix(style.closer)
        found = hermes_json_read(f"{OPEN}{body}{CLOSE if machine.closed else ''}", tools)
        strange = style.declared and not all(names.meant(call.name) for call in found or ())
        return None if strange else found
    calls = [_call(each, machine, names, block) for each in machine.calls]
    return tuple(calls)


def _call(written: Written, machine: PythonCalls, names: DeclaredNames, block: str) -> ToolCall:
    name, whole = written.name, written.end is not None or machine.closed
    text = block[written.start : written.end]
    if written.end is None and machine.broken:
        return ToolCall("", "", text, whole=whole)
    arguments = arrange(written.arguments, names.meant(name))
    if arguments is None or (written.end is None and machine.cut):
        return ToolCall("", name, text[len(name) :], whole=whole)
    return ToolCall("", name, arguments, whole=whole)


def arrange(arguments: Arguments, spec: ToolSpec | None) -> dict[str, Json] | None:
    """Give values without a name the names of the schema, in its order; None where there are more of them than names.

    One object whose keys are the tool's own is all its arguments, unless the first parameter takes an object.
    """
    values, named = arguments.positional, arguments.named
    if not values:
        return named
    if spec is None:
        return None
    lookup = SchemaLookup(spec.parameters)
    declared = spec.parameters.get("properties")
    order = list(declared) if isinstance(declared, dict) else []
    only = values[0] if len(values) == 1 and not named else None
    if isinstance(only, dict) and only and only.keys() <= set(order):
        takes = lookup.kinds(lookup.member(spec.parameters, order[0]))
        return {order[0]: only} if "object" in takes else only
    placed = dict(zip(order, values, strict=False))
    return None if len(values) > len(order) or placed.keys() & named.keys() else placed | named


def write(call: ToolCall) -> str:
    """Write a call as Python: every argument by its name."""
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    return f"{call.name}({', '.join(f'{name}={write_value(value)}' for name, value in call.arguments.items())})"


def verified(block: str, calls: Sequence[ToolCall], style: Style) -> str:
    """Return a block that is read as these calls. What would not be cannot be written."""
    names = DeclaredNames(tuple(ToolSpec(call.name) for call in calls))
    scan = PythonCalls(style, names)
    again = read(style, names, block, ()) if (scan.feed(block) or scan.feed("\n.")) == len(block) else None
    if [(call.name, call.arguments, call.whole) for call in again or ()] != [(call.name, call.arguments, True) for call in calls]:
        raise Unwritable("a name or value that would not be read as it was")
    return block
