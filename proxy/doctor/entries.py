"""What an entry of the catalogue is: whose fault something is, how much it weighs, what it does, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
