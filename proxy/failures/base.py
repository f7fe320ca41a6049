"""What is known of a way in which a turn fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Class = Literal[
    "model-arguments",
    "model-name",
    "model-format",
    "model-empty",
    "model-degenerate",
    "model-loop",
    "truncated",
    "engine-parser",
    "engine-template",
    "client-schema",
    "client-history",
    "upstream",
    "ours",
]
"""Whose fault it was that a turn was not right as it came."""

CLASSES: Final[dict[Class, str]] = {
    "model-arguments": "The model called a tool that there is, with arguments that its schema refuses.",
    "model-name": "The model called a tool that the client did not declare under this name.",
    "model-format": "The model meant a call, and did not write one that the client, or anybody, can read.",
    "model-empty": "The model said nothing.",
    "model-degenerate": "The model's answer went on without end.",
    "model-loop": "The model does over again what it did before.",
    "truncated": "A limit cut the answer off in the middle of a call.",
    "engine-parser": "The model was right, and the server's own parsers made something else of it.",
    "engine-template": "The server's chat template does not take the conversation, or loses a part of it.",
    "client-schema": "The client describes its tools in a way that nobody can read, or asks for what cannot be.",
    "client-history": "The conversation that the client sends back is broken, or too long.",
    "upstream": "The model server was not there, made an error, or broke off.",
    "ours": "toolmend failed.",
}
"""Class -> what it means."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One way in which a turn fails.

    code     as the journal has it
    fault    its class
    what     what was seen, in a sentence
    done     what toolmend does about it
    change   what its user can change on the server, the model or the client; empty: nothing
    setting  the key of a profile, or option of toolmend, that has to do with it; empty: none
    """

    code: str
    fault: Class
    what: str
    done: str
    change: str = ""
    setting: str = ""
