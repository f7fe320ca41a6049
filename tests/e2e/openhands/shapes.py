"""How models write calls as text: the right shapes, and the wrong ones of the t-cases."""

from collections.abc import Callable

from .task import Call, as_json

Shape = Callable[[Call], str]
"""Writes a call as text."""

QUOTE = '<|"|>'


def openhands(call: Call) -> str:
    """Write OpenHands' own text, with no blank around a value (0.59 strips none)."""
    return f"<function={call.name}>\n{_parameters(call)}</function>"


def _parameters(call: Call) -> str:
    return "".join(f"<parameter={key}>{_plain(value)}</parameter>\n" for key, value in call.arguments.items())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else as_json(value)


def gemma(call: Call) -> str:
    """Write Gemma 4's native form."""
    inner = ",".join(f"{key}:{_gemma_value(value)}" for key, value in call.arguments.items())
    return f"<|tool_call>call:{call.name}{{{inner}}}<tool_call|>"


def _gemma_value(value: object) -> str:
    match value:
        case str():
            return f"{QUOTE}{value}{QUOTE}"
        case dict():
            return "{" + ",".join(f"{key}:{_gemma_value(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(_gemma_value(inner) for inner in value) + "]"
        case _:
            return as_json(value)


def hermes(call: Call) -> str:
    """Write Hermes' JSON in its wrapper."""
    return f"<tool_call>\n{as_json({'name': call.name, 'arguments': call.arguments})}\n</tool_call>"


def qwen(call: Call) -> str:
    """Write Qwen's XML: every value stands on lines of its own, file contents lose their last line break."""
    values = {key: _plain(value).removesuffix("\n") for key, value in call.arguments.items()}
    inner = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items())
    return f"<tool_call>\n<function={call.name}>\n{inner}</function>\n</tool_call>"


def empty(call: Call) -> str:
    """Write t01: a function without anything in it."""
    return f"<function={call.name}>\n</function>"


def json_inside(call: Call) -> str:
    """Write t03: the arguments as JSON inside the function."""
    return f"<function={call.name}>\n{as_json(call.arguments)}\n</function>"


def on_one_line(call: Call) -> str:
    """Write t04: no line break after the function's name."""
    return openhands(call).replace(">\n", ">", 1)


def after_a_blank(call: Call) -> str:
    """Write t43: a blank instead of the line break after the function's name."""
    return openhands(call).replace(">\n", "> ", 1)


def unclosed(call: Call) -> str:
    """Write t05: parameters that are opened and never closed."""
    return openhands(call).replace("</parameter>", "")


def named_by_attribute(call: Call) -> str:
    """Write t06: the parameter's name as an XML attribute."""
    inner = "".join(f'<parameter name="{key}">{_plain(value)}</parameter>\n' for key, value in call.arguments.items())
    return f"<function={call.name}>\n{inner}</function>"


def named_by_tag(call: Call) -> str:
    """Write t07: the parameter's name as a tag."""
    inner = "".join(f"<{key}>{_plain(value)}</{key}>\n" for key, value in call.arguments.items())
    return f"<function={call.name}>\n{inner}</function>"


def bash_fence(call: Call) -> str:
    """Write t22: nothing but the command in a fence."""
    return f"```bash\n{call.arguments['command']}\n```"


def all_in_one_parameter(call: Call) -> str:
    """Write t32: one parameter called arguments that holds them all as JSON."""
    return openhands(Call(call.name, {"arguments": call.arguments}))


def after_stray_thinking(call: Call) -> str:
    """Write t34: thinking whose opening tag stood in the template, and which speaks of the function."""
    return f"The next step is a call: I write <function={call.name}> with its values.\n</think>\n\n{openhands(call)}"


def cut_in_a_value(call: Call) -> str:
    """Write t45: the first value is broken off in the middle."""
    whole = openhands(call)
    return whole[: whole.index("</parameter>") - 4]


def with_padded_enums(call: Call) -> str:
    """Write t47: line breaks around the values that must be one of a list."""
    enums = {"security_risk", "command"} if call.name == "str_replace_editor" else {"security_risk"}
    padded = {key: f"\n{value}\n" if key in enums else value for key, value in call.arguments.items()}
    return openhands(Call(call.name, padded))
