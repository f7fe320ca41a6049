"""Takes out of a turn and its conversation all that the rules' verdict does not depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from rules.base import Problem, Verdict, repair
from rules.conversation import Conversation, Json, Policy, Schema, ToolCall, Tools, ToolSpec, Turn
from rules.registry import RULES

ROUNDS: Final = 500
"""Things that are left out at most."""

ANNOTATIONS: Final = ("description", "title", "examples", "default", "$schema", "$comment")
"""Members of a schema that say nothing about what fits it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at."""

    turn: Turn
    within: Conversation

    def verdict(self) -> Verdict:
        """Run the rules over it."""
        return repair(self.turn, self.within, RULES)


def pruned(case: Case) -> Case:
    """Return a case with the same repairs and the same Problem, in which nothing more can be left out one at a time.

    The calls that are left are mended as they were. They are numbered anew: `c1`, `c2`.
    """
    wanted = case.verdict()
    for _ in range(ROUNDS):
        shown = (*case.turn.calls, *case.verdict().turn.calls)
        smaller = next((each for each in _smaller(case, shown) if _alike(each.verdict(), wanted)), None)
        if smaller is None:
            break
        case = smaller
    calls = tuple(replace(call, id=f"c{place}") for place, call in enumerate(case.turn.calls, 1))
    return replace(case, turn=replace(case.turn, calls=calls))


def _alike(verdict: Verdict, wanted: Verdict) -> bool:
    whole = [replace(call, whole=True) for call in wanted.turn.calls]
    mended = all(replace(call, whole=True) in whole for call in verdict.turn.calls)
    return mended and verdict.repairs == wanted.repairs and _gist(verdict.problem) == _gist(wanted.problem)


def _gist(problem: Problem | None) -> tuple[str, str]:
    return (problem.reason, problem.call.name if problem.call else "") if problem else ("", "")


def _smaller(case: Case, shown: Sequence[ToolCall]) -> Iterator[Case]:
    """Yield the case with one thing less, the largest things first.

    The tools of the calls that are shown stay, with the properties that these have: they show what the example is about.
    """
    turn, within = case.turn, case.within
    few = few_tools(within.tools, shown)
    if len(few) < len(within.tools) - 1:  # all the others at once
        yield replace(case, within=replace(within, tools=few))
    yield from (replace(case, within=each) for each in _conversations(within))
    plainer = (replace(turn, text=""), replace(turn, thinking=""), replace(turn, ending="stop"))
    yield from (replace(case, turn=each) for each in plainer if each != turn)
    for place in range(len(turn.calls)):
        yield replace(case, turn=replace(turn, calls=turn.calls[:place] + turn.calls[place + 1 :]))
    if not all(call.whole for call in turn.calls):
        yield replace(case, turn=replace(turn, calls=tuple(replace(call, whole=True) for call in turn.calls)))
    yield from (replace(case, within=replace(within, tools=each)) for each in _fewer_tools(within.tools, few))
    used = {name for call in shown if not isinstance(call.arguments, str) for name in call.arguments}
    for place, tool in enumerate(within.tools):
        for each in _tools(tool, used):
            yield replace(case, within=replace(within, tools=(*within.tools[:place], each, *within.tools[place + 1 :])))


def few_tools(tools: Tools, calls: Iterable[ToolCall]) -> Tools:
    """Return the tools that calls are of, or the first one: where nothing is declared there is nothing to be wrong."""
    called = {call.name for call in calls}
    return tuple(tool for tool in tools if tool.name in called) or tools[:1]


def _fewer_tools(tools: Tools, few: Tools) -> Iterator[Tools]:
    for place, tool in enumerate(tools):
        if tool not in few and len(tools) > 1:
            yield tools[:place] + tools[place + 1 :]


def _conversations(within: Conversation) -> Iterator[Conversation]:
    emptied = (
        *(replace(within, turns=()), replace(within, dropped=()), replace(within, asked=())),
        replace(within, policy=Policy()),
    )
    yield from (each for each in emptied if each != within)
    for at in range(len(within.turns) - 1, 0, -1):
        yield replace(within, turns=within.turns[at:])
    for each in fields(Policy):
        plain = getattr(Policy(), each.name)
        if getattr(within.policy, each.name) != plain:
            yield replace(within, policy=replace(within.policy, **{each.name: plain}))


def _tools(tool: ToolSpec, used: set[str]) -> Iterator[ToolSpec]:
    """Yield a tool with one thing less, but with the properties that are used."""
    if tool.description:
        yield replace(tool, description="")
    bare: Any = without_annotations(tool.parameters)
    if bare != tool.parameters:
        yield replace(tool, parameters=bare)
    properties = tool.parameters.get("properties")
    for name in properties if isinstance(properties, dict) else ():
        if name not in used:
            yield replace(tool, parameters=without_property(tool.parameters, name))


def without_property(schema: Schema, name: str) -> Schema:
    """Return an object's schema without one of its properties."""
    properties, required = schema["properties"], schema.get("required")
    assert isinstance(properties, dict)
    changed: dict[str, Json] = {"properties": {key: each for key, each in properties.items() if key != name}}
    if isinstance(required, list):
        changed["required"] = [each for each in required if each != name]
    return {**schema, **changed}


def without_annotations(schema: Json | Schema) -> Json:
    """Return a schema without what only people read; names of properties are no keywords."""
    return _walked(schema, lambda key: key in ANNOTATIONS, names=False)


def _walked(part: Any, drops: Callable[[str], bool], *, names: bool) -> Json:
    match part:
        case Mapping():
            kept = ((key, each) for key, each in part.items() if names or not drops(key))
            return {key: _walked(each, drops, names=not names and key in NAMED) for key, each in kept}
        case list():
            return [_walked(each, drops, names=False) for each in part]
        case _:
            return part  # type: ignore[no-any-return]


NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose members are named by the client."""
