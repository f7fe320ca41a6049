"""Small questions about what a server's flags and its chat template do, besides those that `proxy.probe` asks.

Each forces an answer that the model has no say in, or that tells by its form alone: what a prompt holds, how an answer that was
cut is told, where a plain answer comes out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from adapters.clients.openai_chat import tools_of
from adapters.registry import DIALECTS
from adapters.structured.servers import TEMPLATE
from proxy.doctor.scenarios import SCENARIOS
from proxy.doctor.trials import STREAMED, Ask
from proxy.doctor.wire import Answer, Trouble
from proxy.reading import as_dict, as_list, as_text
from rules.conversation import ToolSpec

Post: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""Sends a body to a path and returns the JSON that comes back. Raises Trouble, and Spent where nothing more is allowed."""

REQUESTS: Final = 10
"""The most that all checks together ask."""


# -- what the prompt holds

MARKS: Final = {"tool": "zq-marigold", "arguments": "zq-cormorant", "result": "zq-obsidian"}
"""Words that stand nowhere else: in a tool's description, in the arguments of a past call, in its result."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a conversation the chat template shows to the model. None: that could not be found out.

    opened  the prompt leaves a thought open
    way     what was seen where something is not shown, in words
    """

    tool: bool | None = None
    arguments: bool | None = None
    result: bool | None = None
    opened: bool | None = None
    way: str = ""


def conversation(arguments: str = MARKS["arguments"], result: str = MARKS["result"]) -> dict[str, Any]:
    """Return messages and tools with the marks in them."""
    schema: dict[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    call = {"id": "call00001", "type": "function", "function": {"name": "note", "arguments": f'{{"text": "{arguments}"}}'}}
    messages = [
        {"role": "user", "content": "Take a note."},
        {"role": "assistant", "content": "I take it.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call00001", "content": result},
        {"role": "user", "content": "Thank you."},
    ]
    return {"messages": messages, "tools": tools_of((ToolSpec("note", MARKS["tool"], schema),))}


async def shown(model: str, ask: Ask, post: Post) -> Shown:
    """Find out what the chat template shows to the model: by the prompt itself, else by its length in tokens."""
    for way in (_by_tokens, _by_prompt):
        found = await way(model, post)
        if found is not None:
            return found
    return await _by_length(model, ask)


async def _by_prompt(model: str, post: Post) -> Shown | None:
    """Have vLLM return the prompt beside the answer."""
    body = {"model": model, **conversation(), "tool_choice": "none", "max_tokens": 1, "return_prompt_text": True}
    try:
        answer = await post("/v1/chat/completions", body)
    except Trouble:
        return None
    return _found(
        as_text(as_dict(answer).get("prompt_text")), "a word put there does not stand in the prompt (return_prompt_text)"
    )


async def _by_tokens(model: str, post: Post) -> Shown | None:
    """Have vLLM tokenize the conversation, and read the tokens back."""
    try:
        tokens = as_list(as_dict(await post("/tokenize", {"model": model, **conversation()})).get("tokens"))
        prompt = await post("/detokenize", {"model": model, "tokens": tokens}) if tokens else {}
    except Trouble:
        return None
    return _found(as_text(as_dict(prompt).get("prompt")), "a word put there does not stand in the prompt (/tokenize)")


def _found(prompt: str, way: str) -> Shown | None:
    if not prompt:
        return None
    tool, arguments, result = (MARKS[name] in prompt for name in ("tool", "arguments", "result"))
    return Shown(tool, arguments, result, opened(prompt), way)


def opened(prompt: str) -> bool:
    """Tell whether a prompt ends inside a thought: the last marker of one opens it."""
    pairs = {pair for dialect in DIALECTS.values() for pair in dialect.thinking}
    tail = prompt[-TAIL:]
    opens, closes = (max((tail.rfind(each[side]) for each in pairs), default=-1) for side in (0, 1))
    return opens > closes


TAIL: Final = 120
"""Characters at the end of a prompt in which a thought is opened or closed for the answer."""


async def _by_length(model: str, ask: Ask) -> Shown:
    """Compare the prompt's tokens with those of the same conversation, its past arguments much longer; then its result.

    The server's count has to follow the second, or it tells nothing.
    """
    counts: list[int] = []
    for body in (conversation("a", "a"), conversation(LONGER, "a"), conversation("a", LONGER)):
        try:
            answer = await ask({"model": model, **body, "tool_choice": "none", "max_tokens": 1})
        except Trouble:
            return Shown()
        counts.append(answer.prompt or 0)
    plain, arguments, result = counts
    if not plain or result < plain + 8 or plain < arguments < plain + 8 or arguments < plain:
        return Shown()
    return Shown(arguments=arguments > plain, result=True, way="the prompt is not a token longer with much longer ones")


LONGER: Final = "a longer note about seven boats and their crews " * 8
"""Some 80 tokens."""


# -- how an answer that was cut is told

Told = Literal["right", "hidden", "not known"]


@dataclass(frozen=True, slots=True)
class Cut:
    """How a call that a limit cut is told, whole and streamed. `words`: what was seen where it was hidden."""

    whole: Told = "not known"
    streamed: Told = "not known"
    words: str = ""


async def cut(model: str, full: int, ask: Ask) -> Cut:
    """Ask for a call in fewer tokens than it takes. `full`: tokens that it took when nothing cut it."""
    limit, scenario = max(full // 2, 1), SCENARIOS[0]
    messages = [{"role": "system", "content": scenario.system}, {"role": "user", "content": scenario.task}]
    told: list[Told] = []
    words = ""
    for more in ({}, STREAMED):
        body = {
            "model": model,
            "messages": messages,
            "tools": tools_of(scenario.tools),
            "temperature": 0,
            "max_tokens": limit,
            **more,
        }
        try:
            answer = await ask(body)
        except Trouble:
            told.append("not known")
            continue
        told.append(_told(answer, limit))
        if told[-1] == "hidden":
            arguments = answer.calls[0].arguments if answer.calls else ""
            words = f"{answer.completion} of {limit} tokens, finish_reason {answer.finish}, arguments {arguments or 'none'}"
    return Cut(told[0], told[1], words)


def _told(answer: Answer, limit: int) -> Told:
    if answer.finish == "length":
        return "right"
    if "x-toolmend-turn" in answer.headers:
        return "not known"  # its usage counts all attempts
    return "hidden" if (answer.completion or 0) >= limit and answer.finish in ("stop", "tool_calls") else "not known"


# -- where a plain answer comes out


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain answer, asked for as it is and with thinking off. None: the server did not take the request."""

    default: Answer | None = None
    quiet: Answer | None = None


PLAIN_TOKENS: Final = 400
"""The most that a plain answer of one word may have: room for a thought before it."""


async def plain(model: str, ask: Ask) -> Plain:
    """Ask for one word, without tools, as it is and with thinking off."""
    messages = [{"role": "user", "content": "Answer with the one word: ready"}]
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": PLAIN_TOKENS}
    answers: list[Answer | None] = []
    for more in ({}, TEMPLATE):
        try:
            answers.append(await ask({**body, **more}))
        except Trouble:
            answers.append(None)
    return Plain(answers[0], answers[1])
