"""Writes docs/rules.md out of the registry: what each rule does, why, when it is certain, and its examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.base import Message
from adapters.history.base import Example as HistoryExample
from adapters.history.base import Step
from adapters.history.registry import FITTING, HEALING
from adapters.history.registry import Placement as Healing
from docs.markdown import between, in_code, in_prose, with_between
from rules.base import Example, Rule
from rules.conversation import ToolCall, Turn
from rules.registry import PLACEMENTS, Placement

PAGE = Path(__file__).with_name("rules.md")
BEGIN, END = "<!-- damage: written by `make conformance` -->\n", "<!-- end of damage -->\n"

_PAGE = """\
# Rules

What is mended in a turn, and what is asked. Made by `make docs` out of the registry (`rules/registry.py`) and the rules' own
files (`rules/calls/`, `rules/guards/`, `adapters/history/`); the table of damage by `make conformance`. Do not edit it by hand.

Each rule looks at a turn and gives it back as it is, mended, or as a *Problem*: something that only the model can mend, for
which it is asked again. The rules run in this order, and once more as long as one of them has changed something. Nothing is
invented, and where two readings are possible none is taken.

A rule's class says how certain its change is:

- *form*: no meaning changes. Always on
- *schema*: the tool's schema decides it. Always on
- *guess*: the one near choice. On, with one switch (`Policy.guess`)
- *policy*: the operator said so in a profile. Only as configured

In the examples stands the turn before and after; `tool {{...}}` is a call whose arguments are an object, `tool ‹...›` one whose
arguments are still text. *Stays* means that the rule leaves the turn as it is, *asks* that it finds a Problem of that name.

{index}

{rules}

## History

What is healed in the messages that come with each request, before anybody reads them, in this order (`adapters/history/`). The
same history gives the same messages, and a longer one begins as the shorter one did, so that the server's prefix cache holds.

{healing}

What the template of a server asks for, where the profile says so or the server has complained:

{fitting}

{steps}

## Damage

The calls of the Berkeley Function Calling Leaderboard, each damaged by one fault at a time and mended by its declared tools.
The first faults lose nothing: what was meant can be known, and has to come back. The others lose something, and nothing may be
guessed: the model is asked, or the call comes back all the same. The same faults are made in calls of drawn schemas
(`tests/laws/test_damage.py`); what each is, `tests/damage/` says.

- *calls*: those in which the fault can be made; it is made once in each, in another of its ways and places each time
- *came back*: the call was as it had been before; *asked*: the model would be asked; *as written*: the damaged call was right by
  its schema, and nothing in it was touched
- *unsafe*: another call was made of it

{damage}"""


def page(before: str = "") -> str:
    """Return the page. Its table of damage is that of the page before."""
    return _PAGE.format(
        index="\n".join(_index("rule", PLACEMENTS)),
        rules="\n\n".join(_rule(each.rule) for each in PLACEMENTS),
        healing="\n".join(_index("step", HEALING)),
        fitting="\n".join(_index("step", FITTING)),
        steps="\n\n".join(_step(placement.step) for placement in (*HEALING, *FITTING)),
        damage=f"{BEGIN}{between(before, BEGIN, END)}{END}",
    )


def with_damage(text: str, table: str) -> str:
    """Return a page with another table of damage."""
    return with_between(text, BEGIN, END, table)


def _index(kind: str, placements: Sequence[Placement | Healing]) -> Iterator[str]:
    yield f"| {kind} | class | what it does | why here |"
    yield "|---|---|---|---|"
    for each, reason in placements:
        yield f"| [{each.name}](#{each.name}) | {each.safety} | {_cell(_said(each.doc, 'What'))} | {_cell(reason)} |"


def _section(heading: str, each: Rule | Step, rows: Sequence[str]) -> str:
    said = [f"{part}: {in_prose(_said(each.doc, part))}" for part in ("Why", "Safety")]
    head = ["| example | before | after |", "|---|---|---|"]
    return "\n".join([f"{heading} {each.name}", "", in_prose(_said(each.doc, "What")), "", *_spaced(said), *head, *rows])


def _rule(rule: Rule) -> str:
    return _section("##", rule, [f"| {_cell(each.title)} | {shown(each.before)} | {after(each)} |" for each in rule.examples])


def _step(step: Step) -> str:
    rows = [f"| {_cell(each.title)} | {messages(each.before)} | {_healed(each)} |" for each in step.examples]
    return _section("###", step, rows)


def _healed(example: HistoryExample) -> str:
    return "stays" if list(example.after) == list(example.before) else messages(example.after)


def messages(history: Sequence[Message]) -> str:
    """Write messages in a cell of a table, one a line."""
    return "<br>".join(in_code(_message(each)) for each in history)


def _message(message: Message) -> str:
    """Write a message: its role, its content, its calls, and what else is in it."""
    known = ("role", "content", "tool_calls", "tool_call_id")
    content = message.get("content")
    parts = [content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)] if "content" in message else []
    parts += [json.dumps(each, ensure_ascii=False) for each in message.get("tool_calls") or ()]
    parts += [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in message.items() if name not in known]
    answers = f" of {message['tool_call_id']}" if message.get("tool_call_id") else ""
    return f"{message.get('role')}{answers}: {' '.join(part for part in parts if part != 'null')}".rstrip()


def _cell(text: str) -> str:
    """Write text in a cell of a table, and code in it as code."""
    return in_prose(text).replace("|", "\\|")


def _spaced(paragraphs: Sequence[str]) -> Iterator[str]:
    for each in paragraphs:
        yield from (each, "")


def _said(doc: str, part: str) -> str:
    """Return a part of a rule's docstring: what it does, why, or when it is safe."""
    found = re.split(r"^(Why|Safety): ", f"{doc}\n", flags=re.MULTILINE)
    return " ".join(dict(zip(["What", *found[1::2]], found[::2], strict=True))[part].split())


def after(example: Example) -> str:
    """Say what becomes of an example."""
    if isinstance(example.after, str):
        return f"asks: {example.after}"
    return "stays" if example.after == example.before else shown(example.after)


def shown(turn: Turn) -> str:
    """Write a turn in a cell of a table."""
    parts = [in_code(f"thinks {turn.thinking}")] if turn.thinking else []
    parts += [in_code(turn.text)] if turn.text.strip() else []
    parts += [in_code(_call(each)) for each in turn.calls]
    parts += [f"(ended: {turn.ending})"] if turn.ending != "stop" else []
    return " ".join(parts) or "nothing"


def _call(call: ToolCall) -> str:
    arguments = f"‹{call.arguments}›" if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)
    return f"{call.name or '(no name)'} {arguments}{'' if call.whole else ' (cut)'}"
