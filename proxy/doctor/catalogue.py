"""Everything that the doctor can find: whose fault it is, what it does, and what to change. Words in {braces} are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.doctor.entries import Entry
from proxy.doctor.reach import REACH

QUIET: Final = "vLLM: --default-chat-template-kwargs '{{\"enable_thinking\": false}}'"
RAW: Final = "it reads the raw text itself"

CATALOGUE: Final[Mapping[str, Entry]] = {
    **REACH,
    # -- flags of the server
    "tool-parser-missing": Entry(
        "configuration",
        "breaks",
        "The server runs without a tool parser and refuses tools.",
        ("vLLM: --enable-auto-tool-choice {parser}",),
        f"it needs no parser on the server, {RAW}",
    ),
    "tool-parser-wrong": Entry(
        "configuration",
        "breaks",
        "The server's tool parser does not read the format that this model writes ({dialect}): the calls are lost or shredded.",
        ("vLLM: {parser}",),
        RAW,
    ),
    "chat-template-missing": Entry(
        "template",
        "breaks",
        "The model has no chat template, so the server cannot write a conversation for it.",
        ("vLLM: --chat-template FILE (vLLM brings some in examples/); a base model without a template is not made for chats",),
    ),
    "context-too-small": Entry(
        "configuration",
        "breaks",
        "The server's context is too small for an agent's prompt.",
        ("vLLM: --max-model-len 32768 or more, as far as memory bears it",),
    ),
    "reasoning-swallows": Entry(
        "configuration",
        "breaks",
        "The reasoning parser takes the answer for a thought: content stays empty, and the words stand in the reasoning.",
        ("vLLM: leave out --reasoning-parser, or let the template open the thought that the parser waits for",),
        RAW,
    ),
    "thinking-eats-budget": Entry(
        "configuration",
        "breaks",
        "The model thinks until a limit ends it, and never comes to the call.",
        (QUIET, "where it may think for so long, allow more with --answer-tokens"),
        "where the model's profile says so, it asks with thinking off",
    ),
    "thought-shown": Entry(
        "configuration",
        "risk",
        "Thinking is on, and thoughts come as text: frameworks keep them in the history, or take calls out of them.",
        (
            "vLLM: --reasoning-parser of the model's family; or, with thinking off, " + QUIET,
            "toolmend strips thoughts from what it passes on",
        ),
    ),
    "thinking-on": Entry(
        "configuration",
        "note",
        "Thinking is on: {share} of what the model writes are thoughts.",
        ("where that takes too long, " + QUIET,),
    ),
    "structured-off": Entry(
        "configuration",
        "note",
        "The server does not hold a model to a schema: toolmend can ask for what is missing in words only.",
        ('vLLM: restart it with --structured-outputs-config \'{{"backend": "xgrammar"}}\'',),
    ),
    "strict-off": Entry(
        "engine",
        "note",
        "`strict` on a tool is not enforced: a demanded call may still break its schema.",
        ("do not rely on tool_choice or strict on this server; toolmend asks under a grammar of its own",),
    ),
    "no-logprobs": Entry(
        "engine",
        "note",
        "The server sends no log-probabilities, so that what the model wrote cannot be told from what the parsers made of it.",
        ("where the server has a switch for them, switch them on",),
    ),
    # -- the engine
    "engine-parser": Entry(
        "engine",
        "breaks",
        "The server's parser spoils what the model wrote well.",
        ("{avoid}",),
        RAW,
    ),
    "parser-eats-text": Entry(
        "engine",
        "breaks",
        "The server's tool parser takes calls out of answers to requests without tools: who reads the text never sees them.",
        (
            "framework: let it use native tools (OpenHands: LLM_NATIVE_TOOL_CALLING=true)",
            "vLLM: leave out --tool-call-parser, where nobody uses native tools",
        ),
        RAW,
    ),
    "truncation-hidden": Entry(
        "engine",
        "risk",
        "A call that a limit cut is told as finished: a framework would carry it out as it is, cut short.",
        (
            "vLLM: 0.33 or later tells it right; until then, ask for streams",
            "toolmend tells it right, and never passes such a call on",
        ),
    ),
    # -- the template
    "template-hides-tools": Entry(
        "template",
        "breaks",
        "The chat template does not show the tools to the model: it cannot know them.",
        ("vLLM: --chat-template FILE with one that writes `tools`", 'toolmend: protocol = "text:{dialect}" in the profile'),
    ),
    "template-drops-arguments": Entry(
        "template",
        "breaks",
        "The chat template leaves the arguments of past calls out: the model does not see what it did, and does it again.",
        (
            "vLLM: --chat-template FILE with one that writes `tool_call.function.arguments`",
            'toolmend: protocol = "text:{dialect}" in the profile',
        ),
    ),
    "template-drops-results": Entry(
        "template",
        "breaks",
        "The chat template leaves the results of tools out: the model does not see what its calls returned.",
        (
            "vLLM: --chat-template FILE with one that writes messages of the role `tool`",
            'toolmend: protocol = "text:{dialect}" in the profile',
        ),
    ),
    "template-refuses-roles": Entry(
        "template",
        "breaks",
        "The chat template refuses the order of messages that frameworks send.",
        ("vLLM: --chat-template FILE with one that takes it",),
        "it learns from the error how messages have to stand",
    ),
    # -- the framework's protocol, the model
    "text-protocol": Entry(
        "protocol",
        "breaks",
        "With tools in the request the model is right; with the functions as text in the prompt, as OpenHands asks models that it"
        " does not know by name, it is not.",
        ("framework: let it use native tools (OpenHands: LLM_NATIVE_TOOL_CALLING=true)",),
        "it puts the call into the framework's form, and asks for what is missing",
    ),
    "native-protocol": Entry(
        "model",
        "breaks",
        "With the functions as text in the prompt the model is right; with tools in the request it is not.",
        ('toolmend: protocol = "text:{dialect}" in the profile', "compare the server's chat template with the model's own"),
    ),
    "model-no-call": Entry(
        "model",
        "breaks",
        "The model itself does not make the call: what it wrote holds none.",
        ("no flag of the server changes that: try another model, a larger one, or one that is less quantized",),
        "it asks again",
    ),
    "model-name": Entry(
        "model",
        "breaks",
        "The model calls tools that are not declared.",
        ("another model, a larger one, or one that is less quantized",),
        "it asks for the right name",
    ),
    "model-arguments": Entry(
        "model",
        "breaks",
        "The model itself makes calls that are wrong: what it wrote breaks the tools' schemas.",
        ("another model, a larger one, or one that is less quantized",),
        "it asks for what is missing",
    ),
    "model-format": Entry(
        "model",
        "breaks",
        "The model writes the call in a form that the server does not read; what it means is clear.",
        ("another tool parser, where the model's own form is known: docs/dialects.md",),
        "it reads it ({repairs})",
    ),
    "model-wrong": Entry(
        "model",
        "breaks",
        "The model makes valid calls that are not what the task asks for.",
        ("no flag of the server changes that: try another model, or a task in smaller steps",),
    ),
    "limit-cut": Entry(
        "model",
        "breaks",
        "The answer was longer than it may be here, and holds no call by then: it goes on without end, or needs more room.",
        ("where the model is known to write that much, allow more with --answer-tokens",),
    ),
    "no-call-unexplained": Entry(
        "unknown",
        "breaks",
        "No right call came, and the server does not tell what the model wrote: model or parser, that is open.",
        ("compare with a server that sends log-probabilities, such as vLLM",),
    ),
    # -- toolmend
    "toolmend-worse": Entry(
        "toolmend",
        "breaks",
        "Directly it is right, and through toolmend it is not.",
        ('report it, with this output; until then: mode = "observe"',),
    ),
    "direct-is-toolmend": Entry(
        "configuration",
        "note",
        "What answers at {upstream} is a toolmend already: nothing was asked directly.",
        ("name the model server itself with --upstream, and this one with --proxy",),
    ),
    "toolmend-unreachable": Entry(
        "network", "breaks", "The toolmend at {proxy} does not answer.", ("start it, or correct --proxy",)
    ),
    "toolmend-absent": Entry(
        "configuration",
        "breaks",
        "What answers at {proxy} does not say that it is toolmend, or it only relays.",
        ("correct --proxy, and look at toolmend's mode: it must be repair",),
    ),
}
