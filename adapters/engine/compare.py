"""Says what a server's own parser got wrong in one answer, and under which name that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.engine.base import Difference, Heard, Kind, Known
from adapters.engine.differ import difference
from adapters.engine.registry import FAULTS
from adapters.engine.same import as_text
from adapters.engine.versions import was_in
from rules.conversation import ToolCall

HEAD, TAIL = 1000, 500
"""Characters that are kept of both ends of what was read, and of what was served."""


@dataclass(frozen=True, slots=True)
class EngineFault:
    """What a server got wrong.

    kind     how its answer differs from what the model wrote
    name     the known fault that it is; empty: none that we know
    issues   where that is told of
    version  of the server; empty: it does not tell, so that the fault may be one of another version
    read     what the model wrote, as we read it
    served   what the server made of it
    """

    kind: Kind
    name: str = ""
    issues: tuple[str, ...] = ()
    version: str = ""
    read: str = ""
    served: str = ""


def compare(heard: Heard, version: str = "", faults: Sequence[Known] = FAULTS) -> EngineFault | None:
    """Compare an answer with what the model wrote. Nothing is said of what the model itself got wrong.

    faults  those that the server may have
    """
    found = difference(heard)
    if found is None:
        return None
    known = known_as(heard, found, version, faults)
    name, issues = (known.name, known.issues) if known else ("", ())
    return EngineFault(found.kind, name, issues, version, *_shown(heard, found))


def known_as(heard: Heard, found: Difference, version: str, faults: Sequence[Known]) -> Known | None:
    """Return the first known fault of this family and version that makes this difference."""
    return next((each for each in faults if _may_be(each, heard, found, version) and each.shows(heard, found)), None)


def _may_be(known: Known, heard: Heard, found: Difference, version: str) -> bool:
    return known.dialect in ("", heard.dialect) and found.kind in known.kinds and was_in(version, known.since, known.gone)


def _shown(heard: Heard, found: Difference) -> tuple[str, str]:
    """Write down what was read and what was served: the calls, or what was said."""
    if found.kind.startswith(("call", "truncation")):
        return _call(found.read), _call(found.served)
    if found.kind == "thought-lost":
        return _bounded(heard.thinking), _bounded(heard.reasoning)
    return _bounded(heard.text or ""), _bounded(heard.content)


def _call(call: ToolCall | None) -> str:
    return _bounded(as_text(call)) if call is not None else ""


def _bounded(text: str) -> str:
    """Keep both ends of a long text."""
    if len(text) <= HEAD + TAIL:
        return text
    return f"{text[:HEAD]}[{len(text) - HEAD - TAIL} characters cut]{text[-TAIL:]}"
