"""Sums up what journals hold: plain values, which are printed, written as JSON, or drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from adapters.engine.registry import FAULTS
from proxy.failures.base import Reason
from proxy.failures.table import reason_of
from proxy.records.read import Entry, is_turn, moment_of

By = Literal["class", "model", "client", "tool", "rule", "conversation"]
"""What turns are grouped by."""

GROUPS: Final[tuple[By, ...]] = get_args(By)
LOST: Final = ("failed-open", "error", "aborted")
"""Outcomes in which the client did not get what it needs."""

COSTLIEST: Final = 10
ADVICE: Final = 3
SNIPPET: Final = 160
"""Characters of an example."""

_AVOID: Final[Mapping[str, str]] = {each.name: each.avoid for each in FAULTS}


@dataclass(slots=True)
class Rates:
    """All turns, right or not, as they were counted.

    turns         of any kind
    called        those in which the model made a call, or meant to
    wrong_before  those of them whose call was wrong as the model, or its server, gave it
    wrong_after   those whose call was wrong when the client got it
    completion, extra, seconds, extra_seconds  tokens written and spent on asking again, time, and time spent on asking again
    """

    turns: int = 0
    called: int = 0
    wrong_before: int = 0
    wrong_after: int = 0
    completion: int = 0
    extra: int = 0
    seconds: float = 0.0
    extra_seconds: float = 0.0

    def add(self, count: Mapping[str, Any]) -> None:
        """Add one row of a count."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + (count.get(name) or 0))

    @property
    def error_before(self) -> float | None:
        """Tool Call Error Rate without toolmend: turns with a wrong call, of all turns with a call."""
        return self.wrong_before / self.called if self.called else None

    @property
    def error_after(self) -> float | None:
        """The same as the client sees it."""
        return self.wrong_after / self.called if self.called else None


@dataclass(slots=True)
class Group:
    """Turns that have something in common. Seconds and tokens are what asking again cost."""

    name: str
    turns: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    extra_tokens: int = 0
    extra_seconds: float = 0.0

    @property
    def lost(self) -> int:
        """Turns in which the client did not get what it needs."""
        return sum(self.outcomes[each] for each in LOST)

    def add(self, entry: Entry) -> None:
        """Count a turn."""
        self.turns += 1
        self.outcomes[str(entry["outcome"])] += 1
        self.extra_tokens += extra_tokens(entry)
        self.extra_seconds += extra_seconds(entry)


@dataclass(slots=True)
class Cause(Group):
    """Turns of one reason, with an example. `issues` are what is known of the engine's fault, `avoid` what avoids it."""

    fault: str = ""
    turn: str = ""
    snippet: str = ""
    issues: list[str] = field(default_factory=list)
    avoid: list[str] = field(default_factory=list)

    @property
    def known(self) -> Reason | None:
        """What is known of the reason."""
        return reason_of(self.fault, self.name)


@dataclass(frozen=True, slots=True)
class Summary:
    """What journals hold.

    first, last  moments of the first and last turn, as the journal has them; empty: there is none
    by           what `groups` are by, most turns first
    causes       the costliest reasons: first those that lost turns, then by tokens and turns
    advice       what to change first
    """

    turns: int
    first: str
    last: str
    outcomes: Mapping[str, int]
    rates: Rates
    by: By
    groups: Sequence[Group]
    causes: Sequence[Cause]
    extra_tokens: int
    extra_seconds: float
    advice: Sequence[str]


def summarise(entries: Iterable[Entry], by: By = "class") -> Summary:
    """Sum up turns and counts of turns."""
    rates = Rates()
    groups: dict[str, Group] = {}
    causes: dict[tuple[str, str], Cause] = {}
    every = Group("all")
    first: tuple[str, float] = ("", float("inf"))
    last: tuple[str, float] = ("", float("-inf"))
    for entry in entries:
        if not is_turn(entry):
            for row in entry.get("counts", ()):
                rates.add(row.get("count", {}))
            continue
        every.add(entry)
        for name in names_of(entry, by):
            groups.setdefault(name, Group(name)).add(entry)
        _cause(causes, entry)
        moment = moment_of(entry)
        first = min(first, (str(entry["ts"]), moment), key=_moment)
        last = max(last, (str(entry["ts"]), moment), key=_moment)
    ranked = sorted(causes.values(), key=lambda each: (-each.lost, -each.extra_tokens, -each.turns, each.name))
    return Summary(
        every.turns,
        first[0],
        last[0],
        every.outcomes,
        rates,
        by,
        sorted(groups.values(), key=lambda each: (-each.turns, each.name)),
        ranked[:COSTLIEST],
        every.extra_tokens,
        every.extra_seconds,
        advice(ranked, every.turns),
    )


