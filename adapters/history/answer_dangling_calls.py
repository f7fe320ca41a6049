"""Calls without a result."""

from __future__ import annotations

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import Run, answers, has_calls, id_of, runs
from adapters.history.samples import USER, asks, call, result, told

NO_RESULT = "(No result of this call was recorded.)"


@step(
    "form",
    Example(
        "the client dropped it",
        [USER, asks(call("c1")), told("Call the bash tool.")],
        [USER, asks(call("c1")), result("c1", NO_RESULT), told("Call the bash tool.")],
    ),
    Example(
        "one of two",
        [asks(call("c1"), call("c2")), result("c2")],
        [asks(call("c1"), call("c2")), result("c2"), result("c1", NO_RESULT)],
    ),
    Example("at the end", [USER, asks(call("c1"))], [USER, asks(call("c1")), result("c1", NO_RESULT)]),
    Example("to be continued", [USER, asks(call("c1"))], [USER, asks(call("c1"))], Terms(continues=True)),
    Example("answered", [asks(call("c1")), result("c1")], [asks(call("c1")), result("c1")]),
)
def answer_dangling_calls(messages: Messages, terms: Terms) -> Messages:
    """Say behind a past call that has no result that none was recorded.

    Why: Gemma invents the result of a dangling call, and other templates refuse one. Clients leave them: EvalScope drops calls
        of tools it does not know, mini-swe-agent calls beside a text action.
    Safety: no result is made up; the sentence is true whether the tool ran or not. The call stays a call: shown as text, it
        would teach the model to write its calls as text.
    """
    past = messages[:-1] if terms.continues and messages and has_calls(messages[-1]) else messages
    out: Messages = []
    for each in runs(past):
        out += _answered(each) if isinstance(each, Run) else [each]
    return out + messages[len(past) :]


def _answered(run: Run) -> list[Message]:
    known = {answers(result) for result in run.results}
    missing = [id_of(call) for call in run.calls if id_of(call) and id_of(call) not in known]
    return [*run.flat, *({"role": "tool", "tool_call_id": each, "content": NO_RESULT} for each in missing)]
