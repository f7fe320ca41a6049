"""Values that come again with every request of a client, as its tools do: kept, with what was worked out of them.

A function that is `worked_out` finds its result again where its argument is a kept value, or was itself worked out of one, or
stands in a tuple that is. All others it works out anew, and keeps nothing of: so what is kept is bounded, whatever clients
send. Kept values are never changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")

MAX_KEPT: Final = 32
"""Values that are kept at once; the one that was not asked for the longest goes."""

LARGEST: Final = 64 * 1024
"""Bytes of JSON up to which a value is kept."""


class _Kept:
    """One value, and by its function and argument what was worked out of it."""

    def __init__(self, raw: bytes, value: Any) -> None:
        self.raw, self.value = raw, value
        self.results: dict[tuple[Any, int], Any] = {}


_kept: Final[OrderedDict[bytes, _Kept]] = OrderedDict()
_owners: Final[dict[int, tuple[Any, _Kept]]] = {}
"""By identity: a value that is kept, or was worked out of one, and whose it is. All of them live, so no identity comes twice."""


def keep(raw: bytes, value: Argument) -> tuple[bytes, Argument]:
    """Return the same bytes and what was read from them before, else these, which are kept from now on."""
    if len(raw) > LARGEST:
        return raw, value
    found = _kept.get(raw)
    if found is None:
        found = _kept[raw] = _Kept(raw, value)
        _own(value, found)
        while len(_kept) > MAX_KEPT:
            _forget(_kept.popitem(last=False)[1])
    else:
        _kept.move_to_end(raw)
    return found.raw, found.value


def _own(value: Any, owner: _Kept) -> None:
    """Let functions know a value again."""
    for each in _parts(value):
        _owners.setdefault(id(each), (each, owner))


def _parts(value: Any) -> list[Any]:
    """Return a value, and what stands in it where it is a tuple; but for what others share with it, as all share a number."""
    parts = (value, *(value if isinstance(value, tuple) else ()))
    return [each for each in parts if each and not isinstance(each, (str, int, float))]


def _forget(gone: _Kept) -> None:
    for value in (gone.value, *gone.results.values()):
        for each in _parts(value):
            if _owners.get(id(each), (None, None))[1] is gone:
                del _owners[id(each)]


def worked_out(function: Callable[[Argument], Result]) -> Callable[[Argument], Result]:
    """Make a function of one argument find its results again, where they are of a kept value. It must be one without effects."""

    @wraps(function)
    def remembering(argument: Argument) -> Result:
        owned = _owners.get(id(argument))
        if owned is None or owned[0] is not argument:
            return function(argument)
        owner, key = owned[1], (function, id(argument))
        if key not in owner.results:
            result = owner.results[key] = function(argument)
            _own(result, owner)
        found: Result = owner.results[key]
        return found

    return remembering
