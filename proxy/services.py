"""What lives as long as the process."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.checker import Checker
from proxy.concessions import Memory
from proxy.grammars import Grammars
from proxy.journal import Journal
from proxy.ladder import Gate
from proxy.profiles import Profile
from proxy.sessions import Sessions
from proxy.settings import Settings
from proxy.upstream import Upstream

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    profiles: tuple[Profile, ...]
    upstream: Upstream
    checker: Checker
    journal: Journal | None
    memory: Memory = field(default_factory=Memory)
    gate: Gate = field(default_factory=Gate)
    sessions: Sessions = field(default_factory=Sessions)
    grammars: Grammars = field(default_factory=Grammars)
