"""Says why one turn was not right: a code of the catalogue, and what speaks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.capabilities import NO_PARSER
from proxy.doctor.gathered import Gathered
from proxy.doctor.judge import quoted
from proxy.doctor.look import Look
from proxy.doctor.parsers import flag_for
from proxy.doctor.trials import Trial, Turn
from proxy.doctor.wire import Answer, Trouble, TroubleKind
from proxy.failures.refusals import refused_as


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is not right.

    where   which play it was; empty: it was no play
    fills   what the catalogue's words leave open
    helped  the same play came out right through toolmend; None: it was not played, or it is no play
    """

    code: str
    words: str
    fills: Mapping[str, str] = field(default_factory=dict)
    helped: bool | None = None
    where: str = ""


# -- no answer at all

_ROLES: Final = r"roles must alternate|system message must be|(unexpected|unknown|unsupported)( message)? role"
"""What templates say of messages that they refuse."""

_REFUSALS: Final[Mapping[str, str]] = {
    "no-tool-parser": "tool-parser-missing",
    "no-chat-template": "chat-template-missing",
    "context-length": "context-too-small",
}
"""What a refusal is about (`proxy.failures.refusals`) -> code."""

_STATUSES: Final[Mapping[int, str]] = {401: "key-wrong", 403: "key-wrong", 404: "model-unknown"}

_KINDS: Final[Mapping[TroubleKind, str]] = {
    "host": "host-unknown",
    "down": "server-down",
    "tls": "tls-broken",
    "timeout": "server-slow",
    "broke-off": "broke-off",
    "not-openai": "not-openai",
    "error-event": "server-error",
}


def cause_of_trouble(trouble: Trouble, *, keyed: bool) -> Cause:
    """Say why a server gave no answer. `keyed`: a key was sent."""
    code = _KINDS.get(trouble.kind) or _of_status(trouble)
    if code == "key-wrong" and not keyed:
        code = "key-missing"
    return Cause(code, trouble.words)


def _of_status(trouble: Trouble) -> str:
    if re.search(_ROLES, trouble.words, re.IGNORECASE):
        return "template-refuses-roles"
    about = refused_as(trouble.status, trouble.words).reason
    return _REFUSALS.get(about) or _STATUSES.get(trouble.status, "server-error" if trouble.status >= 500 else "refused")


# -- an answer that is not right

_LOST: Final = frozenset({"call-not-parsed", "call-misparsed", "text-lost"})
"""How an answer differs where the server's tool parser is another one than the model's."""


def cause_of(trial: Trial, turn: Turn, gathered: Gathered) -> Cause:
    """Say why a turn is not right: what the request met, what the parsers made of the answer, what the model wrote."""
    if turn.trouble is not None:
        return replace(cause_of_trouble(turn.trouble, keyed=gathered.keyed), fills={"parser": flag_for(format_of(gathered))})
    assert turn.answer is not None
    assert turn.outcome is not None
    look = gathered.look_at(trial)
    parsers = _parsers(look, gathered) if trial.way.protocol == "native" else _text(turn, look)
    return _template(trial, turn, gathered) or parsers or _thought(turn, gathered) or _model(turn, look)


def format_of(gathered: Gathered) -> str:
    """Name the dialect that the model writes: seen in its raw text, else by its profile. Empty: nobody knows."""
    seen = next((look.dialect for way, _, look in gathered.looks if look.dialect and way.protocol == "native"), "")
    profile = gathered.profile
    known = profile is not None and profile.name != "generic"
    return seen or (profile.reads[0] if profile is not None and known else "")


def told_as_text(gathered: Gathered) -> str:
    """Name the dialect in which the model can be told its tools as text: its own, or the likeliest."""
    return format_of(gathered) or (gathered.profile.reads[0] if gathered.profile is not None else "hermes_json")


def _template(trial: Trial, turn: Turn, gathered: Gathered) -> Cause | None:
    """Blame the chat template where it hides what the turn needs."""
    assert turn.outcome is not None
    shown, behind = gathered.shown, trial.steps > 0
    if trial.way.protocol != "native":
        return None
    if shown.tool is False:
        return Cause("template-hides-tools", turn.outcome.words)
    if behind and shown.arguments is False:
        return Cause("template-drops-arguments", turn.outcome.words)
    if behind and shown.result is False:
        return Cause("template-drops-results", turn.outcome.words)
    return None


