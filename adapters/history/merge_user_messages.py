"""User messages in a row, where a template wants roles to alternate."""

from __future__ import annotations

from adapters.history.base import Example, Messages, Terms, step
from adapters.history.samples import USER, part, says, told
from adapters.messages import merge_users

_MERGED = Terms(merge_users=True)


@step(
    "form",
    Example("a task and its surroundings", [USER, told("You are in /a.")], [told("Fix it.\n\nYou are in /a.")], _MERGED),
    Example("parts", [told([part("a")]), told("b")], [told([part("a"), part("b")])], _MERGED),
    Example("with an answer between", [USER, says("b"), told("c")], [USER, says("b"), told("c")], _MERGED),
    Example("where the template takes them", [USER, USER], [USER, USER]),
)
def merge_user_messages(messages: Messages, terms: Terms) -> Messages:
    """Make neighbouring user messages one, where the template wants that.

    Why: Gemma's template and others raise an error for two user messages in a row, and OpenHands begins with two.
    Safety: the texts stay whole, with a blank line between them. Only where the profile says so, or the server has complained.
    """
    return merge_users(messages) if terms.merge_users else messages
