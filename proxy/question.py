"""One question to the model, and the request that goes to its server for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from adapters.base import Message
from adapters.clients.openai_chat import tools_of
from adapters.messages import behind_last
from adapters.models import native, textual
from adapters.models.spelled_out import spell_out
from adapters.structured.constraint import Constraint, Rung
from adapters.structured.forms import Form
from adapters.structured.servers import TEMPLATE
from adapters.structured.strict import with_strict
from proxy.concessions import NO_STRICT, Concession
from proxy.healing import fitted
from proxy.plan import Plan, under

TOOL_MEMBERS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
"""What does not go upstream where tools are written into the messages."""

SHAPING = frozenset(
    {"stop", "response_format", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar"}
    | {"grammar", "json_schema", "format", "ebnf", "regex"}
)
"""What a client may ask of an answer's form, and what does not go upstream beside a grammar of ours: a stop string may stand in a
file, and of two grammars a server takes none."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an answer has to be, the form in which its server is told so, and what switches a thought off there."""

    constraint: Constraint
    form: Form
    quiet: Mapping[str, Any] = field(default_factory=lambda: TEMPLATE)


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the model. When asking again: messages behind the conversation, changed sampling, tokens to spend.

    hides       positions of past turns that the model does not see this time
    rung        what is asked for; empty: the turn itself, for the first time
    demand      what the answer has to be, under a grammar
    """

    more: tuple[Message, ...] = ()
    hides: frozenset[int] = frozenset()
    sampling: Mapping[str, Any] = field(default_factory=dict)
    budget: int | None = None
    rung: Rung | Literal[""] = ""
    demand: Demand | None = None

    def limit(self, plan: Plan) -> int | None:
        """The most tokens that this answer may have."""
        limit: int | None = self.sampling.get("max_tokens", plan.limit)
        return limit


def parses(plan: Plan, granted: frozenset[Concession]) -> bool:
    """Tell whether the server is asked to find the calls itself."""
    in_prompt = any(("tool_choice", "none") in each.sets for each in granted)
    asked = bool(plan.conversation.tools) and not plan.prompted
    return asked and plan.dialect is None and not in_prompt


def upstream_body(plan: Plan, granted: frozenset[Concession], question: Question) -> bytes:
    """Write the request that goes to the model server. `granted` is what this server was found not to bear."""
    fields = plan.body.fields
    changes: dict[str, Any] = {
        name: under(value, fields.get(name)) for name, value in plan.profile.request.items() if value != fields.get(name)
    }
    changes |= {"stream": True, "stream_options": {"include_usage": True}}
    if plan.profile.raw == "logprobs":
        changes["logprobs"] = True
    changes |= _conversation(plan, granted, question) | dict(question.sampling)
    drops = plan.client.drops | {"include_reasoning"}  # it hides the log-probabilities, whatever the parser
    if plan.dialect is not None:
        drops |= TOOL_MEMBERS
    if question.demand is not None:
        demanded = _demanded(plan, question.demand, changes)
        changes, drops = {**changes, **demanded}, drops | (SHAPING - demanded.keys())
    if "max_tokens" in changes:
        drops |= {"max_completion_tokens"}
    for concession in granted:
        changes, drops = concession.apply(changes, drops)
    return plan.body.having(changes, drops)


def _demanded(plan: Plan, demand: Demand, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what asking under a grammar changes. A thought would come before the grammar, so there is none.

    The tools stay in the prompt, so its prefix stays in the server's cache.
    """
    theirs = {name: changes.get(name, plan.body.fields.get(name)) for name in demand.quiet}
    off = {name: over(value, theirs[name]) for name, value in demand.quiet.items()}
    native = plan.body.fields.get("tools") and plan.dialect is None
    return {**demand.form.members(demand.constraint.schema), **off, **({"tool_choice": "none"} if native else {})}


def over(ours: Any, theirs: Any) -> Any:
    """Put our value over the client's."""
    return {**theirs, **ours} if isinstance(ours, Mapping) and isinstance(theirs, Mapping) else ours


def _conversation(plan: Plan, granted: frozenset[Concession], question: Question) -> dict[str, Any]:
    """Write messages and tools anew where the client's own cannot go upstream as they are."""
    theirs: dict[str, Any] = {"messages": plan.body.fields["messages"], "tools": plan.body.fields.get("tools")}
    shown = behind_last(_messages(plan, question.hides), plan.note)
    written = fitted([*shown, *question.more], plan.profile, granted)
    ours: dict[str, Any] = {"messages": written, "tools": _tools(plan, granted, theirs["tools"])}
    return {name: value for name, value in ours.items() if value and value != theirs[name]}


def _messages(plan: Plan, hides: frozenset[int]) -> list[Message]:
    theirs = plan.history.messages
    turns = plan.conversation.turns
    if hides and (plan.client.rewrites or len(theirs) == len(turns)):
        shown = [place for place in range(len(turns)) if place not in hides]
        plan = replace(plan, conversation=replace(plan.conversation, turns=tuple(turns[place] for place in shown)))
        theirs = theirs if plan.client.rewrites else [theirs[place] for place in shown]
    if plan.prompted:
        words = plan.client.instructs(plan.conversation) if plan.client.instructs else ""
        return textual.behind_system(theirs, words) if words else theirs
    if plan.dialect is not None and plan.conversation.tools:
        return textual.messages(plan.conversation, plan.dialect, () if plan.client.rewrites else theirs)
    return native.messages(plan.conversation) if plan.client.rewrites else theirs


def _tools(plan: Plan, granted: frozenset[Concession], theirs: Any) -> Any:
    if plan.dialect is not None:
        return theirs
    tools = tools_of(plan.conversation.tools) if plan.client.rewrites else theirs
    if not isinstance(tools, list):
        return tools
    spelled = spell_out(tools) if plan.profile.spell_out else tools
    return with_strict(spelled) if strictly(plan, granted) else spelled


def strictly(plan: Plan, granted: frozenset[Concession]) -> bool:
    """Tell whether the server is asked to hold calls to their schemas: as the profile says, and where it parses calls at all."""
    wanted = plan.profile.strict
    demanded = plan.body.fields.get("tool_choice") not in (None, "auto", "none")
    return (wanted == "always" or (wanted == "demanded" and demanded)) and NO_STRICT not in granted and parses(plan, granted)
