"""The table of all reasons for which a turn fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.turns import ECHOED, RECOVERED
from proxy.engine import REREAD
from proxy.failures.base import Class, Reason
from proxy.failures.of_engines import OF_ENGINES
from proxy.failures.of_models import OF_MODELS
from proxy.failures.of_others import OF_OTHERS
from rules.conversation import Turn
from rules.registry import RULES

MENDED_BY: Final[Mapping[str, Class]] = {
    "match_tool_name": "model-name",
    "alias_tool_name": "model-name",
    "read_shell_fence": "model-format",
    "drop_unreadable_call": "model-format",
    "read_arguments": "model-format",
    "collapse_duplicates": "model-loop",
    "keep_first_call": "model-format",
    RECOVERED: "model-format",
    ECHOED: "model-format",
    REREAD: "model-format",
}
"""Rule -> the class of fault that it mends; all others mend arguments. What is no rule is found by reading the whole answer."""

FOUND: Final[Mapping[str, str]] = {
    RECOVERED: "A call stood at the end of a thought, in a turn that was empty otherwise.",
    ECHOED: "A call that a user or a tool had shown was said once more, and the model went on talking behind it.",
    REREAD: "The server passed on a call as the model wrote it, and more could be read in it.",
}
"""What is mended by reading the whole answer."""

BY_RULE: Final = "A slip that shows what was meant."
BY_READING: Final = "It is put right by reading the whole answer."


def _mended() -> tuple[Reason, ...]:
    by_rule = (
        Reason(
            rule.name,
            MENDED_BY.get(rule.name, "model-arguments"),
            BY_RULE,
            f"By a rule (docs/rules.md): {_first_words(rule.doc)}",
        )
        for rule in RULES
        if any(isinstance(each.after, Turn) and each.after != each.before for each in rule.examples)
    )
    return (*by_rule, *(Reason(name, MENDED_BY[name], what, BY_READING) for name, what in FOUND.items()))


def _first_words(doc: str) -> str:
    return doc.partition("\n\n")[0].replace("\n", " ")


REASONS: Final[tuple[Reason, ...]] = (*OF_MODELS, *_mended(), *OF_ENGINES, *OF_OTHERS)
"""All of them, by class as a reader looks for them."""

_BY_CODE: Final[Mapping[tuple[str, str], Reason]] = {(each.fault, each.code): each for each in REASONS}


def reason_of(fault: str, code: str) -> Reason | None:
    """Return what is known of a reason, by its class and code; None: a journal of another version may have others."""
    return _BY_CODE.get((fault, code))


CALLS: Final[frozenset[str]] = frozenset({"model-arguments", "model-name", "model-format", "truncated", "engine-parser"})
NO_CALLS: Final[frozenset[str]] = frozenset(
    {"no-call", "text-lost", "text-leaked", "text-in-thought", "thought-lost", "no-tool-parser"}
)


def concerns_call(fault: str, code: str) -> bool:
    """Say whether a fault is that of a call which would have been wrong, or lost, without us."""
    return fault in CALLS and code not in NO_CALLS
