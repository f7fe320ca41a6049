"""The order in which a history is healed, each step with the reason for its place."""

from __future__ import annotations

from typing import Final, NamedTuple

from adapters.history.answer_dangling_calls import answer_dangling_calls
from adapters.history.base import Step
from adapters.history.collapse_repeats import collapse_repeats
from adapters.history.drop_empty_answers import drop_empty_answers
from adapters.history.drop_past_thinking import drop_past_thinking
from adapters.history.flatten_content import flatten_content
from adapters.history.lead_with_system import lead_with_system
from adapters.history.merge_user_messages import merge_user_messages
from adapters.history.number_calls import number_calls
from adapters.history.read_past_arguments import read_past_arguments
from adapters.history.show_orphan_results import show_orphan_results
from adapters.history.show_refused_calls import show_refused_calls
from adapters.history.show_unreadable_calls import show_unreadable_calls


class Placement(NamedTuple):
    """A step and why it stands where it stands."""

    step: Step
    reason: str


HEALING: Final[tuple[Placement, ...]] = (
    Placement(read_past_arguments, "first: what can be read must not be shown as text"),
    Placement(number_calls, "before all that tells results by their ids"),
    Placement(show_refused_calls, "before unreadable calls: their arguments are readable, and not the model's"),
    Placement(show_unreadable_calls, "before results are judged: it takes calls away, with their results"),
    Placement(show_orphan_results, "before calls are answered: what is left behind a call are its results"),
    Placement(answer_dangling_calls, "last of the calls: every one is readable and has an id"),
    Placement(drop_past_thinking, "before empty answers: an answer may be nothing but a thought"),
    Placement(drop_empty_answers, "before repeats: it may have stood between two of them"),
    Placement(collapse_repeats, "last: what is the same by now is the same to the model"),
)
"""What is healed in the client's messages before anything reads them: the model, and we ourselves, see the history so."""

FITTING: Final[tuple[Placement, ...]] = (
    Placement(lead_with_system, "before users are merged: a late system message becomes a user's"),
    Placement(flatten_content, "before users are merged: texts are joined as texts"),
    Placement(merge_user_messages, "last: after all that makes user messages"),
)
"""What the template of a server asks for: done to all that goes upstream, as the profile says or the server has complained."""

HEALERS: Final[tuple[Step, ...]] = tuple(placement.step for placement in HEALING)
FITTERS: Final[tuple[Step, ...]] = tuple(placement.step for placement in FITTING)

FAULTS: Final = frozenset(
    step.name
    for step in (
        read_past_arguments,
        number_calls,
        show_unreadable_calls,
        show_orphan_results,
        answer_dangling_calls,
        drop_empty_answers,
    )
)
"""What only a broken history makes necessary: a fault of the client, or of what it was given. The others are the usual care."""
