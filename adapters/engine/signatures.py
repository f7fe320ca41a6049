"""How known faults are told from each other: small questions about one answer and the way in which it differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from adapters.engine.base import Difference, Heard, Signature
from rules.conversation import Json, ToolCall

QUOTES: Final = ('"', "'")
NAME: Final = 100
"""Characters of a text that the name at its end is looked for in."""


# --- what can be asked


def always(_heard: Heard, _found: Difference) -> bool:
    """Say yes: the kind of the difference says it all."""
    return True


def both(*signatures: Signature) -> Signature:
    """Ask several questions."""
    return lambda heard, found: all(each(heard, found) for each in signatures)


def raw_holds(pattern: str) -> Signature:
    """Ask whether the model's text matches somewhere. The pattern has to cost linear time."""
    return lambda heard, _found: _compiled(pattern).search(heard.raw) is not None


def raw_lacks(marker: str) -> Signature:
    """Ask whether a marker stands nowhere in the model's text."""
    return lambda heard, _found: marker not in heard.raw


def text_holds(*markers: str) -> Signature:
    """Ask whether the model shows a marker in what it says to the user."""
    return lambda heard, _found: any(each in (heard.text or "") for each in markers)


def leaks(*markers: str) -> Signature:
    """Ask whether a marker stands in what the server gave as text, and not in what the model said."""
    return lambda heard, _found: any(each in heard.content and each not in (heard.text or "") for each in markers)


def value_holds(*markers: str) -> Signature:
    """Ask whether a value of the call, or of any where none is meant, holds one of these as the model wrote it."""
    return lambda heard, found: any(
        mark in text
        for call in ((found.read,) if found.read else heard.read)
        if not isinstance(call.arguments, str)
        for text in _texts(call)
        for mark in markers
    )


def served_holds(*markers: str) -> Signature:
    """Ask whether one of these stands in a name, a key or a value that the server made, and in none that the model wrote."""

    def asks(_heard: Heard, found: Difference) -> bool:
        ours, theirs = _texts(found.read), _texts(found.served)
        return any(any(mark in text for text in theirs) and not any(mark in text for text in ours) for mark in markers)

    return asks


def name_holds(pattern: str) -> Signature:
    """Ask whether the name of the call that the server made out matches somewhere."""
    return lambda _heard, found: found.served is not None and _compiled(pattern).search(found.served.name) is not None


# --- questions of their own


def announced(heard: Heard, _found: Difference) -> bool:
    """Ask whether calls are announced and none came."""
    return heard.finish == "tool_calls" and not heard.served


def shown_as_text(heard: Heard, found: Difference) -> bool:
    """Ask whether the call's text came as what is said to the user."""
    return found.read is not None and bool(found.read.name) and found.read.name in heard.content


def nothing_served(heard: Heard, found: Difference) -> bool:
    """Ask whether no call came, and nothing of its text either."""
    return not heard.served and not shown_as_text(heard, found)


def whole(heard: Heard, _found: Difference) -> bool:
    """Ask whether the answer came in one piece."""
    return not heard.streamed


def streamed(heard: Heard, _found: Difference) -> bool:
    """Ask whether the answer came as a stream."""
    return heard.streamed


def demanded(heard: Heard, _found: Difference) -> bool:
    """Ask whether the client demanded a call."""
    return heard.demanded


def unterminated(_heard: Heard, found: Difference) -> bool:
    """Ask whether the arguments came as the beginning of an object."""
    text = _written(found.served)
    return text.lstrip().startswith("{") and not text.rstrip().endswith("}")


def one_brace_more(_heard: Heard, found: Difference) -> bool:
    """Ask whether the arguments came with a closing brace too many."""
    ours, theirs = _written(found.read), _written(found.served)
    return theirs.endswith("}") and (theirs[:-1].rstrip() == ours.rstrip() or theirs.count("}") > theirs.count("{"))


def empty(_heard: Heard, found: Difference) -> bool:
    """Ask whether the call came without any arguments, though it has some."""
    return found.served is not None and not found.served.arguments and bool(found.read and found.read.arguments)


def lacks_argument(_heard: Heard, found: Difference) -> bool:
    """Ask whether an argument is missing, and none came that the model did not write."""
    ours, theirs = _arguments(found.read), _arguments(found.served)
    return theirs.keys() < ours.keys()


