"""What clients get wrong, and what we do."""

from __future__ import annotations

from functools import partial
from typing import Final

from proxy.failures.base import Reason

UNTOUCHED = "The request is passed on untouched: without the descriptions nothing can be judged."
HEALED = "It is healed before the model sees it."

schemas = partial(Reason, fault="client-schema")
history = partial(Reason, fault="client-history")
ours = partial(Reason, fault="ours")

OF_OTHERS: Final[tuple[Reason, ...]] = (
    schemas("unreadable-functions", what="The functions that the prompt describes cannot be read (OpenHands).", done=UNTOUCHED),
    schemas("unreadable-tools", what="The tools that the prompt describes cannot be read (Cline).", done=UNTOUCHED),
    schemas(
        "schema-refused",
        what="The server refuses the schema of a tool, or the form that the answer shall have.",
        done="It is passed on as it came.",
        change="the schema, as the server's words say",
    ),
    schemas("bad_request", what="The server refuses the request in mid-stream.", done="The client is told."),
    history(
        "read_past_arguments",
        what="Past calls have arguments that are no JSON object: the server's template fails on them.",
        done=HEALED,
    ),
    history("number_calls", what="Past calls have no ids, or the same one twice.", done=HEALED),
    history("show_unreadable_calls", what="Past calls cannot be read at all.", done=HEALED),
    history("show_orphan_results", what="There are results of calls that are not in the history.", done=HEALED),
    history("answer_dangling_calls", what="There are calls without results.", done=HEALED),
    history("drop_empty_answers", what="There are answers without text and call.", done=HEALED),
    history(
        "context-length",
        what="The conversation is longer than the model's context.",
        done="The server's error is passed on as it came: agents condense their history on it.",
        change="`--max-model-len`, or the agent's condenser",
    ),
    history("history-refused", what="The server refuses the messages.", done="It is passed on as it came."),
    ours(
        "unhandled",
        what="toolmend raised an exception.",
        done="The client is told.",
        change="please report it, with the log's event",
    ),
    ours(
        "stopping",
        what="toolmend was told to stop, and this answer took longer than there was time for.",
        done="The client is told, in a stream by an error event; nothing looks complete.",
        setting="[limits] drain_seconds",
    ),
    ours(
        "rule-failed",
        what="A rule, or a step of healing, raised an exception and was left out.",
        done="The turn is served without it.",
        change="please report it, with the record",
    ),
    ours(
        "check-skipped",
        what="A call could not be checked against its schema in time.",
        done="It is delivered unjudged.",
        change="a simpler schema: patterns and combinations cost most",
    ),
)
