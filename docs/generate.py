"""Writes the pages about what is registered (dialects, rules, engine faults, failures, settings): run it with `make docs`.

The tables that `make conformance` writes are kept as they are.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as a script it is to describe the checkout that it stands in

import adapters.models
from adapters.base import Call, Dialect, Event, Markup, Unwritable
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.registry import DIALECTS
from docs import doctor_page, engine_page, failures_page, rules_page, settings_page
from docs.markdown import between, in_code, in_prose, with_between
from proxy.profiles import load
from rules.base import repair
from rules.conversation import Conversation, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.models.corpus_cases import cases_of
from tests.adapters.models.test_corpus import READ_BY

PAGE = Path(__file__).with_name("dialects.md")
VLLM = Path(__file__).with_name("vllm_parsers.toml")
BEGIN, END = "<!-- conformance: written by `make conformance` -->\n", "<!-- end of conformance -->\n"
SAMPLE = ToolCall("", "get_weather", {"city": "Paris", "days": 3})
_WEATHER = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
WITHIN = Conversation((ToolSpec("get_weather", "", _WEATHER),))

_SOURCE = re.compile(r"\bSources?: *(?P<said>.+?)(?:\n\s*\n|\Z)", re.DOTALL)
_PAGE = """\
# Dialects

How families of models write tool calls, as far as toolmend reads and writes it. Made by `make docs` out of the registry
(`adapters/registry.py`), the profiles (`adapters/profiles/`) and the corpus (`tests/corpus/`); the last table by
`make conformance`. Do not edit it by hand.

A model's profile names the dialects that its answers are read in, its own first. Under *models* stand the profiles that begin
with a dialect, and the served names they match. The call is `get_weather(city="Paris", days=3)` as toolmend writes it; ⏎ is a
line break.

| dialect | models | a call | thinking | corpus |
|---|---|---|---|---|
{dialects}

## Where they come from

{sources}

## vLLM's tool parsers

The tool parsers of vLLM 0.32, and the dialect that reads what each of them reads: tried with the calls in
`docs/vllm_parsers.toml`.

| parser | dialect |
|---|---|
{parsers}

## Conformance

The single-turn cases of the Berkeley Function Calling Leaderboard that have right answers: each is written in each dialect and
read back with that dialect first and those of the generic profile behind it, whole, behind a sentence, and in pieces of 7 and 31
characters; then it is mended by its declared tools.

- *exact*: every time the same calls, as JSON values, and no text beside them
- *refused*: the dialect cannot write the calls, and says so; what it refuses stands in brackets. *Written alike*: a format
  without types writes null and "null" in the same characters, and the tool takes both
- *wrong*: anything else

