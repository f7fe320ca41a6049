"""What an examination has gathered so far. It grows as the questions are asked, so that a part of it can be told at any time."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.capabilities import Capabilities
from proxy.doctor.checks import Cut, Plain, Shown
from proxy.doctor.look import Look
from proxy.doctor.purse import Purse
from proxy.doctor.trials import Trial, Turn, Way
from proxy.doctor.wire import Trouble
from proxy.profiles import Profile
from proxy.settings import ProfileTable


@dataclass(slots=True)
class Gathered:
    """See above.

    proxy     URL of the toolmend that was asked; empty: one was started here
    tables    the configured profiles of this run
    looks     what a second look at a turn that failed showed
    trouble   why the server could not be examined
    stopped   why not all was asked, in words; empty: all was
    """

    upstream: str
    purse: Purse
    keyed: bool = False
    proxy: str = ""
    model: str = ""
    models: tuple[str, ...] = ()
    profile: Profile | None = None
    tables: tuple[ProfileTable, ...] = ()
    known: Capabilities = field(default_factory=Capabilities)
    shown: Shown = field(default_factory=Shown)
    cut: Cut = field(default_factory=Cut)
    plain: Plain = field(default_factory=Plain)
    planned: int = 0
    trials: list[Trial] = field(default_factory=list)
    looks: list[tuple[Way, Turn, Look]] = field(default_factory=list)
    trouble: Trouble | None = None
    stopped: str = ""
    seconds: float = 0.0

    def look_at(self, trial: Trial) -> Look | None:
        """Return what a look showed at the same step of the same play, or of a repetition of it."""
        return next((look for way, _, look in self.looks if _same(way, trial.way)), None)


def _same(one: Way, other: Way) -> bool:
    return (one.scenario, one.protocol, one.stream) == (other.scenario, other.protocol, other.stream)
