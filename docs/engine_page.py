"""Writes docs/engine.md out of the table of known engine faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from adapters.engine import base
from adapters.engine.base import PARSERS, Kind, Known
from adapters.engine.registry import FAULTS
from docs.markdown import in_prose

PAGE = Path(__file__).with_name("engine.md")
EVERY = "every parser"

_PAGE = """\
# Faults of the engine

What vLLM's own parsers are known to do wrong with a model's text. Made by `make docs` out of the table in
`adapters/engine/known/`. Do not edit it by hand.

toolmend reads what the model wrote (the log-probabilities' bytes) by itself, and what it delivers is made of that. What the
server made of the same text is compared with it, before any rule has mended anything: what the model itself got wrong, and the
server passed on as it came, is not the server's. Types that the tool's schema decides are the server's to choose; the order of
keys, 5 or 5.0, and blanks around values and texts are no difference. Nothing is compared where the server was not asked to find
calls: without tools, with `tool_choice` `none`, where tools are told as text, and in a question under a grammar.

A difference is written into the journal's field `engine` ([journal.md](journal.md)) and into the log's event `answered`, also
where something else was wrong with the turn. Where it is nothing that is known, its kind alone is:

| kind | what differs |
|---|---|
{kinds}

The version is taken from the answer's `system_fingerprint`, as vLLM gives it (`vllm-0.32.0-4b285799`), else from what the server
said at start; the parser from what it did with a call then, else from the profile. A server that tells no version may have any of
these faults, and what is named is then the likeliest one. Where two look alike, the first one here is named. A server that is not
vLLM has none of them: there the kind alone is written down.

- *versions*: *seen* by us on a real server of that version ([vllm.md](vllm.md)); *told of* it by the issues. *Gone in* 0.32:
  played to a real server, and not there; in 0.33: read in its source
- *issues*: those of other projects stand where vLLM behaves in the same way
- the headings are parsers, as `--tool-call-parser` names them

{tables}
"""


def page(_before: str = "") -> str:
    """Return the page."""
    return _PAGE.format(kinds="\n".join(_kinds()), tables="\n\n".join(_tables()))


def _kinds() -> Iterator[str]:
    """Take what each kind is from where they are defined."""
    said = Path(base.__file__).read_text("utf-8")
    for kind in get_args(Kind):
        found = re.search(rf"^{kind} +(.+)$", said, re.MULTILINE)
        assert found, kind
        yield f"| `{kind}` | {found[1]} |"


def _tables() -> Iterator[str]:
    for dialect in dict.fromkeys(each.dialect for each in FAULTS):
        named = ", ".join(f"`{parser}`" for parser in PARSERS.get(dialect, ()))
        rows = [_row(each) for each in FAULTS if each.dialect == dialect]
        heading = [
            f"## {named or EVERY}",
            "",
            "| fault | what is seen | versions | issues | what avoids it |",
            "|---|---|---|---|---|",
        ]
        yield "\n".join([*heading, *rows])


def _row(known: Known) -> str:
    cells = [f"`{known.name}`", _cell(known.what), versions(known), ", ".join(known.issues) or "-", _cell(known.avoid) or "-"]
    return f"| {' | '.join(cells)} |"


def versions(known: Known) -> str:
    """Say in which versions a fault is, and how that is known."""
    said = [f"seen {known.seen}"] if known.seen else []
    said += [f"told of {known.told}"] if known.told else []
    said += [f"gone in {known.gone}"] if known.gone else []
    return ", ".join(said) or "not said"


def _cell(text: str) -> str:
    return in_prose(text).replace("|", "\\|")
