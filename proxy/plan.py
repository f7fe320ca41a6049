"""What one chat request asks for: which client speaks, which profile answers, and what goes upstream for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from adapters.base import Client, Dialect
from adapters.decoding import Opened
from adapters.grammar import Grammar, grammar
from adapters.history.base import Healed
from adapters.history.registry import FAULTS
from adapters.registry import CLIENTS, DIALECTS, PREFIXES
from proxy.body import ChatBody
from proxy.healing import healed
from proxy.profiles import Profile, choose
from proxy.settings import Mode, Settings
from rules.conversation import Conversation, Tools

WHOLE_ONLY = ("prompt_logprobs", "echo", "use_beam_search")
"""Members that vLLM refuses in a stream."""

STOPS, STOP = 64, 256
"""Stop strings that are looked for, and characters of each: that takes the square of its length. The server gets all of them."""

MODES: tuple[Mode, ...] = ("repair", "observe", "off")


@dataclass(frozen=True, slots=True)
class Plan:
    """One chat request, understood.

    dialect  what tools are told to the model in as text; None: natively
    note     what the model is told behind the last message, in this request alone
    broken   steps of healing that found a fault of the client's which this conversation had not shown before
    prefix   of the path that the client asked on
    history  the client's messages, healed: what the conversation was read from, and what goes upstream
    """

    body: ChatBody
    client: Client
    profile: Profile
    conversation: Conversation
    mode: Mode
    dialect: Dialect | None = None
    note: str = ""
    broken: tuple[str, ...] = ()
    prefix: str = ""
    history: Healed = field(kw_only=True)

    @property
    def model(self) -> str:
        """The served model name that the client asked for."""
        return self.body.text("model")

    @property
    def streamed(self) -> bool:
        """Whether the client wants a stream."""
        return self.body.flag("stream")

    @property
    def wants_usage(self) -> bool:
        """Whether the client wants the usage: always in a whole answer, in a stream where it said so."""
        options = self.body.fields.get("stream_options")
        return not self.streamed or (isinstance(options, dict) and options.get("include_usage") is True)

    @property
    def wants_logprobs(self) -> bool:
        """Whether the client asked for log-probabilities itself."""
        return self.body.flag("logprobs")

    @property
    def limit(self) -> int | None:
        """The most tokens the answer may have, where the client set a limit."""
        fields = {**self.profile.request, **{name: value for name, value in self.body.fields.items() if value is not None}}
        value = fields.get("max_completion_tokens") or fields.get("max_tokens")
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    @property
    def stops(self) -> tuple[str, ...]:
        """The client's own stop strings that still reach the model."""
        shown = "stop" in self.client.drops or self.body.flag("include_stop_str_in_output")
        value = None if shown else self.body.fields.get("stop")
        values = (value,) if isinstance(value, str) else value if isinstance(value, list) else ()
        return tuple(each for each in values[:STOPS] if isinstance(each, str) and 0 < len(each) <= STOP)

    @property
    def mends(self) -> bool:
        """Whether there is anything to do for us: calls to mend, or thinking to strip.

        Several answers at once, and what a server gives only in a whole answer, pass as they are.
        """
        plain = self.body.fields.get("n") in (None, 1) and not any(self.body.fields.get(each) for each in WHOLE_ONLY)
        return plain and (bool(self.conversation.tools) or bool(self.body.fields.get("tools")) or self.profile.strip_plain)

    @property
    def keeps_thinking(self) -> bool:
        """Whether thoughts stay in the text. Never for a client that takes the whole text for an action."""
        return self.profile.thinking == "keep" and not self.conversation.policy.acts

    @property
    def prompted(self) -> bool:
        """Whether the client's own prompt tells the model how to act: its messages go upstream as they are, without tools."""
        return bool(self.conversation.tools) and not self.client.rewrites and not self.body.fields.get("tools")

    @property
    def unreadable(self) -> str:
        """Why the tools that the client's prompt describes are not known; empty: they are, or it describes none."""
        return "" if self.conversation.tools else self.client.unreadable

    def grammar(self) -> Grammar:
        """Return what to look for in the answer."""
        callable_ = bool(self.conversation.tools or self.body.fields.get("tools"))
        large = len(self.body.members.get("tools", b"")) > CACHED
        make = _grammar.__wrapped__ if large else _grammar
        return make(self.reads(), _Tools(self.conversation.tools), self.stops, callable_)

    def reads(self) -> tuple[str, ...]:
        """Name the dialects that the answer may be written in: as the client's prompt asks, as we ask, as the model may."""
        own = (self.dialect.name,) if self.dialect else ()
        return tuple(dict.fromkeys((*self.client.reads, *own, *self.profile.reads)))

    def in_text(self) -> Plan:
        """Return this plan with the tools told as text. A client whose own prompt tells the form of an action keeps it."""
        return self if self.prompted else replace(self, dialect=DIALECTS[self.profile.text_dialect])

    def asked(self, reason: str) -> Plan:
        """Return this plan after the model was asked about something."""
        within = self.conversation
        return replace(self, conversation=replace(within, asked=(*within.asked, reason)))

    def opened(self, *, raw: bool, split: bool) -> Opened:
        """Tell whether the answer begins inside a thought.

        raw    the text is exactly what the model wrote; otherwise a reasoning parser may have taken the thought out
        split  the server has set reasoning apart in this answer
        """
        if split:
            return "no"
        if self._prompt_opens():
            return "yes" if raw else "likely"
        shown = self.streamed and not self.conversation.policy.acts  # what is shown as it comes cannot become a thought any more
        return "no" if shown else "maybe"

    def _prompt_opens(self) -> bool:
        kwargs = under(self.profile.request.get("chat_template_kwargs"), self.body.fields.get("chat_template_kwargs"))
        asked = kwargs.get("enable_thinking", kwargs.get("thinking")) if isinstance(kwargs, dict) else None  # DeepSeek's, Kimi's
        if asked is False or (asked is None and self.body.fields.get("reasoning_effort") == "none"):  # vLLM 0.32: seen
            return False
        after_tool = bool(self.conversation.turns) and self.conversation.turns[-1].role == "tool" and not self.prompted
        return self.profile.thinking_prompt == "open" or (self.profile.thinking_prompt == "after_tool" and after_tool)


