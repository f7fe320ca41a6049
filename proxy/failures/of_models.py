"""What models get wrong."""

from __future__ import annotations

from functools import partial
from typing import Final

from proxy.failures.base import Reason

ASKED = "The model is asked for the call again; what nothing helps is delivered in the form that the client survives."
MEMBERS = "These arguments alone are asked for under a grammar, then in words, then all of them under a grammar."
CUT = "It is cut off as it streams, and asked again with a repetition penalty."

arguments = partial(Reason, fault="model-arguments")
names = partial(Reason, fault="model-name")
formats = partial(Reason, fault="model-format")
degenerate = partial(Reason, fault="model-degenerate")
loops = partial(Reason, fault="model-loop")

OF_MODELS: Final[tuple[Reason, ...]] = (
    arguments("missing-arguments", what="A required argument is missing.", done=MEMBERS, setting="grammar, fill"),
    arguments("wrong-arguments", what="An argument is not what its schema wants.", done=MEMBERS, setting="grammar"),
    arguments(
        "unknown-arguments",
        what="There is an argument that the schema does not have, beside a required one that is missing or may be meant.",
        done=ASKED,
        setting="guess",
    ),
    arguments("uncarriable-value", what="The client's own format cannot carry a value.", done=ASKED),
    names(
        "unknown-tool",
        what="There is no tool of this name, nor one that it can only mean.",
        done="The model is told the names that there are; then a call of any of them is asked for under a grammar.",
        setting="guess",
    ),
    formats("unreadable-call", what="A block that is meant as a call cannot be read.", done=ASKED, setting="reads"),
    formats("unreadable-arguments", what="The arguments are no JSON object, and cannot be mended into one.", done=ASKED),
    formats(
        "several-actions",
        what="There are several actions, and the client takes one.",
        done="The model is asked which one it means.",
    ),
    formats(
        "no-call",
        what="A call was announced and not made, or the client takes prose for an error.",
        done="The model is asked for the call once; what it then says is its own choice.",
        change="a larger model, or native tools where the client can send them",
        setting="protocol",
    ),
    formats(
        "call-required",
        what="The client demands a call (`tool_choice`), and there is none.",
        done="A call is asked for in words, then under a grammar.",
        setting="strict",
    ),
    Reason(
        "empty-turn",
        "model-empty",
        "There is no text and no call.",
        "The model is asked again, with another sampling.",
        "switch thinking off: vLLM's `--reasoning-parser` leaves the content empty where the whole answer is a thought",
        "request.chat_template_kwargs",
    ),
    degenerate("repeated-token", what="One token comes over and over.", done=CUT, change="a higher temperature"),
    degenerate("repeated-cycle", what="A few tokens come over and over.", done=CUT, change="a higher temperature"),
    degenerate("repeated-lines", what="A block of lines comes over and over.", done=CUT, change="a higher temperature"),
    degenerate(
        "special-token-flood",
        what="Tokens of the template come one after the other.",
        done=CUT,
        change="another build of the model: a wrong tokenizer or a broken quantisation does this",
    ),
    degenerate("endless-whitespace", what="Nothing but blanks comes.", done=CUT),
    degenerate(
        "endless-answer",
        what="The answer has more calls, longer arguments or more tokens than any turn needs.",
        done="It is cut off, and asked again.",
        setting="[limits] argument_bytes, calls_per_turn; [budget] tokens",
    ),
    loops(
        "repeated-call",
        what="The same call, or the same few by turns, with the same result once more.",
        done="The model is told before it runs again; then its repeats are left out of what it sees.",
        setting="[profile.patience] repeats",
    ),
    loops(
        "failing-alike",
        what="Calls of one tool fail in the same way, one after the other.",
        done="The model is told what they have in common.",
        setting="[profile.patience] failures",
    ),
    loops(
        "done-but-goes-on",
        what="The work is done and checked, and the agent looks at it again and again.",
        done="The model is told how the work is handed in.",
        setting="[profile.patience] idle",
    ),
    loops(
        "stuck",
        what="The agent went round as often as it may.",
        done="The session is stopped with words that say so.",
        setting="[profile.patience] stop",
    ),
    Reason(
        "truncated",
        "truncated",
        "A limit of tokens, or the server, cut a call off before its end.",
        "It is never executed. The call is asked for again; where that fails, the turn is told as `length`.",
        "a larger `max_tokens` in the client, or `--max-model-len`",
        "request.max_tokens",
    ),
    Reason(
        "text-cut",
        "truncated",
        "A limit of tokens cut the answer off, and it held no call.",
        "It is delivered as it is, and told as `length`.",
        "a larger `max_tokens` in the client, or `--max-model-len`",
        "request.max_tokens",
    ),
)
