"""Makes findings of what was gathered: what breaks, at which level, whose fault it is. Pure: it asks nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from proxy.capabilities import Capabilities
from proxy.doctor.causes import Cause, cause_of, cause_of_trouble, swallowed, thinks, told_as_text
from proxy.doctor.findings import Finding, finding, grouped
from proxy.doctor.gathered import Gathered
from proxy.doctor.protocols import Name
from proxy.doctor.trials import Trial, Via
from proxy.doctor.wire import Answer

ORDER: Final = {"breaks": 0, "risk": 1, "note": 2}

OF_THE_MODEL: Final = frozenset(
    {"model-no-call", "model-name", "model-arguments", "model-format", "model-wrong", "no-call-unexplained", "limit-cut"}
)
"""Causes that may lie in the way in which the model was asked."""


def diagnose(gathered: Gathered) -> list[Finding]:
    """Return what was found, the weightiest first; among equals by level."""
    if gathered.trouble is not None:
        return [finding([(0, cause_of_trouble(gathered.trouble, keyed=gathered.keyed))], gathered)]
    if not gathered.model:
        return [finding([(0, Cause("model-unnamed", ""))], gathered)]
    if gathered.models and gathered.model not in gathered.models:
        near = get_close_matches(gathered.model, gathered.models, 1)
        words = f'"{gathered.model}" is not among them' + (f'; is "{near[0]}" meant?' if near else "")
        return [finding([(0, Cause("model-unknown", words))], gathered)]
    causes = [*_of_trials(gathered), *_of_checks(gathered), *_of_toolmend(gathered)]
    return sorted(grouped(causes, gathered), key=lambda each: (ORDER[each.weight], each.level or 9))


def rate(gathered: Gathered, level: int, protocol: Name, via: Via) -> tuple[int, int]:
    """Return how many plays at a level came out right, and how many there were."""
    played = [
        trial for trial in gathered.trials if (trial.way.level, trial.way.protocol, trial.way.via) == (level, protocol, via)
    ]
    return sum(trial.right for trial in played), len(played)


# -- the plays


def _of_trials(gathered: Gathered) -> Iterator[tuple[int, Cause]]:
    """Say of each direct play that failed why."""
    for trial in gathered.trials:
        if trial.way.via == "direct" and (turn := trial.failed) is not None:
            cause = cause_of(trial, turn, gathered)
            told = replace(
                cause,
                where=f"{trial.way.name}{_where(trial)}",
                fills={"dialect": told_as_text(gathered)} | dict(cause.fills),
                helped=_helped(trial, gathered),
            )
            yield trial.way.level, _compared(trial, told, gathered)


def _helped(trial: Trial, gathered: Gathered) -> bool | None:
    """Tell whether the same play came out right through toolmend; None where it was not played so."""
    way = replace(trial.way, via="toolmend")
    return next((other.right for other in gathered.trials if other.way == way), None)


def _where(trial: Trial) -> str:
    steps = len(trial.way.scenario.steps)
    return f", step {trial.steps + 1} of {steps}" if steps > 1 else ""


def _compared(trial: Trial, cause: Cause, gathered: Gathered) -> Cause:
    """Blame the protocol where the same model is right at the same level when it is asked in the other one."""
    if cause.code not in OF_THE_MODEL:
        return cause
    other: Name = "text" if trial.way.protocol == "native" else "native"
    right = _all_right(gathered, trial.way.level, other)
    if not right:
        return cause
    words = f"{cause.words} ({other}: right, {right})"
    return replace(cause, code="text-protocol" if other == "native" else "native-protocol", words=words)


def _all_right(gathered: Gathered, level: int, protocol: Name) -> str:
    """Say how often a protocol was right, where it always was: directly, or, where the server refused, through toolmend."""
    vias: Sequence[Via] = ("direct", "toolmend")
    for via in vias:
        right, played = rate(gathered, level, protocol, via)
        if played and right == played:
            return f"{right} of {played} {'directly' if via == 'direct' else 'through toolmend'}"
        if played and not _refused(gathered, level, protocol):
            return ""
    return ""


def _refused(gathered: Gathered, level: int, protocol: Name) -> bool:
    """Tell whether no direct play of a protocol got an answer."""
    played = [
        each for each in gathered.trials if (each.way.level, each.way.protocol, each.way.via) == (level, protocol, "direct")
    ]
    return bool(played) and all(turn is not None and turn.trouble is not None for turn in (each.failed for each in played))


# -- the checks


def _of_checks(gathered: Gathered) -> Iterator[tuple[int, Cause]]:
    dialect = {"dialect": told_as_text(gathered)}
    shown = gathered.shown
    hidden = {
        "template-hides-tools": shown.tool,
        "template-drops-arguments": shown.arguments,
        "template-drops-results": shown.result,
    }
    for code, seen in hidden.items():
        if seen is False:
            yield 0, Cause(code, shown.way, dialect)
    for streamed, told in ((False, gathered.cut.whole), (True, gathered.cut.streamed)):
        if told == "hidden":
            yield 0, Cause("truncation-hidden", f"{'streamed' if streamed else 'whole'}: {gathered.cut.words}")
    yield from ((0, cause) for cause in _of_plain(gathered))
    if any(_direct(gathered)):
        yield from ((0, cause) for cause in _of_capabilities(gathered.known))


def _of_plain(gathered: Gathered) -> Iterator[Cause]:
    """Look where a plain answer came out; where it came out well, what share of the answers are thoughts."""
    default, quiet = gathered.plain.default, gathered.plain.quiet
    if default is not None and swallowed(default, gathered):
        yield Cause("reasoning-swallows", "a plain question: content is empty, the answer stands in the reasoning")
    elif quiet is not None and gathered.known.thinking_switch and _all_thought(quiet):
        yield Cause(
            "reasoning-swallows", "a plain question with thinking off: content is empty, the answer stands in the reasoning"
        )
    elif default is not None and default.finish == "length" and thinks(default):
        yield Cause("thinking-eats-budget", f"a plain question: nothing but a thought after {default.completion or 'all'} tokens")
    else:
        yield from _of_thoughts([*_direct(gathered), *([default] if default is not None else [])])


def _of_thoughts(answers: Sequence[Answer]) -> Iterator[Cause]:
    """Say whether thinking is on, and where the thoughts come out."""
    if any("<think>" in each.content or "</think>" in each.content for each in answers):
        yield Cause("thought-shown", "a thought stands in the content of an answer")
    elif any(each.reasoning.strip() and (each.content.strip() or each.calls) for each in answers):
        share = sum(len(each.reasoning) for each in answers) / max(1, sum(map(_size, answers)))
        yield Cause("thinking-on", "answers came with reasoning", {"share": f"{share:.0%}"})


def _all_thought(answer: Answer) -> bool:
    return bool(answer.reasoning.strip()) and not answer.content.strip() and answer.finish == "stop"


def _size(answer: Answer) -> int:
    return len(answer.content) + len(answer.reasoning) + sum(len(call.arguments) for call in answer.calls)


def _direct(gathered: Gathered) -> Iterator[Answer]:
    for trial in gathered.trials:
        if trial.way.via == "direct":
            yield from (turn.answer for turn in trial.turns if turn.answer is not None)


def _of_capabilities(known: Capabilities) -> Iterator[Cause]:
    """Say what the server cannot do that toolmend or a framework would use."""
    off = [name for name, enforced in known.forms.items() if enforced is False]
    if off and not any(known.forms.values()):
        yield Cause("structured-off", f"refused or not enforced: {', '.join(off)}")
    if known.strict is False and any(known.forms.values()):
        yield Cause(
            "strict-off", "a named tool with strict: true came back with arguments that its schema forbids, or was refused"
        )
    if known.logprobs is False:
        yield Cause("no-logprobs", "log-probabilities were asked for and did not come")


# -- toolmend


def _of_toolmend(gathered: Gathered) -> Iterator[tuple[int, Cause]]:
    """Find where toolmend makes worse what was right directly."""
    for trial in gathered.trials:
        turn = trial.failed
        if trial.way.via != "toolmend" or turn is None:
            continue
        right, played = rate(gathered, trial.way.level, trial.way.protocol, "direct")
        if turn.trouble is not None and turn.trouble.kind in ("down", "host", "tls", "not-openai"):
            yield trial.way.level, Cause("toolmend-unreachable", turn.trouble.words)
        elif played and right == played:
            words, where = f"{turn.words} (directly: {right} of {played} right)", f"{trial.way.name}{_where(trial)}"
            code = (
                "template-hides-tools" if gathered.shown.tool is False else "toolmend-worse"
            )  # what is text to it goes natively
            yield trial.way.level, Cause(code, words, {"dialect": told_as_text(gathered)}, where=where)
    answers = [turn.answer for trial in gathered.trials if trial.way.via == "toolmend" for turn in trial.turns if turn.answer]
    if gathered.proxy and answers and not any("x-toolmend-turn" in each.headers for each in answers):
        yield 0, Cause("toolmend-absent", "no answer carries its header x-toolmend-turn")
    if any("x-toolmend-turn" in each.headers for each in _direct(gathered)):
        yield 0, Cause("direct-is-toolmend", "its answers carry the header x-toolmend-turn")
