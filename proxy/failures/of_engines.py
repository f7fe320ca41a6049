"""What model servers get wrong, and what does not reach them."""

from __future__ import annotations

from functools import partial
from typing import Final

from proxy.failures.base import Reason

RAW = "The turn is made from the model's raw text."
TOLD = "The client is told, in the form of an OpenAI error."
PARSER = "see docs/engine.md; a newer vLLM, or no `--tool-call-parser` at all: toolmend reads the raw text"
THINKING = "no `--reasoning-parser`; or thinking off: `chat_template_kwargs`"
LEARNED = "Requests are written so from then on, and this one was sent again."

parsers = partial(Reason, fault="engine-parser")
templates = partial(Reason, fault="engine-template")
upstream = partial(Reason, fault="upstream")

OF_ENGINES: Final[tuple[Reason, ...]] = (
    parsers("call-not-parsed", what="A call that the text holds was not made out.", done=RAW, change=PARSER),
    parsers("call-misparsed", what="A call came with another name or other arguments.", done=RAW, change=PARSER),
    parsers("call-invented", what="A call came that the text does not make.", done=RAW, change=PARSER),
    parsers("text-lost", what="What the model said to the user came nowhere.", done=RAW, change=PARSER),
    parsers("text-leaked", what="Markup, or a thought, came as what is said to the user.", done=RAW, change=THINKING),
    parsers("text-in-thought", what="What the model said to the user came as its reasoning.", done=RAW, change=THINKING),
    parsers("thought-lost", what="The end of the thought is missing.", done=RAW, change=THINKING),
    parsers("truncation-hidden", what="A call was cut by a limit, and `finish_reason` says it was not.", done=RAW, change=PARSER),
    parsers("call-closed-up", what="A call was cut by a limit, and its arguments were closed up to valid JSON.", done=RAW),
    parsers(
        "no-tool-parser",
        what="The server refuses tools, since it was started without a tool parser.",
        done="Tools are sent for the prompt alone, and toolmend reads the calls itself.",
        change="`--enable-auto-tool-choice --tool-call-parser ...`",
        setting="protocol",
    ),
    templates("merge_users", what="The template wants user and assistant to take turns.", done=LEARNED, setting="merge_users"),
    templates("system_first", what="The template wants the system message first.", done=LEARNED, setting="system_first"),
    templates("plain_content", what="The template takes texts, and no lists of parts.", done=LEARNED),
    templates(
        "no-chat-template",
        what="The model has no chat template.",
        done=TOLD,
        change="`--chat-template FILE`, from the model's page or vLLM's examples",
    ),
    templates(
        "template-failed",
        what="The template cannot be rendered for this conversation.",
        done=TOLD,
        change="`--chat-template FILE`: another one for this model",
    ),
    upstream(
        "upstream_unreachable",
        what="Nobody answers at the server's address.",
        done=TOLD,
        change="is it running, and is its address right?",
        setting="--upstream",
    ),
    upstream(
        "upstream_timeout",
        what="The server sent nothing for too long.",
        done=TOLD,
        change="a shorter prompt, or more room for the prefill",
        setting="[limits] first_byte_seconds, idle_seconds, stream_seconds",
    ),
    upstream("upstream_broken", what="The answer broke off, or is not what an OpenAI server sends.", done=TOLD),
    upstream("truncated", what="The answer broke off before it was finished.", done=TOLD, change="the server's log says why"),
    upstream("upstream_error_event", what="The server reported an error in mid-answer.", done=TOLD, change="its log says why"),
    upstream(
        "upstream_refused",
        what="The server answered with an error of its own.",
        done="It is passed on as it came.",
    ),
    upstream(
        "upstream-key",
        what="The server wants another key (HTTP 401 or 403).",
        done="It is passed on as it came.",
        change="the key in the client, or the variable TOOLMEND_UPSTREAM_KEY",
    ),
    upstream(
        "no-such-model",
        what="The server does not serve the model that the client names.",
        done="It is passed on as it came.",
        change="the model's name in the client, or `--served-model-name`",
    ),
    upstream(
        "overloaded", what="The server had no room for too long.", done=TOLD, change="fewer agents at a time, or more replicas"
    ),
    upstream("missing-done", what="The stream ended without `[DONE]`.", done="The answer was whole, and is delivered."),
    upstream(
        "unfinished",
        what="The client was gone before the answer was delivered.",
        done="The server is told at once, by closing the connection.",
        change="a longer timeout in the client",
    ),
)
