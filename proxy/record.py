"""What the journal says about a turn: the record. `rendering.py` makes one line of JSON of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from proxy.settings import Mode
from rules.conversation import Ending

VERSION = 2
"""Of the format of a record: 1 had neither requests nor what they were decided by."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; `extra` is what asking again cost, part of `total`."""

    prompt: int = 0
    completion: int = 0
    total: int = 0
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Repeated:
    """How much of an answer was a repetition; `tokens` as far as the server tells them."""

    chars: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class FinalCall:
    """A call as it was delivered; `arguments` is its JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Came:
    """How the server gave an answer: with `raw`, what it takes to read it once more (docs/replay.md).

    source     where `raw` is from: `logprobs` or `content`
    content, reasoning, calls  what the server made of it; `content` is None where it is `raw` itself
    finish     `finish_reason`; empty: none came
    stop       `stop_reason`: the stop string that ended it
    ended      the model's own end token was seen
    streamed   it came as a stream
    done       the stream was ended properly
    lengths    characters of each token, where it was cut off as a repetition, which is told by tokens
    version    `system_fingerprint`
    """

    source: Literal["logprobs", "content"] = "content"
    content: str | None = None
    reasoning: str = ""
    calls: tuple[FinalCall, ...] = ()
    finish: str = ""
    stop: str = ""
    ended: bool = False
    streamed: bool = True
    done: bool = True
    lengths: tuple[int, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One question to the model, and what came of it.

    raw      the exact text as it came
    problem  reason code of what was wrong with it, or the code of the error that came in its place; empty: nothing
    http     status of the model server, or the one that its client gets for the error
    error    what the server, or we, said was wrong, where it was an error
    conceded what requests do without from then on, since the server complained (`proxy.concessions`)
    repeated what of it was the same over and over, where it was cut off for that
    rung     what was asked for (`members`, `arguments`, `call`, `words`); empty: the turn itself, for the first time
    came     how the server gave it
    """

    raw: str
    ending: Ending = "stop"
    usage: Usage = Usage()
    seconds: float = 0.0
    problem: str = ""
    http: int = 200
    error: str = ""
    conceded: str = ""
    repeated: Repeated = Repeated()
    rung: str = ""
    came: Came = Came()


@dataclass(frozen=True, slots=True)
class Engine:
    """What the server's own parsers got wrong in one answer.

    attempt  which answer it was, from 1
    kind     how what came differs from what the model wrote, as a reason code
    known_as name of the fault in docs/engine.md; empty: none that is known
    issues   where that is told of
    version  of the server; empty: it does not tell
    read     what the model wrote, as it was read before anything was mended
    served   what the server made of it
    """

    attempt: int
    kind: str
    known_as: str = ""
    issues: tuple[str, ...] = ()
    version: str = ""
    read: str = ""
    served: str = ""


@dataclass(frozen=True, slots=True)
class Final:
    """What the client got."""

    text: str = ""
    calls: tuple[FinalCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The request: in numbers, and (unless bodies are off) as the client sent it.

    messages  how many
    tools     names of the declared ones
    stream    whether it asked for a stream
    prefix    of its path, which names the client
    body      JSON, as it came; a value in the journal. Long texts in it are the first to be shortened where a record is too long
    """

    messages: int = 0
    tools: tuple[str, ...] = ()
    stream: bool = False
    prefix: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Known:
    """What the process knew when the turn began, and what decides beside the request how it is served.

    server    what the model server was found to be able to do (`proxy.capabilities`)
    granted   what requests did without (`proxy.concessions`)
    ungrammatical  ways of asking under a grammar that it does not bear, at all or (behind a colon) for a schema
    dropped   calls that the client left out of its history
    note      what the model was told behind the last message
    broken    steps of healing that found a fault of the client's which the conversation had not shown before
    """

    server: Mapping[str, Any] = field(default_factory=dict)
    granted: tuple[str, ...] = ()
    ungrammatical: tuple[str, ...] = ()
    dropped: tuple[FinalCall, ...] = ()
    note: str = ""
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A turn that was not right as it came.

    ts        seconds since 1970
    fault     is written as `class`
    dialect   how the tools were told to the model: `native`, or the dialect that they were written in as text
    healed    steps that changed the history, as the model saw it
    engine    what the server's own parsers got wrong, whatever else was wrong with the turn
    moved_to  the dialect in which they are told from the next turn on, since native calls kept failing; empty: nothing changed
    known     what decided beside the request
    v         version of the format
    """

    ts: float
    turn: str
    conversation: str
    client: str
    model: str
    dialect: str
    profile: str
    mode: Mode
    outcome: str
    fault: str
    reason: str
    attempts: tuple[Attempt, ...] = ()
    repairs: tuple[str, ...] = ()
    healed: tuple[str, ...] = ()
    engine: tuple[Engine, ...] = ()
    skipped_rules: tuple[str, ...] = ()
    final: Final = Final()
    usage: Usage = Usage()
    timings: Mapping[str, float] = field(default_factory=dict)
    upstream: str = ""
    request: Asked = Asked()
    moved_to: str = ""
    known: Known = Known()
    v: int = VERSION