def lacks_equated(heard: Heard, found: Difference) -> bool:
    """Ask whether an argument is missing that the model wrote with an equals sign."""
    equated = {re.split(r"[\s,({]", piece[-NAME:])[-1] for piece in heard.raw.split("=")}
    return not equated.isdisjoint(_arguments(found.read).keys() - _arguments(found.served).keys())


def quotes_stay(_heard: Heard, found: Difference) -> bool:
    """Ask whether a key or a value came with its quotes, as part of it."""
    return any(text[:1] in QUOTES for text in _texts(found.served)) and not any(text[:1] in QUOTES for text in _texts(found.read))


def name_in_quotes(_heard: Heard, found: Difference) -> bool:
    """Ask whether the name came with its quotes."""
    return found.served is not None and found.served.name[:1] in QUOTES


def bare_as_text(_heard: Heard, found: Difference) -> bool:
    """Ask whether numbers and booleans came as texts, and nothing else differs."""
    ours, theirs = _leaves(_arguments(found.read)), _leaves(_arguments(found.served))
    pairs = list(zip(ours, theirs, strict=False))
    as_text = [isinstance(b, str) and not isinstance(a, str) and b == json.dumps(a) for a, b in pairs]
    return any(as_text) and all(same or a == b for same, (a, b) in zip(as_text, pairs, strict=True))


def scalar_grew(_heard: Heard, found: Difference) -> bool:
    """Ask whether a number or a boolean came with characters too many (108.2 as 108.02, true as trutrue)."""
    ours, theirs = _leaves(_arguments(found.read)), _leaves(_arguments(found.served))
    changed = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
    return bool(changed) and all(not isinstance(a, (str, type(None))) and len(str(b)) > len(json.dumps(a)) for a, b in changed)


def boolean_as_text(_heard: Heard, found: Difference) -> bool:
    """Ask whether a boolean came as a text."""
    ours, theirs = _leaves(_arguments(found.read)), _leaves(_arguments(found.served))
    return any(
        isinstance(b, str) and str(a).lower() == b.lower() in ("true", "false") for a, b in zip(ours, theirs, strict=False)
    )


def braces_in_value(_heard: Heard, found: Difference) -> bool:
    """Ask whether a value of the call holds braces that do not match."""
    return any(text.count("{") != text.count("}") for text in _texts(found.read))


def parameter_open(heard: Heard, _found: Difference) -> bool:
    """Ask whether a parameter was not closed."""
    return heard.raw.count("<parameter=") > heard.raw.count("</parameter>")


def parameter_twice(heard: Heard, _found: Difference) -> bool:
    """Ask whether a parameter of the same name stands in the text twice."""
    names = re.findall(r"<parameter=([^<>\n]{1,200})>", heard.raw)
    return len(names) > len(set(names))


def shares_block(heard: Heard, _found: Difference) -> bool:
    """Ask whether there are more calls than blocks that open."""
    return 0 < heard.raw.count("<tool_call>") < len(heard.read)


def behind_quote(heard: Heard, found: Difference) -> bool:
    """Ask whether a call was made of what the model shows, or talks about."""
    return found.served is not None and found.served.name in (heard.text or "")


# --- what stands in a call


def _written(call: ToolCall | None) -> str:
    """Return arguments that are no object, as they came."""
    return call.arguments if call is not None and isinstance(call.arguments, str) else ""


def _arguments(call: ToolCall | None) -> dict[str, Json]:
    return dict(call.arguments) if call is not None and not isinstance(call.arguments, str) else {}


def _texts(call: ToolCall | None) -> list[str]:
    """Return all texts of a call: its name, its keys, its values; arguments that could not be read are one."""
    if call is None:
        return []
    if isinstance(call.arguments, str):
        return [call.name, call.arguments]
    return [call.name, *_keys(call.arguments), *(each for each in _leaves(dict(call.arguments)) if isinstance(each, str))]


def _keys(value: Json | Mapping[str, Json]) -> Iterator[str]:
    for name, each in value.items() if isinstance(value, Mapping) else ():
        yield name
        yield from _keys(each)
    for each in value if isinstance(value, list) else ():
        yield from _keys(each)


def _leaves(value: Json) -> list[Json]:
    """Return the values that hold no others, in the order of their keys."""
    match value:
        case dict():
            return [leaf for name in sorted(value) for leaf in _leaves(value[name])]
        case list():
            return [leaf for each in value for leaf in _leaves(each)]
        case _:
            return [value]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
