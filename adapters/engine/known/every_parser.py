"""What vLLM is known to do wrong whatever its parser."""

from __future__ import annotations

from typing import Final

from adapters.engine.base import Known
from adapters.engine.signatures import always, announced, leaks, streamed, whole

EVERY_PARSER: Final[tuple[Known, ...]] = (
    Known(
        "finish-reason-hides-cut",
        frozenset({"truncation-hidden"}),
        "Whole answers: a call that a limit cut comes as shortened but valid JSON, and `finish_reason` says `tool_calls`.",
        whole,
        issues=("vllm#58228", "vllm#47963", "vllm#47903"),
        seen="0.32",
        gone="0.33",
        avoid="ask for a stream, as toolmend always does",
    ),
    Known(
        "streamed-finish-reason-hides-cut",
        frozenset({"truncation-hidden"}),
        "Streamed answers: a call that a limit cut ends with the `finish_reason` `tool_calls`.",
        streamed,
        issues=("vllm#53269",),
        told="0.27",
        gone="0.32",
    ),
    Known(
        "cut-call-closed-up",
        frozenset({"call-closed-up"}),
        "A call that a limit cut is closed up: its arguments are valid JSON, and only `finish_reason` `length` tells.",
        always,
        seen="0.32",
    ),
    Known(
        "calls-announced-none-served",
        frozenset({"text-lost", "call-not-parsed"}),
        "`finish_reason` is `tool_calls`, there are no calls, and the text is lost: prose where a call was demanded.",
        announced,
        issues=("vllm#50889", "vllm#44447"),
        seen="0.32",
        avoid="`tool_choice` `auto`",
    ),
    Known(
        "special-tokens-leak",
        frozenset({"text-leaked"}),
        "Tokens of the template come as text: the engine's parsers switch `skip_special_tokens` off.",
        leaks("<|im_start|>", "<|im_end|>", "<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|endoftext|>", "<eos>"),
        seen="0.32",
    ),
)
