"""Faults of keys: in other letters, with a slip of the pen, beside keys too many, or under a name that is nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rules.words import WORDS
from tests.damage.faults import Fault, in_place
from tests.damage.shapes import Part

BETWEEN: Mapping[str, str] = {
    **{"old_text": "ole_text", "new_text": "now_text", "start_line": "line", "end_line": "line", "min_size": "mix_size"},
    **{"max_size": "mix_size", "source_dir": "dir", "target_dir": "dir", "path1": "path3", "path2": "path3", "x": "z", "y": "z"},
}
"""A key -> one that another key beside it may have been meant by as well."""

CHATTER = ("reasoning", "explanation", "security_risk")


def keys_in_other_letters(part: Part) -> Iterator[object]:
    """Write a key in camel case, with dashes, in capitals, and with its words run together."""
    for key in _renameable(part, certain=True):
        words = re.split(r"[_.-]", key)
        camel = "".join([words[0], *(word.capitalize() for word in words[1:])])
        for new in (camel, key.replace("_", "-"), key.upper(), key.replace("_", " "), key.replace("_", "").capitalize()):
            others = [each for each in part.shape.properties if bare(each) == bare(new)]
            if new not in part.shape.properties and others == [key] and not re.search(r"\d_\d", key):
                yield _renamed(part, key, new)


def keys_with_a_slip(part: Part) -> Iterator[object]:
    """Drop a letter within a word of a key, double one, or swap two, where no other property is near."""
    for key in _renameable(part, certain=False):
        for word in re.findall(r"(?<![^\W_])[a-z]{5,}(?![^\W_])", key):
            middle = len(word) // 2
            for slip in (
                word[:middle] + word[middle + 1 :],
                word[:middle] + word[middle] * 2 + word[middle + 1 :],
                word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :],
            ):
                new = key.replace(word, slip, 1)
                alone = all(edits(bare(new), bare(each)) > 4 for each in part.shape.properties if each != key)
                if slip != word and slip not in WORDS and alone:
                    yield _renamed(part, key, new)


def keys_with_any_slip(part: Part) -> Iterator[object]:
    """Change or drop any letter of a key, in whatever word and beside whatever others."""
    for key in part.value if isinstance(part.value, dict) and part.shape.others is None else ():
        for at, letter in enumerate(key if key in part.shape.properties else ""):
            for new in (f"{key[:at]}{chr(ord('a') + (ord(letter) + at) % 26)}{key[at + 1 :]}", key[:at] + key[at + 1 :]):
                if new not in part.shape.properties and new not in part.value and new:
                    yield _renamed(part, key, new)


def _renameable(part: Part, *, certain: bool) -> list[str]:
    """Return the keys of which it is known that they were meant: where no others are allowed, or where one is missing without."""
    if not isinstance(part.value, dict):
        return []
    shape = part.shape
    free = shape.other == "no" or (certain and shape.other == "perhaps")
    return [key for key in part.value if key in shape.properties and (free or key in shape.required)]


def _renamed(part: Part, key: str, new: str) -> dict[str, object]:
    assert isinstance(part.value, dict)
    return {new if name == key else name: each for name, each in part.value.items()}


def bare(name: str) -> str:
    """Return a name without case and dashes."""
    return re.sub(r"[-_. ]", "", name.casefold())


def edits(one: str, other: str) -> int:
    """Return how many letters differ, as Levenshtein counts them; a swap is two."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        left, row[0] = row[0], at
        for to, wanted in enumerate(other, 1):
            left, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, left + (letter != wanted))
    return row[-1]


def chatter(part: Part) -> Iterator[object]:
    """Say something about the call in an argument of its own, where every text that it may have been meant as is given."""
    if not isinstance(part.value, dict) or part.path or part.shape.other != "no" or not part.shape.properties:
        return
    open_texts = [
        name for name, each in part.shape.properties.items() if name not in part.value and each.takes_text() and name != "summary"
    ]
    for key in CHATTER:
        if key not in part.shape.properties and not open_texts:
            yield {**part.value, key: "LOW" if key == "security_risk" else "It is needed."}


def nothing_too_many(part: Part) -> Iterator[object]:
    """Give null under a key that is nobody's, where none that is not given takes null."""
    if isinstance(part.value, dict) and part.shape.other == "no" and part.shape.properties:
        missing = [each for name, each in part.shape.properties.items() if name not in part.value]
        if not any("null" in each.kinds for each in missing):
            yield {**part.value, "zzqx": None}


def keys_of_nobody(part: Part) -> Iterator[object]:
    """Write a key that is like none, where not any key will do."""
    if isinstance(part.value, dict) and part.shape.others is None:
        yield from (_renamed(part, key, "zzqx") for key in part.value if key in part.shape.properties)


def keys_between(part: Part) -> Iterator[object]:
    """Write a key that two may have been meant by."""
    if isinstance(part.value, dict) and part.shape.others is None:
        yield from (_renamed(part, key, BETWEEN[key]) for key in part.value if key in BETWEEN)


KEY_FAULTS = (
    Fault("keys in other letters", True, in_place(keys_in_other_letters)),
    Fault("keys with a slip", True, in_place(keys_with_a_slip)),
    Fault("chatter beside the arguments", True, in_place(chatter)),
    Fault("null for what is nobody's", True, in_place(nothing_too_many)),
    Fault("a key with any slip", False, in_place(keys_with_any_slip, together=False)),
    Fault("a key that is nobody's", False, in_place(keys_of_nobody, together=False)),
    Fault("a key between two", False, in_place(keys_between, together=False)),
)
