"""What vLLM's parser `hermes` is known to do wrong."""

from __future__ import annotations

from functools import partial
from typing import Final

from adapters.engine.base import CALLS, LOST, MISPARSED, Known
from adapters.engine.signatures import (
    both,
    braces_in_value,
    demanded,
    empty,
    nothing_served,
    one_brace_more,
    raw_holds,
    raw_lacks,
    shares_block,
    streamed,
    text_holds,
    unterminated,
    value_holds,
)

_known = partial(Known, dialect="hermes_json")

HERMES: Final[tuple[Known, ...]] = (
    _known(
        "hermes-closer-in-string",
        CALLS,
        "A text holds `</tool_call>`: whole, the call comes as text; streamed, its arguments break off there.",
        value_holds("<tool_call>", "</tool_call>"),
        issues=("vllm#45167",),
        seen="0.32",
    ),
    _known(
        "hermes-several-in-block",
        CALLS,
        "Several objects in one `<tool_call>`: whole, they come as text; streamed, all become arguments of the first.",
        shares_block,
        issues=("vllm#17790",),
        seen="0.32",
    ),
    _known(
        "hermes-braces-when-demanded",
        CALLS,
        "With `tool_choice` `required`, streamed, braces inside texts are counted.",
        both(both(streamed, demanded), braces_in_value),
        issues=("vllm#45389",),
    ),
    _known(
        "hermes-braces-in-string",
        CALLS,
        "Braces inside a text that do not match confuse the streaming parser.",
        both(streamed, braces_in_value),
        issues=("vllm#21544", "vllm#21301"),
        told="0.9",
        gone="0.32",
    ),
    _known(
        "hermes-other-keys",
        MISPARSED,
        "`parameters` in the place of `arguments`: whole, the call comes as text; streamed, without its arguments.",
        both(empty, both(raw_holds('"parameters"'), raw_lacks('"arguments"'))),
        seen="0.32",
    ),
    _known(
        "hermes-arguments-lost",
        CALLS,
        "Streamed arguments are lost, or lack their last brace.",
        both(streamed, lambda heard, found: empty(heard, found) or unterminated(heard, found)),
        issues=("vllm#10395", "vllm#19056", "vllm#22885", "vllm#28806"),
        told="0.10",
        gone="0.32",
    ),
    _known(
        "hermes-outer-brace",
        MISPARSED,
        "Streamed arguments that are no strict JSON come with the brace that closes the call behind them.",
        both(streamed, one_brace_more),
        seen="0.32",
    ),
    _known(
        "hermes-body-dropped",
        LOST,
        "A call in `<tool_call>` that is no strict JSON: streamed, it is dropped with its text; whole, it comes as text.",
        both(nothing_served, raw_holds("<tool_call>")),
        seen="0.32",
    ),
    _known(
        "hermes-marker-in-prose",
        frozenset({"text-lost"}),
        "The model writes of `<tool_call>`: streamed, everything behind it is dropped.",
        text_holds("<tool_call>"),
        seen="0.32",
    ),
)