def _parsers(look: Look | None, gathered: Gathered) -> Cause | None:
    """Blame the server's parsers where they made something else of what the model wrote."""
    fault = look.engine if look is not None else None
    if look is None or fault is None:
        return None
    if fault.kind == "text-in-thought":
        return Cause("reasoning-swallows", f"the model wrote {quoted(look.raw)}, and it came as reasoning")
    made = quoted(fault.served) if fault.served else "nothing"
    words = f"the model wrote {quoted(fault.read or look.raw)}, the server made {made} of it"
    if fault.kind in ("truncation-hidden", "call-closed-up"):
        return Cause("truncation-hidden", words)
    if fault.kind in _LOST and other_parser(look.dialect, gathered):
        return Cause("tool-parser-wrong", words, {"dialect": look.dialect, "parser": flag_for(look.dialect)})
    if not look.rescued:
        return None  # it was not right before the parser saw it either
    told = f"{fault.name} ({', '.join(fault.issues)})" if fault.name else fault.kind
    return Cause("engine-parser", f"{told}: {words}", {"avoid": f"vLLM: see {told} in docs/engine.md"})


def _text(turn: Turn, look: Look | None) -> Cause | None:
    """Blame the server's parsers where the text protocol's text was right as the model wrote it, and did not come as it was."""
    assert turn.answer is not None
    if look is None or not look.spoken:
        return None
    words = f"the model wrote {quoted(look.raw)}"
    if turn.answer.reasoning.strip() and not turn.answer.content.strip():
        return Cause("reasoning-swallows", f"{words}, and it came as reasoning")
    came = quoted(turn.answer.content) if turn.answer.content.strip() else "no content"
    return Cause("parser-eats-text", f"{words}, and {came} came{', with a call beside it' if turn.answer.calls else ''}")


def other_parser(dialect: str, gathered: Gathered) -> bool:
    """Tell whether the server's tool parser reads another dialect: by the probe, it took that, or none of those tried."""
    parser = gathered.known.tool_parser
    if not dialect or parser == NO_PARSER:
        return False
    return parser != dialect if parser is not None else gathered.known.structured_outputs is True


def _thought(turn: Turn, gathered: Gathered) -> Cause | None:
    """Blame thinking, or the parser of thoughts."""
    assert turn.answer is not None
    assert turn.outcome is not None
    grade = turn.outcome.grade
    if grade == "cut" and thinks(turn.answer):
        return Cause("thinking-eats-budget", turn.outcome.words)
    if grade == "only-thought" and swallowed(turn.answer, gathered):
        return Cause("reasoning-swallows", turn.outcome.words)
    return None


def thinks(answer: Answer) -> bool:
    """Tell whether an answer is nothing but a thought that is still open."""
    return (bool(answer.reasoning.strip()) and not answer.content.strip()) or (
        "<think>" in answer.content and "</think>" not in answer.content
    )


def swallowed(answer: Answer, gathered: Gathered) -> bool:
    """Tell whether all of a finished answer came as reasoning though the prompt leaves no thought open."""
    alone = bool(answer.reasoning.strip()) and not answer.content.strip() and not answer.calls
    return alone and answer.finish == "stop" and gathered.shown.opened is False


def _model(turn: Turn, look: Look | None) -> Cause:
    """Say what the model did wrong, as far as that is known."""
    assert turn.outcome is not None
    outcome = turn.outcome
    if outcome.grade == "cut":
        return Cause("limit-cut", outcome.words)
    if outcome.grade in ("wrong", "detour"):
        return Cause("model-wrong", outcome.words)
    if look is not None and look.raw:
        return _by_raw(look, outcome.words)
    if outcome.grade == "unknown-tool":
        return Cause("model-name", outcome.words)
    if outcome.grade in ("invalid", "unreadable"):
        return Cause("model-arguments", outcome.words)
    return Cause("no-call-unexplained", outcome.words)


def _by_raw(look: Look, words: str) -> Cause:
    words = f"{words}; it wrote {quoted(look.raw)}"
    if look.rescued and look.repairs:
        return Cause("model-format", words, {"repairs": ", ".join(look.repairs)})
    if look.rescued:
        return Cause("model-format", words, {"repairs": f"it is read as {look.dialect}"})
    if look.other or (look.problem is not None and look.problem.fault == "model-name"):
        return Cause("model-name", words)
    return Cause("model-arguments" if look.dialect else "model-no-call", words)