class _Tools(tuple[Any, ...]):
    """Tools as a cache key: equal where they are the same object. Schemas are dicts, which have no hash."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(tuple(tool.name for tool in self))


CACHED = 64 * 1024
"""Bytes of tools up to which their grammar is kept for the next request."""


@lru_cache(maxsize=64)
def _grammar(dialects: tuple[str, ...], tools: Tools, stops: tuple[str, ...], calls: bool) -> Grammar:
    """Make a grammar, or take it from before."""
    return grammar([DIALECTS[name] for name in dialects], tools, stops, calls=calls)


def make_plan(body: ChatBody, settings: Settings, profiles: Sequence[Profile], *, prefix: str = "", mode: str = "") -> Plan:
    """Choose client and profile, and read the conversation.

    prefix  the path's prefix, which names the clients that it may be; among them the body shows which it is
    mode    what the request's header asks for; it can only do less than the process does
    """
    profile = choose(body.text("model"), profiles)
    may_be = PREFIXES.get(prefix, CLIENTS)
    speaks = next((each for each in may_be if each.recognises(body.fields)), may_be[-1])
    history = healed(body.fields, profile)
    conversation = speaks.read({**body.fields, "messages": history.messages})
    conversation = replace(conversation, policy=_policy(conversation, profile))
    broken = tuple(step for step in history.steps if step in FAULTS)
    asked = _mode(settings.mode, profile.mode, mode)
    plan = Plan(body, speaks, profile, conversation, asked, broken=broken, prefix=prefix, history=history)
    return plan.in_text() if profile.protocol.startswith("text:") else plan


def _mode(process: Mode, profile: Mode | None, request: str) -> Mode:
    asked = (profile or process, request if request in MODES else process)
    return MODES[max(MODES.index(each) for each in (process, *asked))]


def _policy(conversation: Conversation, profile: Profile) -> Any:
    preset = "openhands" if any("security_risk" in _properties(tool.parameters) for tool in conversation.tools) else ""
    return replace(conversation.policy, guess=profile.guess, fill=profile.fill_for(preset), patience=profile.patience)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def under(ours: Any, theirs: Any) -> Any:
    """Put our value under the client's: what the client set stays."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {**ours, **theirs}
    return ours if theirs is None else theirs
