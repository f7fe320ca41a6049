"""Tells what was found: as a table and words for a person, as one JSON object for a program."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from proxy.doctor.entries import Blame
from proxy.doctor.findings import Finding
from proxy.doctor.gathered import Gathered
from proxy.doctor.protocols import PROTOCOLS, Name
from proxy.doctor.scenarios import LEVELS
from proxy.doctor.trials import Trial, Via
from proxy.tables import table

WIDTH: Final = 120

FAULT: Final[Mapping[Blame, str]] = {
    "model": "the model",
    "engine": "the model server (its engine)",
    "template": "the chat template",
    "protocol": "the framework's protocol",
    "configuration": "the configuration",
    "toolmend": "toolmend",
    "network": "the way to the server",
    "unknown": "not known",
}

COLUMNS: Final[Sequence[tuple[str, Via, bool]]] = (
    ("direct", "direct", False),
    ("direct,\nstreamed", "direct", True),
    ("through\ntoolmend", "toolmend", False),
    ("toolmend,\nstreamed", "toolmend", True),
)


# -- for a person


def text(gathered: Gathered, findings: Sequence[Finding]) -> str:
    """Write the report."""
    parts = [_head(gathered), _table(gathered), "\n".join(_verdict(gathered, findings))]
    parts += [_finding(number, each) for number, each in enumerate(findings, 1)]
    parts.append("\n".join(_wrapped(_cost(gathered), "", "  ")) if gathered.trials else "")
    return "\n\n".join(filter(None, parts))


def _head(gathered: Gathered) -> str:
    known = gathered.known
    server = " ".join(filter(None, (known.server or "a server of the OpenAI API", known.version)))
    if not gathered.profile:
        return f"{gathered.upstream}"
    spent = f"{gathered.purse.asked} requests, {gathered.purse.used} tokens, {gathered.seconds:g} s"
    through = f"toolmend at {gathered.proxy}" if gathered.proxy else "a toolmend started here"
    return f'{gathered.model} at {gathered.upstream}: {server}, profile "{gathered.profile.name}", {through}\n{spent}'


def _table(gathered: Gathered) -> str:
    """Write how often each level came out right, in each way."""
    if not gathered.trials:
        return ""
    rows = [
        [
            f"{level} {LEVELS[level]}",
            protocol,
            *(_cell(_played(gathered, level, protocol, via, stream)) for _, via, stream in COLUMNS),
        ]
        for level in LEVELS
        for protocol in PROTOCOLS
        if any(trial.way.level == level for trial in gathered.trials)
    ]
    return table(["level", "protocol", *(title for title, _, _ in COLUMNS)], rows)


def _played(gathered: Gathered, level: int, protocol: Name, via: Via, stream: bool) -> list[Trial]:
    key = (level, protocol, via, stream)
    return [each for each in gathered.trials if (each.way.level, each.way.protocol, each.way.via, each.way.stream) == key]


def _cell(played: Sequence[Trial]) -> str:
    """Write how many plays came out right; of those that did not, what the last one met."""
    if not played:
        return "not asked"
    right = sum(trial.right for trial in played)
    wrong = next((trial for trial in reversed(played) if not trial.right), None)
    if wrong is None:
        return f"{right}/{len(played)}"
    at = f" (step {wrong.steps + 1})" if wrong.steps else ""
    return f"{right}/{len(played)} {wrong.failed.short if wrong.failed else ''}{at}"


def _verdict(gathered: Gathered, findings: Sequence[Finding]) -> Iterator[str]:
    if gathered.stopped:
        yield f"PARTIAL: {gathered.stopped}. What follows is what was seen until then."
    broken = [each for each in findings if each.weight == "breaks"]
    if not broken:
        if gathered.trials:
            yield (
                "Nothing breaks, as far as it was asked."
                if gathered.stopped
                else "Nothing breaks: every level is right directly."
            )
        return
    levels = [each.level for each in broken if each.level]
    faults = " and ".join(dict.fromkeys(FAULT[each.blame] for each in broken))
    if levels:
        yield f"It breaks at level {min(levels)}. The fault: {faults}."
    elif gathered.trials:
        yield f"The plays went well, but a check failed. The fault: {faults}."
    else:
        yield f"Nothing could be played. The fault: {faults}."


def _finding(number: int, found: Finding) -> str:
    """Write one finding: whose fault, what, what speaks for it, what to change."""
    at = f", from level {found.level}" if found.level else ""
    lines = [f"{number}. {FAULT[found.blame]}{at} ({found.weight}; {found.code})", *_wrapped(found.what, "   ", "   ")]
    for title, texts in (("seen", found.evidence), ("change", found.change)):
        for each in texts:
            lines += _wrapped(each, f"   {title}: ", "      ")
        if title == "seen" and found.helped[1]:
            lines.append(f"   through toolmend: {found.helped[0]} of {found.helped[1]} of these plays came out right")
    return "\n".join(lines)


def _wrapped(words: str, first: str, rest: str) -> list[str]:
    fold = textwrap.TextWrapper(
        WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return fold.wrap(words)


def _cost(gathered: Gathered) -> str:
    did, (direct, through) = done(gathered), tokens(gathered)
    if not did["turns"]:
        return ""
    told = ", ".join(f"{count} {name}" for name, count in did["outcomes"].items()) or "none told"
    repairs = f"; rules: {', '.join(did['repairs'])}" if did["repairs"] else ""
    return (
        f"What toolmend did ({did['told']} of {did['turns']} turns tell; streams begin before it is known): {told}{repairs}."
        f" Where a play took as many turns both ways, {direct} tokens directly and {through} through toolmend."
    )


def done(gathered: Gathered) -> dict[str, Any]:
    """Return what toolmend says that it did, by the headers of its answers."""
    notes = [turn.answer.headers for turn in _turns(gathered, "toolmend") if turn.answer is not None]
    told = [each for each in notes if "x-toolmend-outcome" in each]
    rules = Counter(rule for each in told for rule in each.get("x-toolmend-repairs", "").split(",") if rule)
    attempts = sum(
        int(count) - 1 for each in told if (count := each.get("x-toolmend-attempts", "")).isdecimal() and int(count) > 1
    )
    outcomes = dict(Counter(each["x-toolmend-outcome"] for each in told).most_common())
    return {
        "turns": len(notes),
        "told": len(told),
        "outcomes": outcomes,
        "repairs": dict(rules.most_common()),
        "asked_again": attempts,
    }


def tokens(gathered: Gathered) -> tuple[int, int]:
    """Return the tokens, direct and through toolmend, of the plays that took as many turns both ways."""
    sums = {"direct": 0, "toolmend": 0}
    by_way = {
        (each.way.scenario.key, each.way.protocol, each.way.stream, each.way.repeat, each.way.via): each
        for each in gathered.trials
    }
    for (*way, via), trial in by_way.items():
        other = by_way.get((*way, "toolmend"))  # type: ignore[arg-type]  # the rest of a key of the same kind
        if via == "direct" and other is not None and len(other.turns) == len(trial.turns):
            for each in (trial, other):
                sums[each.way.via] += sum(turn.answer.tokens for turn in each.turns if turn.answer is not None)
    return sums["direct"], sums["toolmend"]


def _turns(gathered: Gathered, via: Via) -> Iterable[Any]:
    return (turn for trial in gathered.trials if trial.way.via == via for turn in trial.turns)


# -- for a program


def as_json(gathered: Gathered, findings: Sequence[Finding], code: int) -> dict[str, Any]:
    """Return the report as one object (docs/doctor.md tells its members)."""
    direct, through = tokens(gathered)
    return {
        "upstream": gathered.upstream,
        "proxy": gathered.proxy or None,
        "model": gathered.model or None,
        "profile": gathered.profile.name if gathered.profile else None,
        "complete": not gathered.stopped and gathered.trouble is None and bool(gathered.trials),
        "stopped": gathered.stopped or None,
        "exit": code,
        "spent": {"requests": gathered.purse.asked, "tokens": gathered.purse.used, "seconds": gathered.seconds},
        "capabilities": gathered.known.fields(),
        "template": {name: getattr(gathered.shown, name) for name in gathered.shown.__dataclass_fields__},
        "truncation": {"whole": gathered.cut.whole, "streamed": gathered.cut.streamed},
        "plays": [_play(trial) for trial in gathered.trials],
        "toolmend": {**done(gathered), "tokens": {"direct": direct, "toolmend": through}},
        "findings": [{name: getattr(each, name) for name in each.__dataclass_fields__} for each in findings],
    }


def _play(trial: Trial) -> dict[str, Any]:
    way, turn = trial.way, trial.failed
    return {
        "level": way.level,
        "scenario": way.scenario.name,
        "protocol": way.protocol,
        "via": way.via,
        "streamed": way.stream,
        "repeat": way.repeat,
        "right": trial.right,
        "steps": {"right": trial.steps, "of": len(way.scenario.steps)},
        "wrong": turn.short if turn is not None else None,
        "words": turn.words if turn is not None else None,
    }
