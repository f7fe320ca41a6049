"""Everything that the doctor can find: whose fault it is, what it does, and what to change. Words in {braces} are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Blame = Literal["model", "engine", "template", "protocol", "configuration", "toolmend", "network", "unknown"]
"""Whose fault it is.

model          what it writes is wrong, whoever reads it
engine         the model server's program: its parsers, or an error of its own
template       the chat template, by which the server writes a conversation for the model
protocol       the way in which the framework asks
configuration  flags of the server, or options here
toolmend       toolmend makes it worse
network        the way to the server
unknown        what was seen does not tell
"""

Weight = Literal["breaks", "risk", "note"]
"""breaks: calls fail by it. risk: they did not fail here, and will. note: worth knowing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found.

    between  what toolmend does about it when it stands between; said only where it was seen to help
    """

    blame: Blame
    weight: Weight
    what: str
    change: tuple[str, ...] = ()
    between: str = ""


QUIET: Final = "vLLM: --default-chat-template-kwargs '{{\"enable_thinking\": false}}'"
RAW: Final = "it reads the raw text itself"

CATALOGUE: Final[Mapping[str, Entry]] = {
    # -- the server could not be examined
    "server-down": Entry(
        "network",
        "breaks",
        "Nothing listens at {upstream}.",
        ("start the model server, or correct --upstream; from within a container, 127.0.0.1 is the container itself",),
    ),
    "host-unknown": Entry("network", "breaks", "The name in {upstream} stands for no host.", ("correct the name in --upstream",)),
    "tls-broken": Entry(
        "network",
        "breaks",
        "No TLS connection to {upstream} comes about.",
        ("say http:// where the server speaks plain HTTP; for a certificate of your own authority set SSL_CERT_FILE",),
    ),
    "key-wrong": Entry(
        "configuration",
        "breaks",
        "The server refuses the key that was sent.",
        ("set TOOLMEND_UPSTREAM_KEY to the key that the server was started with (vLLM: --api-key)",),
    ),
    "key-missing": Entry(
        "configuration",
        "breaks",
        "The server wants a key, and none was given.",
        ("set TOOLMEND_UPSTREAM_KEY to the key that the server was started with (vLLM: --api-key)",),
    ),
    "not-openai": Entry(
        "configuration",
        "breaks",
        "What answers at {upstream} is no server of the OpenAI API.",
        ("correct --upstream: it is the URL under which /v1/models and /v1/chat/completions stand",),
    ),
    "model-unknown": Entry(
        "configuration", "breaks", "The server knows no model of this name.", ("name one that it serves with --model: {models}",)
    ),
    "model-unnamed": Entry(
        "configuration",
        "breaks",
        "The server serves no model, or several, and none was named.",
        ("name one with --model: {models}",),
    ),
    "server-slow": Entry(
        "network",
        "breaks",
        "The server does not answer in time.",
        ("look at its log and load; where it is only slow, allow more with --timeout",),
    ),
    "broke-off": Entry(
        "engine",
        "breaks",
        "Answers break off in the middle.",
        ("look at the server's log: engines die of memory, and proxies in between cut long answers",),
    ),
    "server-error": Entry("engine", "breaks", "The server makes an error of its own.", ("look at the server's log",)),
    "refused": Entry("configuration", "breaks", "The server refuses the request.", ("see what it says",)),
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
