"""The order in which rules run, each with the reason for its place."""

from __future__ import annotations

from typing import Final, NamedTuple

from rules.base import Rule
from rules.calls.alias_keys import alias_keys
from rules.calls.alias_tool_name import alias_tool_name
from rules.calls.coerce_boolean import coerce_boolean
from rules.calls.coerce_null import coerce_null
from rules.calls.coerce_number import coerce_number
from rules.calls.collapse_duplicates import collapse_duplicates
from rules.calls.drop_null_optionals import drop_null_optionals
from rules.calls.drop_unknown_arguments import drop_unknown_arguments
from rules.calls.drop_unreadable_call import drop_unreadable_call
from rules.calls.fill_by_policy import fill_by_policy
from rules.calls.fit_date import fit_date
from rules.calls.fit_enum import fit_enum
from rules.calls.guess_keys import guess_keys
from rules.calls.keep_first_call import keep_first_call
from rules.calls.match_keys import match_keys
from rules.calls.match_tool_name import match_tool_name
from rules.calls.parse_stringified import parse_stringified
from rules.calls.read_arguments import read_arguments
from rules.calls.read_shell_fence import read_shell_fence
from rules.calls.stringify_scalar import stringify_scalar
from rules.calls.unwrap_arguments import unwrap_arguments
from rules.calls.wrap_bare_value import wrap_bare_value
from rules.calls.wrap_single_item import wrap_single_item
from rules.guards.ask_for_call import ask_for_call
from rules.guards.check_schema import check_schema
from rules.guards.nudge_to_finish import nudge_to_finish
from rules.guards.refuse_empty_turn import refuse_empty_turn
from rules.guards.refuse_failing_alike import refuse_failing_alike
from rules.guards.refuse_forbidden import refuse_forbidden
from rules.guards.refuse_repetition import refuse_repetition
from rules.guards.refuse_several_actions import refuse_several_actions
from rules.guards.refuse_truncated import refuse_truncated
from rules.guards.refuse_unknown_arguments import refuse_unknown_arguments
from rules.guards.refuse_unknown_tool import refuse_unknown_tool
from rules.guards.refuse_unreadable_arguments import refuse_unreadable_arguments
from rules.guards.refuse_unreadable_call import refuse_unreadable_call


class Placement(NamedTuple):
    """A rule and why it stands where it stands."""

    rule: Rule
    reason: str


PLACEMENTS: Final[tuple[Placement, ...]] = (
    Placement(read_shell_fence, "before all that looks at calls: it makes one"),
    Placement(drop_unreadable_call, "first of what looks at calls: what has no name can be neither matched nor read"),
    Placement(match_tool_name, "the name decides the schema that all later rules look at"),
    Placement(alias_tool_name, "after what is certain: a guess only for what that left undeclared"),
    Placement(read_arguments, "members can be mended only once there are members"),
    Placement(unwrap_arguments, "before the members are looked at: until then they are one level too deep"),
    Placement(wrap_bare_value, "after unwrapping: only for what holds no object however often it is taken out"),
    Placement(match_keys, "before the values: a key decides by which schema its value is read"),
    Placement(alias_keys, "after what is certain: only for keys that are no property in any spelling"),
    Placement(guess_keys, "after the tables, which know; it can only guess"),
    Placement(parse_stringified, "containers before what is in them, so that their members are mended in the same run"),
    Placement(wrap_single_item, "after parsing: an object may have come as text"),
    Placement(coerce_number, "leaves; exactly one of the five can apply to a value"),
    Placement(coerce_boolean, "leaves"),
    Placement(coerce_null, "leaves"),
    Placement(stringify_scalar, "before fit_enum, which looks at text only"),
    Placement(fit_enum, "last of the refused leaves: the value must be text by now if the choices are"),
    Placement(fit_date, "after the leaves: a form of text that the schema names, but does not refuse"),
    Placement(drop_null_optionals, "after the leaves, so that only real nulls are left"),
    Placement(fill_by_policy, "before unknown arguments are dropped, which needs all required ones to be there"),
    Placement(drop_unknown_arguments, "last of the members: whether one is strange depends on none being missing"),
    Placement(collapse_duplicates, "after all mending, by which calls may have become the same"),
    Placement(keep_first_call, "after all mending and before any refusal: a later call must not cost the first"),
    Placement(refuse_empty_turn, "refusals from here on; without a call there is nothing more to look at"),
    Placement(ask_for_call, "behind the empty turn, which has no words to judge"),
    Placement(refuse_several_actions, "before one of them is judged: which one counts is not known yet"),
    Placement(refuse_truncated, "before all that reads a call: of a cut call nothing else is worth saying"),
    Placement(refuse_unreadable_call, "before the name is looked up: it has none"),
    Placement(refuse_unknown_tool, "before the arguments: of an unknown tool they cannot be judged"),
    Placement(refuse_unreadable_arguments, "before the schema, which judges objects"),
    Placement(refuse_unknown_arguments, "before the schema, which cannot say what a strange key may have been meant as"),
    Placement(check_schema, "the arguments as they would be delivered"),
    Placement(refuse_forbidden, "a value that cannot be carried matters only in a call that is otherwise right"),
    Placement(refuse_repetition, "only calls that are right can go round: a wrong one is mended or asked about first"),
    Placement(refuse_failing_alike, "behind repetition, which knows more: the very same call"),
    Placement(nudge_to_finish, "last of all: nothing is wrong with the call"),
)

RULES: Final[tuple[Rule, ...]] = tuple(placement.rule for placement in PLACEMENTS)