def _moment(pair: tuple[str, float]) -> float:
    return pair[1]


def _cause(causes: dict[tuple[str, str], Cause], entry: Entry) -> None:
    """Count a turn under its reason, and take it for the example where it is the first one."""
    fault, reason = str(entry.get("class") or ""), str(entry.get("reason") or "")
    if not fault:
        return
    cause = causes.setdefault((fault, reason), Cause(reason, fault=fault))
    if not cause.turns:
        cause.turn, cause.snippet = str(entry["turn"]), snippet_of(entry)
    cause.add(entry)
    for each in entry.get("engine") or ():
        cause.issues += [issue for issue in each.get("issues") or () if issue not in cause.issues]
        avoid = _AVOID.get(str(each.get("known_as") or ""), "")
        cause.avoid += [avoid] if avoid and avoid not in cause.avoid else []


def names_of(entry: Entry, by: By) -> Sequence[str]:
    """Name the groups that a turn belongs to."""
    return _NAMES[by](entry) or ("(none)",)


def _tools(entry: Entry) -> tuple[str, ...]:
    made = [call for attempt in entry.get("attempts") or () for call in _came(attempt).get("calls") or ()]
    named = [str(call.get("name")) for call in (*(entry.get("final") or {}).get("calls", ()), *made)]
    return tuple(dict.fromkeys(named))


def _came(attempt: Any) -> Mapping[str, Any]:
    return attempt.get("came") or {}


_NAMES: Final[Mapping[By, Callable[[Entry], Sequence[str]]]] = {
    "class": lambda entry: (str(entry.get("class") or "(nothing wrong)"),),
    "model": lambda entry: (str(entry.get("model") or "(not named)"),),
    "client": lambda entry: (str(entry.get("client")),),
    "tool": _tools,
    "rule": lambda entry: tuple(map(str, entry.get("repairs") or ())),
    "conversation": lambda entry: (str(entry.get("conversation")),),
}


def extra_tokens(entry: Entry) -> int:
    """Return what asking again cost, in tokens."""
    used = entry.get("usage") or {}
    return int(used.get("extra") or 0)


def extra_seconds(entry: Entry) -> float:
    """Return what asking again cost, in seconds."""
    attempts: Sequence[Mapping[str, Any]] = entry.get("attempts") or ()
    if len(attempts) < 2:
        return 0.0
    total = float((entry.get("timings") or {}).get("total") or 0.0)
    return max(total - float(attempts[0].get("seconds") or 0.0), 0.0)


def snippet_of(entry: Entry) -> str:
    """Return the beginning of what the model wrote first, or of the error that came, in one line."""
    attempt: Mapping[str, Any] = next(iter(entry.get("attempts") or ()), {})
    text = attempt.get("raw") or attempt.get("error") or ""
    line = " ".join(str(text).split()) if isinstance(text, str) else "(bodies are off)"
    return line if len(line) <= SNIPPET else f"{line[: SNIPPET - 4]} ..."


def advice(causes: Sequence[Cause], turns: int) -> list[str]:
    """Say what to change first: of what can be changed, what most turns would gain by."""
    said: list[str] = []
    for cause in sorted(causes, key=lambda each: (-each.lost, -each.turns)):
        change = _change(cause)
        if change and len(said) < ADVICE:
            said.append(f"{cause.turns} of {turns} turns ({cause.fault}, {cause.name}): {change}")
    return said


def _change(cause: Cause) -> str:
    known = cause.known
    parts = [*cause.avoid[:2]] if cause.fault == "engine-parser" else []
    if known and known.change and not parts:
        parts.append(known.change)
    if known and known.setting:
        parts.append(f"setting {known.setting}")
    return "; ".join(parts)
