"""Prints one turn: what was asked, what the model wrote, what each rule changed, and what the client got."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from proxy.failures.table import reason_of
from proxy.plan import Plan
from proxy.records.read import Entry
from proxy.replay.trace import Change, trace
from proxy.report.marks import RUNGS, pieces, visible
from proxy.report.text import COLOURS
from rules.conversation import Turn


def lines(entry: Entry, plan: Plan | None, why_not: str = "") -> Iterator[str]:
    """Yield the lines.

    plan     the request, understood again; None: it was not kept, and `why_not` says why
    """
    yield from _head(entry)
    for number, attempt in enumerate(entry.get("attempts") or (), 1):
        yield ""
        yield from _attempt(number, attempt)
        if plan is not None and number == 1 and attempt.get("raw"):
            yield from _changes(attempt, plan)
    yield from _engine(entry)
    if why_not:
        yield from ("", f"What each rule changed cannot be shown: {why_not}")
    yield ""
    yield from _final(entry)


def _title(text: str) -> str:
    return click.style(text, bold=True)


def _head(entry: Entry) -> Iterator[str]:
    outcome = str(entry["outcome"])
    name = click.style(outcome, fg=COLOURS.get(outcome), bold=True)
    yield f"{_title('turn ' + str(entry['turn']))}  {name}  {entry.get('class') or ''} {entry.get('reason') or ''}".rstrip()
    request = entry.get("request") or {}
    yield (
        f"  {entry.get('ts')}  {entry.get('client')}  {entry.get('model')}  profile {entry.get('profile')}"
        f"  {entry.get('mode')}  {'stream' if request.get('stream') else 'whole'}"
    )
    tools = len(request.get("tools") or ())
    yield f"  conversation {entry.get('conversation')}, {request.get('messages')} messages, {tools} tools"
    known = reason_of(str(entry.get("class")), str(entry.get("reason")))
    if known:
        yield f"  {known.what} {known.done}"
        change = "; ".join(filter(None, (known.change, f"setting {known.setting}" if known.setting else "")))
        yield from ([f"  to change: {change}"] if change else [])
    for key in ("repairs", "healed", "skipped_rules"):
        if entry.get(key):
            yield f"  {key.replace('_', ' ')}: {', '.join(map(str, entry[key]))}"


def _attempt(number: int, attempt: Mapping[str, Any]) -> Iterator[str]:
    used, came = attempt.get("usage") or {}, attempt.get("came") or {}
    problem = click.style(f"  {attempt['problem']}", fg="yellow") if attempt.get("problem") else ""
    yield f"{_title(f'answer {number}')}  {RUNGS.get(attempt.get('rung') or '', attempt.get('rung'))}{problem}"
    told = [
        f"ended: {attempt.get('ending')}",
        f"finish_reason {came['finish']}" if came.get("finish") else "",
        f"{used.get('prompt')} + {used.get('completion')} tokens",
        f"{attempt.get('seconds')} s",
        f"HTTP {attempt['http']}" if attempt.get("http") not in (None, 200) else "",
        f"read from {came['source']}" if came.get("source") else "",
    ]
    yield "  " + ", ".join(filter(None, told))
    if attempt.get("error"):
        yield from _block(click.style(visible(text_of(attempt["error"])), fg="red"))
    if attempt.get("raw"):
        yield from _block(marked(text_of(attempt["raw"])))
    if came.get("reasoning"):
        yield "  the server set apart as reasoning:"
        yield from _block(visible(text_of(came["reasoning"])))


def _block(text: str) -> Iterator[str]:
    return (f"  | {line}" for line in text.split("\n"))


def text_of(value: Any) -> str:
    """Return a text of a record; where bodies are off, its length and hash."""
    if isinstance(value, Mapping):
        return f"({value.get('chars')} characters, sha256 {value.get('sha256')})"
    return str(value)


def marked(text: str) -> str:
    """Make markers and control characters of a text visible."""
    return "".join(click.style(part, fg="blue", bold=True) if kind == "marker" else part for kind, part in pieces(text))


def _changes(attempt: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Show what reading the answer made of it, and each rule's change as a difference."""
    traced = trace(attempt, plan)
    for name in traced.read.mended:
        yield f"  {_title(name)}: by reading the whole answer"
    for change in traced.changes:
        yield from _change(change)
    problem = traced.verdict.problem
    if problem:
        yield f"  {click.style(problem.reason, fg='yellow', bold=True)} at {problem.path}; the model is told:"
        yield from _block(visible(problem.advice))


def _change(change: Change) -> Iterator[str]:
    yield f"  {_title(change.rule)} ({change.safety})"
    for line in difflib.unified_diff(written(change.before), written(change.after), n=1, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            colour = {"+": "green", "-": "red"}.get(line[:1])
            yield "    " + click.style(visible(line), fg=colour)


def written(turn: Turn) -> list[str]:
    """Write a turn so that two of them can be compared line by line."""
    lines = ["text", *turn.text.split("\n")] if turn.text else []
    for call in turn.calls:
        arguments = call.arguments
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, indent=2)
        lines += [f"call {call.name}", *text.split("\n")]
    return lines


def _engine(entry: Entry) -> Iterator[str]:
    for each in entry.get("engine") or ():
        issues = f" ({', '.join(each['issues'])})" if each.get("issues") else ""
        yield ""
        yield f"{_title('the server')}  {each.get('kind')}: {each.get('known_as') or 'a fault that is not known by name'}{issues}"
        yield from _block(f"wrote : {visible(text_of(each.get('read')))}\nserved: {visible(text_of(each.get('served')))}")


def _final(entry: Entry) -> Iterator[str]:
    final = entry.get("final") or {}
    yield _title("delivered")
    if final.get("text"):
        yield from _block(visible(text_of(final["text"])))
    for call in final.get("calls") or ():
        yield from _block(
            f"{click.style(visible(str(call['name'])), fg='green', bold=True)} {visible(text_of(call['arguments']))}"
        )
    if not final.get("text") and not final.get("calls"):
        yield "  nothing"