{conformance}"""


def main() -> None:
    """Write the pages anew, but for what a run of `make conformance` measured."""
    pages = [(each.PAGE, each.page) for each in (rules_page, engine_page, failures_page, doctor_page, settings_page)]
    for path, made in ((PAGE, page), *pages):
        path.write_text(made(path.read_text("utf-8") if path.exists() else ""), "utf-8")


def page(before: str = "") -> str:
    """Return the page. Its conformance table is that of the page before."""
    return _PAGE.format(
        dialects="\n".join(map(_row, DIALECTS.values())),
        sources="\n".join(_sources()),
        parsers="\n".join(_parsers()),
        conformance=f"{BEGIN}{conformance_of(before)}{END}{_missing(conformance_of(before))}",
    )


def _missing(table: str) -> str:
    """Say which dialects came after the last run."""
    names = [name for name in DIALECTS if f"\n| {name} |" not in table]
    return f"\nNot tried yet: {', '.join(names)}.\n" if names else ""


def conformance_of(text: str) -> str:
    """Return the conformance table of a page; nothing where it has none."""
    return between(text, BEGIN, END)


def with_conformance(text: str, table: str) -> str:
    """Return a page with another conformance table."""
    return with_between(text, BEGIN, END, table)


def _row(dialect: Dialect) -> str:
    cells = [
        dialect.name,
        models_of(dialect.name, patterns=True),
        call_of(dialect),
        thinking_of(dialect.thinking),
        corpus_of(dialect.name),
    ]
    return f"| {' | '.join(cells)} |"


def models_of(name: str, *, patterns: bool = False) -> str:
    """Name the profiles that read a dialect first, with the model names they match; else those that read it behind another."""
    known = [profile for profile in load() if profile.name != "generic"]
    first = [profile for profile in known if profile.reads[:1] == (name,)]
    if not first:
        behind = [profile.name for profile in known if name in profile.reads]
        return f"none of its own; read behind another by {', '.join(behind)}" if behind else "none of its own"
    if not patterns:
        return ", ".join(profile.name for profile in first)
    return "; ".join(f"{profile.name} ({', '.join(map(in_code, profile.match))})" for profile in first)


def call_of(dialect: Dialect) -> str:
    """Write the sample call, in a cell of a table."""
    call = written(dialect)
    return in_code(call) if call else "it cannot be written"


def written(dialect: Dialect) -> str:
    """Write the sample call; nothing where the dialect cannot."""
    try:
        return dialect.render((SAMPLE,))
    except Unwritable:
        return ""


def thinking_of(pairs: Sequence[tuple[str, str]]) -> str:
    """Show the markers around thoughts, an opener with all its closers."""
    groups = groupby(pairs, key=lambda pair: pair[0])
    shown = (f"{in_code(opener)} {' or '.join(in_code(closer) for _, closer in each)}" for opener, each in groups)
    return "; ".join(shown) or "-"


def corpus_of(name: str) -> str:
    """Name the files of the corpus that are read with a dialect first, and how many cases each has."""
    files = [file for file, own in READ_BY.items() if name in own]
    return ", ".join(f"{file} ({len(cases_of(file))})" for file in files) or "-"


def _sources() -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for name, dialect in DIALECTS.items():
        names.setdefault(source_of(dialect), []).append(name)
    return (f"- {', '.join(each)}: {source}" for source, each in names.items())


def source_of(dialect: Dialect) -> str:
    """Return what the docstring of a dialect's module says about its source; nothing where it says nothing."""
    found = (_SOURCE.search(each) for each in _docstrings(dialect))
    return next((in_prose(each["said"]) for each in found if each), "")


def _docstrings(dialect: Dialect) -> Iterator[str]:
    """Yield the docstrings of the modules that have a dialect among their values."""
    for each in pkgutil.iter_modules(adapters.models.__path__, "adapters.models."):
        module = importlib.import_module(each.name)
        if any(value is dialect for value in vars(module).values()):
            yield inspect.getdoc(module) or ""


def _parsers() -> Iterator[str]:
    return (f"| {parser} | {reader_of(parser) or in_prose(why) or 'none'} |" for parser, why in sorted(parsers().items()))


def parsers() -> Mapping[str, str]:
    """Return vLLM's parsers, and for some of them the reason why no dialect reads what they read."""
    tables = _vllm()
    return dict.fromkeys({**tables["checked"], **tables["unchecked"]}, "") | tables["unread"]


@cache
def reader_of(parser: str) -> str:
    """Name the dialect that reads alone what a parser reads: one of its name, else one that writes it so, else any.

    Of a parser without an example only the name is known.
    """
    tables = _vllm()
    example = tables["checked"].get(parser) or tables["unchecked"].get(parser)
    reading = [each for each in DIALECTS.values() if example and reads(each, example)]
    writing = [each.name for each in reading if written(each) == example]
    named = [parser] if parser in DIALECTS and (not example or DIALECTS[parser] in reading) else []
    return next(iter([*named, *writing, *(each.name for each in reading)]), "")


def reads(dialect: Dialect, example: str) -> bool:
    """Tell whether a text is the sample call and nothing else to a dialect alone."""
    events = decode(example, grammar([dialect], WITHIN.tools))
    calls = tuple(event.call for event in events if isinstance(event, Call))
    beside: list[Event] = [each for each in events if not isinstance(each, (Call, Markup)) and each.raw.strip()]
    return not beside and repair(Turn("assistant", calls=calls), WITHIN, RULES).turn.calls == (SAMPLE,)


@cache
def _vllm() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(VLLM.read_text("utf-8"))


if __name__ == "__main__":
    main()
