"""What lives as long as the process."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.checker import Checker
from proxy.concessions import Memory
from proxy.grammars import Grammars
from proxy.journal import Book
from proxy.ladder import Gate
from proxy.prober import Prober
from proxy.profiles import Profile
from proxy.sessions import Sessions
from proxy.settings import Settings
from proxy.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    profiles: tuple[Profile, ...]
    upstream: Upstream
    checker: Checker
    journal: Book | None
    prober: Prober
    memory: Memory
    grammars: Grammars
    gate: Gate = field(default_factory=Gate)
    sessions: Sessions = field(default_factory=Sessions)
