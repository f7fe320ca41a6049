"""What an answer is compared by, how it can differ from what the model wrote, and what is known of a fault of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from rules.conversation import ToolCall, Tools

Kind = Literal[
    "truncation-hidden",
    "call-closed-up",
    "call-not-parsed",
    "call-misparsed",
    "call-invented",
    "text-in-thought",
    "text-lost",
    "text-leaked",
    "thought-lost",
]
"""How an answer differs from what the model wrote. Each is a reason code of the journal.

truncation-hidden  a limit cut the call, and the server says that the answer is finished
call-closed-up     a limit cut the call, and its arguments come as JSON that looks complete
call-not-parsed    a call that the text holds is missing
call-misparsed     it came with another name, or other arguments
call-invented      a call came that the text does not make
text-in-thought    what the model says to the user came as its reasoning
text-lost          what it says to the user came nowhere
text-leaked        markup, or a thought, came as what it says to the user
thought-lost       the end of the thought is missing
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, as the model wrote it and as the server gave it.

    raw       what the model wrote; empty where the server does not tell
    read      the calls in it, as we read them, before any rule has mended them
    mended    the same after the rules: a server that mends as they do is right
    served    the calls that the server made out
    text      what we take for said to the user; None where that cannot be compared
    thinking  what we take for a thought
    content, reasoning  what the server gave as either
    finish    its `finish_reason`
    limited   the answer has as many tokens as it may
    streamed  it came as a stream
    demanded  the client demanded a call
    divides   the server is known to have a parser for thoughts as they stand here
    marks     the markers of the format
    dialect   what the model's family writes, which tells the parser; empty: not known
    """

    raw: str
    read: tuple[ToolCall, ...] = ()
    mended: tuple[ToolCall, ...] = ()
    served: tuple[ToolCall, ...] = ()
    text: str | None = None
    thinking: str = ""
    content: str = ""
    reasoning: str = ""
    finish: str = ""
    limited: bool = False
    streamed: bool = True
    demanded: bool = False
    divides: bool = False
    marks: frozenset[str] = frozenset()
    dialect: str = ""
    tools: Tools = ()

    @property
    def splits(self) -> bool:
        """Whether the server has a parser for thoughts: it is known, or seen from this answer."""
        return self.divides or bool(self.reasoning.strip())

    @property
    def cut(self) -> bool:
        """Whether the last call is not whole, in an answer that a limit may have cut."""
        return self.limited and bool(self.read) and not self.read[-1].whole


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which an answer differs, and the calls that it is about."""

    kind: Kind
    read: ToolCall | None = None
    served: ToolCall | None = None


Signature: TypeAlias = Callable[[Heard, Difference], bool]
"""Tells a known fault by how an answer differs."""


@dataclass(frozen=True, slots=True)
class Known:
    """A fault that vLLM's own parser is known for.

    name    a stable id, in words
    kinds   the kinds of difference that it makes
    what    what is seen, in a sentence
    shows   tells it from others that differ in the same way
    dialect whose parser has it (`PARSERS`); empty: any
    issues  where it is told of. Those of other projects are there where vLLM behaves in the same way
    seen    the version in which we saw it on a real server; empty: it is only told of
    told    the versions that the issues tell of
    since   the first version that can have it, `gone` the first one without it: empty where nobody says
    avoid   the flag, setting or request that avoids it, where there is one; the raw text mends it in any case
    """

    name: str
    kinds: frozenset[Kind]
    what: str
    shows: Signature
    dialect: str = ""
    issues: tuple[str, ...] = ()
    seen: str = ""
    told: str = ""
    since: str = ""
    gone: str = ""
    avoid: str = ""


NO_THINKING: Final = '`"chat_template_kwargs": {"enable_thinking": false}`'
"""What avoids the faults of a reasoning parser."""

PARSERS: Final[Mapping[str, tuple[str, ...]]] = {
    "gemma4": ("gemma4",),
    "qwen_xml": ("qwen3_xml", "qwen3_coder"),
    "hermes_json": ("hermes",),
}
"""Dialect -> the tool parsers of vLLM that read it, as `--tool-call-parser` names them."""

SHOWN_BY: Final[Mapping[str, str]] = {"gemma4": "<|tool_call>", "qwen_xml": "<function=", "hermes_json": "<tool_call>"}
"""Dialect -> a marker that shows it, the rarer ones first, where nothing else tells the model's family."""

CALLS: Final[frozenset[Kind]] = frozenset({"call-not-parsed", "call-misparsed", "call-invented"})
MISPARSED: Final[frozenset[Kind]] = frozenset({"call-misparsed"})
LOST: Final[frozenset[Kind]] = frozenset({"call-not-parsed"})
INVENTED: Final[frozenset[Kind]] = frozenset({"call-invented"})
