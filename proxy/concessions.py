"""What a model server turns out not to bear: learned from its own error, remembered per model, and left out from then on."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Concession:
    """A change to requests that a server's complaint calls for.

    complaint  what the server says (HTTP 400)
    sets       members to send instead
    leaves     members to leave out
    """

    name: str
    complaint: str
    sets: tuple[tuple[str, Any], ...] = ()
    leaves: frozenset[str] = frozenset()

    def apply(self, changes: dict[str, Any], drops: frozenset[str]) -> tuple[dict[str, Any], frozenset[str]]:
        """Return the changes and drops of a request after this concession."""
        kept = {name: value for name, value in changes.items() if name not in self.leaves}
        return kept | dict(self.sets), drops | self.leaves


_REFUSAL = r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not allowed|not permitted|not available|extra|disabled"


def _refused(member: str) -> str:
    """Return the pattern of a complaint about a member."""
    return rf"({_REFUSAL})\W.{{0,60}}{member}|{member}\W.{{0,60}}({_REFUSAL})"


NO_LOGPROBS = Concession(
    "no_logprobs",
    _refused("logprobs"),
    leaves=frozenset({"logprobs", "top_logprobs"}),
)

NO_STRICT = Concession("no_strict", r"(?i)strict|grammar|guidance|structural|backend")
"""`strict` is not put on tools: the server makes an error of it, or the model finds no end under it (vllm#54497)."""

AGAIN = 600.0
"""Seconds after which a server is tried without its concessions again: it may have been restarted with other flags."""

CONCESSIONS = (
    # vLLM without --enable-auto-tool-choice: with "none" the tools stay in the prompt, and we read the calls ourselves
    Concession(
        "tools_in_prompt",
        r"--enable-auto-tool-choice|requires --tool-call-parser",
        (("tool_choice", "none"), ("skip_special_tokens", False)),
    ),
    Concession("merge_users", r"roles must alternate"),
    Concession(
        "system_first", r"system message must be (at the beginning|the first)|(unexpected|unknown|unsupported)( message)? role"
    ),
    # a template that puts a content behind a text, in Python's words; vLLM passes them on with HTTP 400
    Concession("plain_content", r"can only concatenate (str|list) \(not"),
    NO_LOGPROBS,
    Concession("no_template_kwargs", _refused("chat_template_kwargs"), leaves=frozenset({"chat_template_kwargs"})),
    Concession("no_special_tokens", _refused("skip_special_tokens"), leaves=frozenset({"skip_special_tokens"})),
    Concession("no_stream_options", _refused("stream_options"), leaves=frozenset({"stream_options"})),
    Concession("no_repetition_penalty", _refused("repetition_penalty"), leaves=frozenset({"repetition_penalty"})),
    Concession("no_repetition_detection", _refused("repetition_detection"), leaves=frozenset({"repetition_detection"})),
)


@dataclass(slots=True)
class Memory:
    """The concessions granted so far, for at most `size` model names: learned ones for a while, settled ones for good."""

    size: int = 256
    now: Callable[[], float] = time.monotonic
    _granted: OrderedDict[str, tuple[float, frozenset[Concession]]] = field(default_factory=OrderedDict)
    _settled: dict[str, frozenset[Concession]] = field(default_factory=dict)

    def granted(self, model: str) -> frozenset[Concession]:
        """Return what the server of this model does not bear."""
        until, granted = self._granted.get(model, (0.0, frozenset()))
        settled = self._settled.get(model, frozenset())
        return settled | granted if self.now() < until else settled

    def settle(self, model: str, granted: frozenset[Concession]) -> None:
        """Take what the server was asked and found not to bear, in place of all that was learned before."""
        self._granted.pop(model, None)
        self._settled[model] = granted

    def learn(
        self, model: str, complaint: str, granted: Collection[Concession], asked: Collection[str] = ()
    ) -> Concession | None:
        """Grant what a complaint calls for; None where the request did without that already.

        granted  what it did without: another request may have learned the same by now
        asked    names of members that the client asked for itself, and answers for: it gets the server's error
        """
        for each in CONCESSIONS:
            if each not in granted and not each.leaves & set(asked) and re.search(each.complaint, complaint, re.IGNORECASE):
                self.grant(model, each)
                return each
        return None

    def grant(self, model: str, concession: Concession) -> None:
        """Grant a concession from now on."""
        self._granted[model] = (self.now() + AGAIN, self.granted(model) | {concession})
        self._granted.move_to_end(model)
        while len(self._granted) > self.size:
            self._granted.popitem(last=False)
