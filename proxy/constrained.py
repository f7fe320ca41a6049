"""Asking under a grammar: for the arguments that are missing or wrong and nothing else, or for all arguments of one tool.

The server is asked to let the model write nothing but JSON of a schema. Whether it does is seen from the answer: one that is a
call once more is taken as that, and the server is not asked in this way again.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.structured.cost import tokens_for
from adapters.structured.forms import FORMS, Form
from adapters.structured.relaxed import Unbuildable, relaxed
from rules.base import Problem
from rules.conversation import Conversation, ToolCall, Turn
from rules.read_json import Reading, read_json

AGAIN: Final = 600.0
"""Seconds after which a server is asked again in a way that it did not bear: it may have been restarted with other flags."""

MEMBERS: Final = frozenset({"missing-arguments", "wrong-arguments"})
WHOLE: Final = frozenset({"unreadable-arguments"})


@dataclass(frozen=True, slots=True)
class Constraint:
    """What is asked for under a grammar.

    call    the call that it completes
    names   arguments that are asked for; empty: all of them
    schema  what the grammar is built from
    """

    call: ToolCall
    names: tuple[str, ...]
    schema: Mapping[str, Any]
    form: Form

    def changes(self, kwargs: Any) -> dict[str, Any]:
        """Return the members of the request that differ. A thought would come before the grammar, so there is none.

        kwargs  what the chat template is told otherwise
        """
        told = kwargs if isinstance(kwargs, dict) else {}
        off = {"chat_template_kwargs": {**told, "enable_thinking": False, "thinking": False}}
        return {**self.form.members(self.schema), **off, "max_tokens": tokens_for(self.schema)}

    def settled(self, turn: Turn, text: str) -> Turn | None:
        """Return the turn with its call completed by what the model wrote; None where that is not what was asked for."""
        reading = read_json(text.strip())
        value = reading.value if isinstance(reading, Reading) else None
        if not isinstance(value, dict) or not set(self.names) <= value.keys():
            return None
        given = {} if isinstance(self.call.arguments, str) or not self.names else dict(self.call.arguments)
        arguments = given | {name: each for name, each in value.items() if not self.names or name in self.names}
        calls = tuple(each.having(arguments) if _same(each, self.call) else each for each in turn.calls)
        return Turn("assistant", turn.text, turn.thinking, calls, ending=turn.ending)


def _same(one: ToolCall, other: ToolCall) -> bool:
    """Tell whether two calls are the same; one may have got its id since."""
    return (one.name, one.arguments, one.whole) == (other.name, other.arguments, other.whole)


def constraint_for(problem: Problem, turn: Turn, within: Conversation, form: Form) -> Constraint | None:
    """Return what to ask for; None where a grammar does not help, or none can be built.

    Several problems at once, a call that was cut off, and a tool that is not known are matters of the whole answer.
    """
    call = problem.call
    spec = within.tool(call.name) if call is not None else None
    if call is None or spec is None or not call.whole or sum(_same(each, call) for each in turn.calls) != 1:
        return None
    names = problem.members if problem.reason in MEMBERS else ()
    if not names and not (problem.reason in WHOLE and problem.reason in within.asked):
        return None
    try:
        return Constraint(call, names, relaxed(spec.parameters, names), form)
    except Unbuildable:
        return None


@dataclass(slots=True)
class Grammars:
    """Which forms the server of a model does not bear, at all or for a schema. An improvement: without it some questions fail."""

    size: int = 1024
    now: Callable[[], float] = time.monotonic
    _until: OrderedDict[tuple[str, str, str], float] = field(default_factory=OrderedDict)

    def form(self, model: str) -> Form | None:
        """Return the best form that is not known to be of no use."""
        return next((form for form in FORMS if not self._out(model, form.name, "")), None)

    def bears(self, model: str, constraint: Constraint) -> bool:
        """Say whether a grammar of this schema has not failed before."""
        return not self._out(model, constraint.form.name, _digest(constraint.schema))

    def refused(self, model: str, constraint: Constraint) -> None:
        """Remember that the server made an error of a grammar."""
        self._remember((model, constraint.form.name, _digest(constraint.schema)))
        if sum(1 for key in self._until if key[:2] == (model, constraint.form.name)) >= 3:
            self.ignored(model, constraint.form)

    def ignored(self, model: str, form: Form) -> None:
        """Remember that the server does not do what a form asks."""
        self._remember((model, form.name, ""))

    def settle(self, model: str, ignored: Collection[str]) -> None:
        """Take names of forms that the server was asked for and does not enforce, in place of all that was learned before."""
        for key in [key for key in self._until if key[0] == model]:
            del self._until[key]
        for name in ignored:
            self._remember((model, name, ""), math.inf)

    def _out(self, *key: str) -> bool:
        return self._until.get((key[0], key[1], key[2]), 0.0) > self.now()

    def _remember(self, key: tuple[str, str, str], until: float | None = None) -> None:
        self._until[key] = self.now() + AGAIN if until is None else until
        self._until.move_to_end(key)
        while len(self._until) > self.size:
            self._until.popitem(last=False)


def _digest(schema: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16]
