"""Measures in which form a model calls tools best: the doctor's scenarios, the tools told in one form after the other.

All goes through toolmend. Nothing is asked again, so that the form is measured and not the asking; what rules can mend is mended,
since it would be in use.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.registry import DIALECTS
from proxy.doctor.asker import Asker
from proxy.doctor.examine import Step
from proxy.doctor.gathered import Gathered
from proxy.doctor.intervals import wilson
from proxy.doctor.meeting import meet, probe, started
from proxy.doctor.order import Order
from proxy.doctor.profile_file import literal
from proxy.doctor.purse import Spent
from proxy.doctor.scenarios import SCENARIOS
from proxy.doctor.trials import Trial, Way, play, requests_of
from proxy.doctor.wire import Server
from proxy.probe import REQUESTS
from proxy.profiles import Profile
from proxy.settings import Budget, ProfileTable, Settings
from proxy.upstream import Upstream

NATIVE: Final = "native"
MOST: Final = 6
"""Forms that are measured at most, where none are wished."""
USUAL: Final = ("hermes_json", "qwen_xml", "gemma4")
"""Formats that many models have seen, whatever their own is."""


@dataclass(slots=True)
class Measured:
    """What was counted of one form.

    protocol  as in a profile: `native`, or `text:` and a dialect
    """

    protocol: str
    trials: list[Trial] = field(default_factory=list)

    @property
    def right(self) -> int:
        """Plays that came out right."""
        return sum(trial.right for trial in self.trials)

    @property
    def untouched(self) -> int:
        """Of these, plays in which toolmend says of no turn that it was mended."""
        return sum(trial.right and not any(_mended(turn) for turn in trial.turns) for trial in self.trials)

    @property
    def bounds(self) -> tuple[float, float]:
        """Bounds of the share of right plays."""
        return wilson(self.right, len(self.trials))

    @property
    def tokens(self) -> float | None:
        """Tokens per right play, prompts and failed plays included; None where none was right."""
        spent = sum(turn.answer.tokens for trial in self.trials for turn in trial.turns if turn.answer is not None)
        return spent / self.right if self.right else None


def _mended(turn: object) -> bool:
    answer = getattr(turn, "answer", None)
    return answer is not None and answer.headers.get("x-toolmend-outcome") == "mended"


def candidates(profile: Profile, wished: Sequence[str]) -> list[str]:
    """Return the forms to measure: the wished ones, else the profile's, natively, two of the model's own, the usual ones."""
    own = [f"text:{name}" for name in dict.fromkeys((*profile.reads[:2], *USUAL)) if not DIALECTS[name].asked]
    current = profile.protocol if profile.protocol != "auto" else NATIVE
    return list(dict.fromkeys(wished)) or list(dict.fromkeys((current, NATIVE, *own)))[:MOST]


def plays(repeats: int) -> list[Way]:
    """Return the plays of one form: asked whole, since what toolmend did is told only there."""
    return [
        Way(scenario, "native", "toolmend", stream=False, repeat=repeat) for repeat in range(repeats) for scenario in SCENARIOS
    ]


def requests(forms: int, repeats: int) -> int:
    """Return the most requests that measuring so many forms takes."""
    return 1 + REQUESTS + forms * sum(map(requests_of, plays(repeats)))


@dataclass(slots=True)
class Tuning:
    """One measurement. `measured` can be read at any time."""

    order: Order
    gathered: Gathered
    step: Step
    wished: Sequence[str] = ()
    measured: list[Measured] = field(default_factory=list)

    async def run(self) -> None:
        """Measure. What the server does wrong is gathered; nothing of it is raised."""
        began = time.monotonic()
        settings, gathered = self.order.settings, self.gathered
        direct = Server(settings.upstream, self.order.key, self.order.seconds, self.order.trust)
        upstream = Upstream(settings)
        try:
            if await meet(direct, self.order, gathered):
                await probe(upstream, self.order, gathered)
                assert gathered.profile is not None
                await self._measure(candidates(gathered.profile, self.wished))
        except Spent as spent:
            gathered.stopped = str(spent)
        finally:
            gathered.seconds = round(time.monotonic() - began, 1)
            await direct.close()
            await upstream.close()

    async def _measure(self, protocols: Sequence[str]) -> None:
        """Play once in each form, then once more, and so on: what disturbs the server for a while disturbs all forms."""
        asker = Asker(self.gathered.purse)
        self.measured += [Measured(protocol) for protocol in protocols]
        for repeat in range(self.order.repeats):
            for measured in self.measured:
                await self._round(measured, repeat, asker)

    async def _round(self, measured: Measured, repeat: int, asker: Asker) -> None:
        """Play everything once in one form."""
        order, gathered = self.order, self.gathered
        async with started(self._settings(measured.protocol), gathered.model, gathered.known) as url:
            server = Server(url, None, order.seconds)
            try:
                for way in (way for way in plays(order.repeats) if way.repeat == repeat):
                    measured.trials.append(await play(way, gathered.model, order.limit, asker.asks(server)))
                    self.step(requests_of(way))
            finally:
                await server.close()

    def _settings(self, protocol: str) -> Settings:
        """Return the settings of a toolmend that tells this model its tools in this form, and asks nothing again."""
        settings, profile = self.order.settings, self.gathered.profile
        assert profile is not None
        if profile.ranked:  # none of the configured ones is for this model
            table = ProfileTable(name="tuned", extends=profile.name, match=(literal(self.gathered.model),), protocol=protocol)
            tables = (*settings.profile, table)
        else:
            changed = {"protocol": protocol}
            tables = tuple(each.model_copy(update=changed) if each.name == profile.name else each for each in settings.profile)
        return settings.model_copy(update={"profile": tables, "budget": Budget(asks=0)})
