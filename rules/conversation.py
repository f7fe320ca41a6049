"""What a conversation is: tools, turns, calls, and the terms under which a turn may be delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A JSON value, as `json.loads` gives it."""

Arguments: TypeAlias = Mapping[str, Json]
Schema: TypeAlias = Mapping[str, Json]
"""A JSON Schema (draft 7 or 2020-12) of an object."""

Role = Literal["system", "user", "assistant", "tool"]

Several = Literal["all", "first", "ask"]

Prose = Literal["answer", "message", "error"]
Choice = Literal["auto", "required"]

Ending = Literal["stop", "length", "cut", "unsure"]
"""How a model's answer ended.

stop    the model ended it by itself: an end token was seen, or the server says so and no limit contradicts it
length  a token limit ended it
cut     a stop string, a lost connection or an error ended it
unsure  the server says `tool_calls`, which vLLM also says of truncated calls (vllm#53269, #58228)
"""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that the client declared."""

    name: str
    description: str = ""
    parameters: Schema = field(default_factory=dict)


Tools: TypeAlias = tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request to run a tool.

    `arguments` is text where it could not yet be read as a JSON object. `whole` is false where the answer ended before the
    call was closed. `written` is the JSON text the arguments came as, kept so that what nobody mends is forwarded byte for
    byte; it says nothing that `arguments` does not, and takes no part in comparisons.
    """

    id: str
    name: str
    arguments: Arguments | str
    whole: bool = True
    written: str | None = field(default=None, compare=False)

    def having(self, arguments: Arguments | str) -> ToolCall:
        """Return this call with other arguments; the text they came as no longer stands for them."""
        return replace(self, arguments=arguments, written=None)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation. `answers` is the id of the call whose result a tool turn brings."""

    role: Role
    text: str = ""
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None
    ending: Ending = "stop"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an agent may go round before the model is told. 0 switches a limit off.

    repeats   the same call with the same result, or the same two to four calls by turns: how many rounds, the new one included
    failures  calls of one tool in a row that fail in the same way, the new one included
    idle      calls in a row that only look or check again, after an edit was made and a check has passed
    stop      rounds after which the session is stopped
    """

    repeats: int = 3
    failures: int = 4
    idle: int = 6
    stop: int = 12


@dataclass(frozen=True, slots=True)
class Policy:
    """What the client can take and the operator has allowed.

    several    what becomes of several calls in a turn. all: the client takes them; first: it takes one, and gets the first right
               one; ask: it takes one action out of the model's text, and which of several was meant is asked
    acts       the client takes every turn for an action; one without a call counts as idle talk
    prose      what a turn without a call is to the client. answer: the end of the task; message: said to the user, and the agent
               goes on; error: a fault of form, and a few of them end the run
    choice     whether the client demands a call (`tool_choice`)
    finish     how the work is handed in, as words for the model: "call the tool submit"; empty: not known
    patience   when the model is told that it goes round, or that it is done
    guess      rules of the safety class `guess` may act
    fill       property name -> value for a required property that is missing (safety class `policy`)
    tool_aliases  name the model likes -> name the client declares (safety class `guess`)
    key_aliases  tool -> key the model likes -> property the tool declares for it (safety class `guess`)
    forbidden  texts that no argument may contain because the client's own history would break on them
    """

    several: Several = "all"
    acts: bool = False
    prose: Prose = "answer"
    choice: Choice = "auto"
    finish: str = ""
    patience: Patience = Patience()
    guess: bool = True
    fill: Mapping[str, Json] = field(default_factory=dict)
    tool_aliases: Mapping[str, str] = field(default_factory=dict)
    key_aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """The only memory there is; it comes with each request.

    dropped  calls that were delivered and that the client left out of its history, the last ones in a row: it refused them
    asked    reason codes of what the model was asked about in this turn already, in order
    """

    tools: Tools = ()
    turns: tuple[Turn, ...] = ()
    policy: Policy = Policy()
    dropped: tuple[ToolCall, ...] = ()
    asked: tuple[str, ...] = ()

    def tool(self, name: str) -> ToolSpec | None:
        """Return the declared tool of exactly this name, if there is one."""
        return next((tool for tool in self.tools if tool.name == name), None)
