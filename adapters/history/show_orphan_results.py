"""Results without a call."""

from __future__ import annotations

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import Run, answers, as_user, id_of, is_result, name_of, runs
from adapters.history.samples import USER, asks, call, part, result, told


@step(
    "form",
    Example(
        "its call was forgotten",
        [USER, result("c1"), told("Go on.")],
        [USER, told("Result of a tool (call c1):\na.py"), told("Go on.")],
    ),
    Example(
        "behind another call",
        [asks(call("c1")), {**result("c7", [part("b.py")]), "name": "find"}, result("c1")],
        [asks(call("c1")), result("c1"), told([part("Result of find (call c7):\n"), part("b.py")])],
    ),
    Example(
        "a second result of a call",
        [asks(call("c1")), result("c1"), result("c1", "b.py")],
        [asks(call("c1")), result("c1"), told("Result of bash (call c1):\nb.py")],
    ),
    Example(
        "too late",
        [asks(call("c1")), told("Stop."), result("c1")],
        [asks(call("c1")), told("Stop."), told("Result of bash (call c1):\na.py")],
    ),
    Example("behind its call", [asks(call("c1")), result("c1")], [asks(call("c1")), result("c1")]),
)
def show_orphan_results(messages: Messages, terms: Terms) -> Messages:  # noqa: ARG001 - as every step
    """Show a result whose call does not stand directly before it as a user's message that names tool and call.

    Why: clients forget the older half of a history and cut between a call and its result; templates refuse such a result, or
        show it under the name of some other tool.
    Safety: its text, and what it holds besides, stays whole. OpenAI's API demands that results stand directly behind their
        call, so no right history is touched.
    """
    names: dict[str, str] = {}
    out: Messages = []
    for each in runs(messages):
        if isinstance(each, Run):
            names |= {id_of(call): name_of(call) for call in each.calls}
            out += _parted(each, names)
        else:
            out.append(as_user(each, names.get(answers(each), "")) if is_result(each) else each)
    return out


def _parted(run: Run, names: dict[str, str]) -> list[Message]:
    """Put the results of no call of this run behind those that are."""
    waiting = {id_of(call) for call in run.calls} - {""}
    own: list[Message] = []
    others: list[Message] = []
    for each in run.results:
        if answers(each) in waiting:
            waiting.discard(answers(each))
            own.append(each)
        else:
            others.append(as_user(each, names.get(answers(each), "")))
    return [run.message, *own, *others]
