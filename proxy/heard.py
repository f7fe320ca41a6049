"""What was heard of one question: its answer, what broke off of it, or the fault that came in its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from proxy.answer import Answer
from proxy.capabilities import Capabilities
from proxy.concessions import Concession
from proxy.errors import Fault
from proxy.reading import Reader, Usage


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a process knew of a server when a turn began.

    ungrammatical  ways of asking under a grammar that it does not bear (`Grammars.out`), where it was asked again
    """

    server: Capabilities = field(default_factory=Capabilities)
    granted: frozenset[Concession] = frozenset()
    ungrammatical: tuple[str, ...] = ()


@dataclass(slots=True)
class Heard:
    """One question and what came of it, as far as it has come.

    rung    what was asked for (`adapters.structured.constraint.Rung`); empty: the turn itself, for the first time
    reader  of the answer, once it has begun
    answer  the answer, once it is finished
    fault   what came in its place, or broke it off
    learned what requests do without from now on, since the server complained
    """

    rung: str = ""
    reader: Reader | None = None
    answer: Answer | None = None
    fault: Fault | None = None
    learned: Concession | None = None

    def begin(self, reader: Reader) -> None:
        """Take note that an answer begins."""
        self.reader = reader

    @property
    def usage(self) -> Usage:
        """Its tokens, as far as they are known."""
        return self.reader.tokens() if self.reader else Usage()


def answers_of(heard: Iterable[Heard]) -> list[Answer]:
    """Return the finished answers, in order."""
    return [each.answer for each in heard if each.answer]


def begun(heard: Iterable[Heard]) -> int:
    """Count the answers that have begun."""
    return sum(1 for each in heard if each.reader)


def usage_of(heard: Iterable[Heard]) -> Usage:
    """Return the tokens of all of it."""
    return reduce(Usage.plus, (each.usage for each in heard), Usage())
