"""One case in every dialect: written as the model would, read back in several cuts, mended, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

from adapters.base import Dialect, Form, Unwritable
from adapters.decoding import decoder_for
from adapters.grammar import Grammar, grammar
from adapters.models.written import written
from adapters.registry import DIALECTS
from adapters.turns import TurnBuilder
from rules.base import Verdict, repair
from rules.conversation import Conversation, ToolCall, Tools, Turn
from rules.registry import RULES
from tests.conformance.bfcl_cases import Case
from tests.conformance.compare import difference, same_calls
from tests.conformance.refusals import what_is_refused

PROSE = "I will do it."
SIZES = (7, 31)
"""Characters in a piece. Every single cut is held by the laws and over the corpus; here it would take an hour."""

DIFFERENT = "the calls are different"

Kind = Literal["exact", "refused", "wrong"]
Mend: TypeAlias = Callable[[Turn], Verdict]
"""Runs the rules over a turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: its kind, why in words that are the same for like cases, and the details.

    exact    in every cut the calls came back as they were, and nothing else did
    refused  the dialect cannot write the calls and says so, or cannot for these tools: a format without types cannot tell null
             from "null" where a tool takes both
    wrong    anything else
    """

    kind: Kind
    why: str = ""
    detail: str = ""


EXACT = Outcome("exact")
RULES_ALONE = "the rules alone"
"""Stands among the dialects for calls that were never written, only mended: what is right must stay as it is."""


def outcomes(case: Case, dialects: Sequence[str] = tuple(DIALECTS)) -> Mapping[str, Outcome]:
    """Return what becomes of a case in the named dialects, and by the rules alone."""
    mend = mender(case.tools)
    found = {RULES_ALONE: judge(mend(Turn("assistant", calls=case.calls)), case.calls)}
    using = grammars(case.tools, dialects)
    return found | {name: round_trip(case, DIALECTS[name], using[name], mend) for name in dialects}


def grammars(tools: Tools, dialects: Sequence[str]) -> Mapping[str, Grammar]:
    """Return, for each dialect, what to look for: it first, then all that need not be asked for, as in the generic profile.

    These grammars differ only in the order of forms that share an opener, and making one costs more than reading a case.
    """
    given = {forms: partial(_given, tuple(forms(tools))) for forms in {each.forms for each in DIALECTS.values()}}
    ready = {name: replace(each, forms=given[each.forms]) for name, each in DIALECTS.items()}
    common = [each for each in ready.values() if not each.asked]
    every = grammar(common, tools)
    return {name: grammar([ready[name], *common], tools) if ready[name].asked else _led(every, ready[name]) for name in dialects}


def _led(every: Grammar, dialect: Dialect) -> Grammar:
    """Put a dialect's forms before the others that share their openers."""
    own = dialect.forms(every.tools)
    first = {form.opener: tuple(sorted(every.forms[form.opener], key=lambda each: each not in own)) for form in own}
    return replace(every, forms={**every.forms, **first})


def _given(forms: Sequence[Form], tools: Tools) -> Sequence[Form]:
    """Return forms that were made for these tools."""
    del tools
    return forms


def mender(tools: Tools) -> Mend:
    """Return what mends turns as the proxy does, each once: most dialects and cuts give the same turn."""
    verdicts: dict[str, Verdict] = {}

    def mend(turn: Turn) -> Verdict:
        key = repr(turn)
        if key not in verdicts:
            verdicts[key] = repair(turn, Conversation(tools), RULES, trap=False)
        return verdicts[key]

    return mend


def round_trip(case: Case, dialect: Dialect, using: Grammar, mend: Mend) -> Outcome:
    """Write a case's calls in a dialect and read them back; the worst outcome counts."""
    try:
        text = written(case.calls, dialect, case.tools)
    except Unwritable as refusal:
        return Outcome("refused", *what_is_refused(case.calls, dialect, str(refusal)))
    found = (judge(mend(read(pieces, using)), case.calls, prose) for prose, pieces in cuts(text))
    return next((each for each in found if each is not EXACT), EXACT)


def judge(verdict: Verdict, calls: Sequence[ToolCall], prose: str = "") -> Outcome:
    """Compare a mended turn with what was written."""
    turn = verdict.turn
    if (turn.text, turn.thinking) != (prose, ""):
        return Outcome("wrong", "text is left over", f"{turn.text or turn.thinking!r:.200}")
    if verdict.problem:
        return Outcome("wrong", verdict.problem.reason, f"{verdict.problem.path}: {verdict.problem.advice:.200}")
    if same_calls(turn.calls, calls):
        return EXACT
    by = f" (rules: {', '.join(verdict.repairs)})" if verdict.repairs else ""
    return Outcome("wrong", DIFFERENT, difference(turn.calls, calls) + by)


def cuts(text: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the ways in which a text may come, each with the prose before it."""
    yield "", [text]
    yield PROSE, [f"{PROSE}\n{text}"]
    yield from (("", [text[at : at + size] for at in range(0, len(text), size)]) for size in SIZES)


def read(pieces: Sequence[str], using: Grammar) -> Turn:
    """Read a turn that comes in these pieces, as the proxy does."""
    decoder, builder = decoder_for(using), TurnBuilder()
    for piece in pieces:
        builder.take(decoder.feed(piece))
    builder.take(decoder.finish())
    return builder.finish("stop")[1]
