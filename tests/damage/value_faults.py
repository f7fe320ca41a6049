"""Faults of one value: right in meaning, but of another kind or form than the schema wants, or of none that it could be."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.damage.faults import Fault, in_place
from tests.damage.shapes import ANY, Part, Shape


def _text_is_strange(shape: Shape) -> bool:
    return "string" not in shape.kinds


def numbers_as_text(part: Part) -> Iterator[object]:
    """Write a number as text, plain, between newlines, and as JSON of that text."""
    if isinstance(part.value, (int, float)) and not isinstance(part.value, bool) and _text_is_strange(part.shape):
        text = json.dumps(part.value)
        yield from (text, f"\n{text}\n", json.dumps(text))


def words_as_text(part: Part) -> Iterator[object]:
    """Write true, false and null as text, as JSON and Python have them."""
    if (part.value is None or isinstance(part.value, bool)) and _text_is_strange(part.shape):
        yield from (json.dumps(part.value), str(part.value), f" {part.value}\n")


def containers_as_text(part: Part) -> Iterator[object]:
    """Write an object or a list as text, as JSON, as JSON of that text, as Python, and behind a comma too many."""
    if isinstance(part.value, (dict, list)) and part.path and _text_is_strange(part.shape):
        text = json.dumps(part.value)
        yield from (text, json.dumps(part.value, indent=1, ensure_ascii=False), json.dumps(text), repr(part.value))
        if part.value:
            yield f"{text[:-1]},{text[-1]}"


def texts_as_values(part: Part) -> Iterator[object]:
    """Write a text that is a whole number or a truth without its quotes."""
    if isinstance(part.value, str) and part.shape.kinds == {"string"}:
        if part.value in ("true", "false"):
            yield part.value == "true"
        elif part.value.isascii() and part.value.isdigit() and str(int(part.value)) == part.value:
            yield int(part.value)


def choices_in_other_letters(part: Part) -> Iterator[object]:
    """Write a choice in another case, padded, or in quotes."""
    choices = _texts(part.shape)
    if isinstance(part.value, str) and part.value in choices:
        for text in (part.value.swapcase(), part.value.upper(), part.value.lower(), f" {part.value}\n", f'"{part.value}"'):
            alike = [each for each in choices if each.casefold() == text.strip(' \n"').casefold()]
            if text not in choices and alike == [part.value]:
                yield text


def choices_with_other_dashes(part: Part) -> Iterator[object]:
    """Write a choice of several words with dashes or blanks for its underscores."""
    choices = _texts(part.shape)
    if isinstance(part.value, str) and part.value in choices and part.value.replace("_", "").isalpha():
        for text in (part.value.replace("_", "-"), part.value.replace("_", " ")):
            alike = [each for each in choices if _bare(each) == _bare(text)]
            if text not in choices and alike == [part.value]:
                yield text


def _bare(text: str) -> str:
    return text.casefold().translate(dict.fromkeys(map(ord, "-_ ")))


def _texts(shape: Shape) -> list[str]:
    return [each for each in shape.choices or () if isinstance(each, str)]


def items_without_list(part: Part) -> Iterator[object]:
    """Write the only object of a list without the list."""
    value, item = part.value, part.shape.item
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
        return
    if item and item.kinds == {"object"} and "object" not in part.shape.kinds and not part.shape.row:
        yield value[0]


def nulls_for_nothing(part: Part) -> Iterator[object]:
    """Give null for what is not given and need not be."""
    if isinstance(part.value, dict):
        for name, shape in part.shape.properties.items():
            if name not in part.value and name not in part.shape.required and "null" not in shape.kinds:
                yield {**part.value, name: None}


def times_with_blanks(part: Part) -> Iterator[object]:
    """Write a time with a blank for its T, or its zone by name."""
    if part.shape.format == "date-time" and isinstance(part.value, str) and part.value[10:11] == "T":
        yield part.value.replace("T", " ")
        if part.value.endswith("Z"):
            yield f"{part.value[:-1]} UTC"


def nonsense(part: Part) -> Iterator[object]:
    """Give a value of another kind that spells none of the right one."""
    if not part.path:
        return
    wrong = {"string": ("ten", '{"a": ', "[1, ", "yes"), "object": ({"zzz": 1},), "array": ([[]],), "number": (3.25,)}
    for kind, values in wrong.items():
        if kind not in part.shape.kinds and not (kind == "object" and "array" in part.shape.kinds):
            yield from values


def containers_cut(part: Part) -> Iterator[object]:
    """Write an object or a list as text that ends too soon."""
    if isinstance(part.value, (dict, list)) and part.path and _text_is_strange(part.shape):
        text = json.dumps(part.value)
        yield from (text[:cut] for cut in range(1, len(text), max(1, len(text) // 8)))


def no_choice(part: Part) -> Iterator[object]:
    """Give a text that is none of the choices."""
    if _texts(part.shape) and part.shape.kinds <= {"string", "null"}:
        yield from ("zzz", "", f"{_texts(part.shape)[0]} or so")


def nothing_for_needed(part: Part) -> Iterator[object]:
    """Leave out, or give null for, what an object must have."""
    if isinstance(part.value, dict):
        for name in part.shape.required & part.value.keys():
            yield {key: each for key, each in part.value.items() if key != name}
            if "null" not in part.shape.properties.get(name, ANY).kinds:
                yield {**part.value, name: None}


VALUE_FAULTS = (
    Fault("numbers as text", True, in_place(numbers_as_text)),
    Fault("true, false and null as text", True, in_place(words_as_text)),
    Fault("objects and lists as text", True, in_place(containers_as_text)),
    Fault("texts without quotes", True, in_place(texts_as_values)),
    Fault("choices in other letters", True, in_place(choices_in_other_letters)),
    Fault("choices with other dashes", True, in_place(choices_with_other_dashes)),
    Fault("an item without its list", True, in_place(items_without_list)),
    Fault("null for what is not given", True, in_place(nulls_for_nothing)),
    Fault("times with blanks", True, in_place(times_with_blanks)),
    Fault("a value that spells nothing", False, in_place(nonsense, together=False)),
    Fault("objects and lists as text, cut", False, in_place(containers_cut, together=False)),
    Fault("a text that is no choice", False, in_place(no_choice, together=False)),
    Fault("nothing for what is needed", False, in_place(nothing_for_needed, together=False)),
)
