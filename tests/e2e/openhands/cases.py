"""The cases: what the model does wrong in each, and how that changes the call it means."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from . import shapes
from .answers import Answer, Parsed, Raw, WireCall, Write, parsed_call
from .task import Arguments, Call, as_json

BASH = frozenset({"execute_bash"})
EDITOR = frozenset({"str_replace_editor"})
EVERY = frozenset({"execute_bash", "str_replace_editor", "finish"})
RISKY = BASH | EDITOR


@dataclass(frozen=True, slots=True)
class Case:
    """One way to be wrong.

    `hits` names the tools whose calls come out wrong; the others are written well. `tolerated_direct` says why OpenHands
    0.59 copes with it unaided, and who says so (then the direct run is expected to be good). `plan` puts a task_tracker
    call first.
    """

    id: str
    does: str
    write: Write
    hits: frozenset[str] = BASH
    tolerated_direct: str = ""
    plan: bool = False
    strict_roles: bool = False

    @property
    def native(self) -> bool:
        """Tell whether OpenHands sends `tools` and reads `tool_calls` here."""
        return self.id.startswith("n")


def _text(shape: shapes.Shape) -> Write:
    return lambda call: Raw(shape(call))


def _renamed(name: str) -> Callable[[Call], Call]:
    return lambda call: replace(call, name=name)


def _changed(**changes: object) -> Callable[[Call], Call]:
    return lambda call: replace(call, arguments={**call.arguments, **changes})


def _without(*names: str) -> Callable[[Call], Call]:
    return lambda call: replace(call, arguments={k: v for k, v in call.arguments.items() if k not in names})


def _mentioning(text: str) -> Callable[[Call], Call]:
    return lambda call: _changed(command=f"{call.arguments['command']} # {text}")(call)


def _openhands(change: Callable[[Call], Call]) -> Write:
    return lambda call: Raw(shapes.openhands(change(call)))


def _structured(change: Callable[[Call], Call]) -> Write:
    return lambda call: parsed_call(change(call))


def _arguments(write: Callable[[Arguments], str]) -> Write:
    return lambda call: Parsed(calls=(WireCall(call.name, write(call.arguments)),))


def _content(shape: shapes.Shape) -> Write:
    return lambda call: Parsed(content=shape(call))


def _always(answer: Answer) -> Write:
    return lambda _: answer


def _thinking(call: Call) -> Answer:
    return Parsed(content=f"<think>\nNow I should call {call.name}.\n</think>")


def _task_list_as_text(call: Call) -> Answer:
    return parsed_call(_changed(task_list=as_json(call.arguments["task_list"]))(call))


def _cut(call: Call) -> Answer:
    return Raw(shapes.cut_in_a_value(call), finish="length")


_TEXT = (
    Case("t00", "nothing (control)", _text(shapes.openhands), EVERY, tolerated_direct="control: nothing is wrong"),
    Case("t01", "an empty function", _text(shapes.empty)),
    Case("t02", "security_risk is absent", _openhands(_without("security_risk")), RISKY),
    Case("t03", "JSON inside the function", _text(shapes.json_inside), EVERY),
    Case("t04", "no line break after <function=…>", _text(shapes.on_one_line), EVERY),
    Case("t05", "parameters are never closed", _text(shapes.unclosed), EVERY),
    Case("t06", '<parameter name="…">', _text(shapes.named_by_attribute), EVERY),
    Case("t07", "<command>…</command> for the parameter", _text(shapes.named_by_tag), EVERY),
    Case("t08", "Gemma's native form", _text(shapes.gemma), EVERY),
    Case("t09", "Hermes JSON", _text(shapes.hermes), EVERY),
    Case("t10", "Qwen XML, every value padded", _text(shapes.qwen), EVERY),
    Case("t15", "a function that does not exist: bash", _openhands(_renamed("bash"))),
    Case("t19", "a parameter too many", _openhands(_changed(reason="to see whether it works"))),
    Case("t21", "the enum in lower case: low", _openhands(_changed(security_risk="low")), RISKY),
    Case("t22", "nothing but a ```bash fence", _text(shapes.bash_fence)),
    Case("t32", "all arguments as JSON in one parameter", _text(shapes.all_in_one_parameter), EVERY),
    Case("t34", "a stray </think> after words about <function=…>", _text(shapes.after_stray_thinking), EVERY),
    Case("t37", "a structured call without security_risk, which poisons the history", _structured(_without("security_risk"))),
    Case("t43", "a blank after <function=…>", _text(shapes.after_a_blank), EVERY),
    Case("t45", "the answer is cut by length inside a value", _cut),
    Case("t47", "line breaks around enum values", _text(shapes.with_padded_enums), RISKY),
    Case("t50", "the same, of the editor", _structured(_without("security_risk")), EDITOR),
    Case("t53", "</function> inside a value, which poisons the history", _openhands(_mentioning("</function>"))),
)

_QUOTED = (
    "seen here: OpenHands' complaint quotes the whole call, name and arguments, so this model learns from it and one turn is "
    "lost. CLIENTS.md, 0.59 native, n17/n44/n45, has the loop of a model that does not learn"
)

_NATIVE = (
    Case("n00", "nothing (control)", parsed_call, EVERY, tolerated_direct="control: nothing is wrong"),
    Case("n01", "arguments {}", _arguments(lambda _: "{}")),
    Case(
        "n02",
        "security_risk is absent",
        _structured(_without("security_risk")),
        RISKY,
        tolerated_direct="CLIENTS.md, 0.59 native, n02: no error, executed",
    ),
    Case("n03", "command is absent", _structured(_without("command"))),
    Case("n04", "JSON that breaks off", _arguments(lambda arguments: as_json(arguments)[:-4])),
    Case("n05", "single quotes: a Python dict", _arguments(repr)),
    Case("n06", "arguments are an empty string", _arguments(lambda _: "")),
    Case("n07", "JSON encoded twice", _arguments(lambda arguments: as_json(as_json(arguments))), EVERY),
    Case("n08", "arguments null", _arguments(lambda _: "null")),
    Case("n09", "arguments are a list", _arguments(lambda arguments: as_json([arguments["command"]]))),
    Case("n10", "the call as text: Gemma's native form", _content(shapes.gemma), EVERY),
    Case("n11", "the call as text: Hermes JSON", _content(shapes.hermes), EVERY),
    Case("n12", "the call as text: Qwen XML", _content(shapes.qwen), EVERY),
    Case("n13", "the call as text: OpenHands' own", _content(shapes.openhands), EVERY),
    Case("n15", "thinking and nothing after it", _thinking),
    Case("n18", "content null and no call", _always(Parsed(content=None))),
    Case("n19", "content empty and no call", _always(Parsed(content=""))),
    Case("n24", "an argument too many for the editor", _structured(_changed(reason="it is asked for")), EDITOR),
    Case(
        "n25",
        "the enum in lower case: low",
        _structured(_changed(security_risk="low")),
        RISKY,
        tolerated_direct="CLIENTS.md, 0.59 native, n25/n23: executed (warning)",
    ),
    Case("n26", "command is a number", _structured(_changed(command=1))),
    Case("n27", "command is a list", _structured(_changed(command=["python3", "hello.py"]))),
    Case("n28", 'timeout is the word "ten"', _structured(_changed(timeout="ten"))),
    Case(
        "n32",
        "its server answers 400 to two user messages in a row",
        parsed_call,
        frozenset(),
        tolerated_direct="CLIENTS.md, 0.59 native, n32: litellm resends once with an empty assistant turn between the "
        "users. This server takes that, so each turn costs two requests; one that also refuses it ends the session",
        strict_roles=True,
    ),
    Case("n39", "task_list is a string", _task_list_as_text, frozenset({"task_tracker"}), plan=True),
    Case(
        "n44",
        "the name with a prefix: functions.execute_bash",
        _structured(_renamed("functions.execute_bash")),
        tolerated_direct=_QUOTED,
    ),
    Case(
        "n45",
        "the name with a blank at its end",
        _structured(_renamed("execute_bash ")),
        tolerated_direct=_QUOTED,
    ),
)

CASES: Mapping[str, Case] = {case.id: case for case in (*_TEXT, *_NATIVE)}


def chosen(only: str) -> list[Case]:
    """Return the cases named by a list like `t01,n02`, or all; an unknown name raises KeyError."""
    names = [name for name in re.split(r"[,\s]+", only) if name]
    return [CASES[name] for name in names] if names else list(CASES.values())
