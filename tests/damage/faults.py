"""Faults: each damages a right call in one way, wherever that can be done, and yields every result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from rules.conversation import ToolCall, Tools
from tests.damage.shapes import Part, Shape, parts, put


@dataclass(frozen=True, slots=True)
class Right:
    """A right call: what its tool takes, and which other tools there are."""

    call: ToolCall
    shape: Shape
    tools: Tools

    @property
    def arguments(self) -> dict[str, object]:
        """Return the arguments, which have been read."""
        assert not isinstance(self.call.arguments, str)
        return dict(self.call.arguments)


Damage: TypeAlias = Callable[[Right], Iterator[ToolCall]]
"""Yields a call once for every place and way in which this fault can be made."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `knowable`: nothing is lost by it, so the right call has to come back; else nothing may be guessed."""

    name: str
    knowable: bool
    damage: Damage


InPlace: TypeAlias = Callable[[Part], Iterator[object]]
"""Yields what a value may become in its place."""


def in_place(change: InPlace, *, together: bool = True) -> Damage:
    """Make a fault of one value that of a call: at each place by itself and, `together`, at all places at once."""

    def damage(right: Right) -> Iterator[ToolCall]:
        whole = right.arguments
        changes = [(each.path, list(change(each))) for each in parts(right.shape, whole)]
        for path, news in changes:
            yield from (_with(right.call, put(whole, path, new)) for new in news)
        leaves = [(path, news[0]) for path, news in changes if news and path]
        if together and len(leaves) > 1 and not any(_within(one, other) for one, _ in leaves for other, _ in leaves):
            every = whole
            for path, new in leaves:
                every = put(every, path, new)
            yield _with(right.call, every)

    return damage


def _within(one: tuple[str | int, ...], other: tuple[str | int, ...]) -> bool:
    return one != other and one == other[: len(one)]


def _with(call: ToolCall, arguments: object) -> ToolCall:
    assert isinstance(arguments, dict)
    return replace(call, arguments=arguments)
