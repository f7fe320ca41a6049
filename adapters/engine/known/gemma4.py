"""What vLLM's parsers `gemma4` (tools and reasoning) are known to do wrong."""

from __future__ import annotations

from functools import partial
from typing import Final

from adapters.engine.base import CALLS, INVENTED, LOST, MISPARSED, Known
from adapters.engine.signatures import (
    always,
    bare_as_text,
    behind_quote,
    both,
    lacks_equated,
    leaks,
    name_holds,
    quotes_stay,
    raw_holds,
    raw_lacks,
    scalar_grew,
    served_holds,
    shown_as_text,
    text_holds,
    value_holds,
)

_known = partial(Known, dialect="gemma4")
_NO_THINKING = '`"chat_template_kwargs": {"enable_thinking": false}`'

GEMMA4: Final[tuple[Known, ...]] = (
    _known(
        "gemma4-begin-arg",
        CALLS,
        "A call written in blocks of `BEGIN_ARG:` and `END_ARG`: all of it becomes the name, and there are no arguments.",
        name_holds("BEGIN_ARG"),
        issues=("ollama#18275",),
        seen="0.32",
    ),
    _known(
        "gemma4-other-body",
        CALLS,
        "Between the markers stands JSON or XML, and no `call:name{...}`: it is dropped, or a piece of it becomes the name.",
        both(raw_holds(r"<\|tool_call>\s*+[{<\[]"), raw_lacks("<|tool_call>call:")),
        seen="0.32",
    ),
    _known(
        "gemma4-colon-without-call",
        LOST,
        "`<|tool_call>:name{...}`, without the word `call`: the call is dropped.",
        raw_holds(r"<\|tool_call>\s*+:"),
        issues=("vllm#53431",),
        gone="0.32",
    ),
    _known(
        "gemma4-equals-for-colon",
        CALLS,
        "`call:name(key=...)`, or `key=...` among others: an argument, or all of them, are dropped.",
        lacks_equated,
        issues=("vllm#53642", "omlx#1846"),
        seen="0.32",
    ),
    _known(
        "gemma4-prose-for-name",
        CALLS,
        "`call:name some words`, without braces: all of it becomes the name of a call.",
        both(name_holds(r"\s"), raw_holds(r"<\|tool_call>call:")),
        issues=("vllm#53642", "omlx#1846"),
        seen="0.32",
    ),
    _known(
        "gemma4-delimiter-in-value",
        MISPARSED,
        'The first `<|"|>` around a text is missing: the other one stays in the value, and a comma in the text makes keys of it.',
        served_holds('<|"|>'),
        issues=("sglang#39240",),
        seen="0.32",
    ),
    _known(
        "gemma4-json-quotes",
        MISPARSED,
        'Quotes of JSON or Python in the place of `<|"|>` stay in keys and values, and a comma in the text makes keys of it.',
        quotes_stay,
        issues=("vllm#51284",),
        seen="0.32",
    ),
    _known(
        "gemma4-bare-values-as-text",
        MISPARSED,
        "Numbers and booleans become texts where the schema says nothing of them: in arrays and objects without one.",
        bare_as_text,
        issues=("vllm#47906",),
        seen="0.32",
        avoid="a schema for the items and members of arrays and objects",
    ),
    _known(
        "gemma4-stream-doubles",
        MISPARSED,
        "Streamed numbers and booleans come with characters twice (`108.02`, `trutrue`), or with pieces of delimiters.",
        scalar_grew,
        issues=("vllm#42047", "vllm#39089", "vllm#38946", "vllm#44522"),
        told="0.19-0.22",
        since="0.19",
        gone="0.32",
    ),
    _known(
        "gemma4-closer-in-value",
        MISPARSED,
        "A text holds the closing marker `<tool_call|>`: the call ends there, and the rest comes as what is said to the user.",
        value_holds("<tool_call|>", "<|tool_call>"),
        seen="0.32",
    ),
    _known(
        "gemma4-call-behind-thought",
        LOST,
        "`<channel|>call:name{...}`: a call right behind a thought, without its opener, comes as text.",
        raw_holds(r"<channel\|>\s*+call:"),
        issues=("vllm#54256",),
        seen="0.32",
    ),
    _known(
        "gemma4-markers-missing",
        LOST,
        "A call without its opening marker comes as text.",
        both(raw_lacks("<|tool_call>"), shown_as_text),
        seen="0.32",
    ),
    _known(
        "gemma4-example-made",
        INVENTED,
        "A call that the model shows, in a fence or between backticks, is made.",
        behind_quote,
        seen="0.32",
    ),
    _known(
        "gemma4-marker-in-prose",
        frozenset({"text-lost"}),
        "The model writes of the marker `<|tool_call>`: everything behind it is dropped.",
        text_holds("<|tool_call>", "<tool_call|>"),
        seen="0.32",
    ),
    _known(
        "gemma4-answer-in-thought",
        frozenset({"text-in-thought"}),
        "After a tool's result, with thinking on, the whole answer is streamed as reasoning, and the content is empty.",
        always,
        issues=("vllm#49717", "vllm#50015"),
        seen="0.32",
        avoid=_NO_THINKING,
    ),
    _known(
        "gemma4-channel-markers-return",
        frozenset({"text-leaked"}),
        "With the reasoning parser alone, markers of the channel come at the end of the stream as text.",
        leaks("<|channel>", "<channel|>"),
        issues=("vllm#57232",),
        avoid=_NO_THINKING,
    ),
    _known(
        "gemma4-thought-in-answer",
        frozenset({"text-leaked"}),
        "After a tool's result a part of the thought comes as text, streamed and whole differently.",
        both(always, lambda heard, _found: heard.splits),
        issues=("vllm#45834", "vllm#48217", "vllm#39885"),
        avoid=_NO_THINKING,
    ),
    _known(
        "gemma4-thought-without-end",
        frozenset({"thought-lost"}),
        "The last tokens of the thought are missing where the server streams several at once.",
        always,
        issues=("vllm#41691",),
        avoid="`--stream-interval 1`, its default",
    ),
)
