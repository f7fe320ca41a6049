"""Reads one answer of the model server as it streams: the model's raw text, what the server made of it, usage and ending.

vLLM's own tool parsers drop and shred what they do not understand, and its `finish_reason` hides truncation. So the raw text is
rebuilt from the log-probabilities' bytes, which hold every token the model wrote, the end token included. A server that sends
none is read by its content and structured deltas.
"""

from __future__ import annotations

import codecs
import re
from array import array
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from adapters.base import Call
from adapters.models.native import Structured
from adapters.string_builder import StringBuilder
from proxy.errors import BadRequest, Fault, Overloaded, UpstreamBroken
from proxy.wide_json import read_json
from rules.conversation import Ending

Source = Literal["logprobs", "content"]

_END_TOKEN = re.compile(r"<[^<>\s\"]{1,40}>|\[/?[A-Z_]{2,20}\]")
"""Looks like a special token. As the very last token of an answer that no limit cut, it is the end token. Gemma 4's quotation
mark is none: a limit may cut a call behind it as well as anywhere else."""

LOST = "\ufffd"

HEAD = ("id", "object", "created", "model", "system_fingerprint", "service_tier")


class Piece(NamedTuple):
    """What one event brought. `raw` is the model's text; `thought` is what the server itself set apart as reasoning.

    tokens     the tokens that `raw` consists of, where the server tells them
    arguments  what the server's own parser added to calls, where it gives no text of them
    """

    raw: str = ""
    thought: str = ""
    logprobs: tuple[Any, ...] = ()
    tokens: tuple[str, ...] = ()
    arguments: str = ""


@dataclass(slots=True)
class Usage:
    """Tokens of one attempt, or of all of them together."""

    prompt: int = 0
    completion: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def plus(self, other: Usage) -> Usage:
        """Return the sum; the details are the later attempt's."""
        return Usage(self.prompt + other.prompt, self.completion + other.completion, other.details or self.details)

    def wire(self) -> dict[str, Any]:
        """Return the usage as OpenAI's API has it."""
        total = self.prompt + self.completion
        return {**self.details, "prompt_tokens": self.prompt, "completion_tokens": self.completion, "total_tokens": total}


MAX_PARTS = 250_000
"""Lists and objects in what a server sends at once (four megabytes at most): to read more would keep everybody waiting."""


def parsed(data: bytes, what: str) -> Any:
    """Parse what the model server sent. Raises UpstreamBroken."""
    if len(data) > MAX_PARTS and data.count(b"[") + data.count(b"{") > MAX_PARTS:
        raise UpstreamBroken(f"the model server sent {what} of more than {MAX_PARTS} lists and objects")
    try:
        return read_json(data)
    except orjson.JSONDecodeError as error:
        raise UpstreamBroken(f"the model server sent {what} of {len(data)} bytes that is no JSON") from error


class Reader:
    """Takes the data of events. Raises UpstreamBroken for an error event; before any text a 4xx one is a BadRequest.

    rung        what was asked for (`adapters.structured.constraint.Rung`); empty: the turn itself, for the first time
    structured  the calls that the server has made out so far
    """

    def __init__(self, source: Source, limit: int | None, *, keep_logprobs: bool = False, rung: str = "") -> None:
        self._source: Source | None = None if source == "logprobs" else "content"
        self._limit = limit
        self.structured = Structured()
        self._held: str = ""
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._halved = False
        self._raw = StringBuilder()
        self._lengths = array("L")
        self._content = StringBuilder()
        self._tokens = 0
        self._keep_logprobs = keep_logprobs
        self.rung = rung
        self.logprobs: list[Any] = []
        self._thought = StringBuilder()
        self.head: dict[str, Any] = {}
        self.finish_reason: str | None = None
        self.stop_reason: Any = None
        self.usage: Usage | None = None
        self.done = False
        self.ended = False
        self.split = False
        self.streamed = True

    @property
    def fingerprint(self) -> str | None:
        """The server's `system_fingerprint`, once it has told one."""
        told = self.head.get("system_fingerprint")
        return told if isinstance(told, str) else None

    @property
    def counted(self) -> int:
        """Tokens so far, as far as they can be counted before the usage comes."""
        return self._tokens

    @property
    def source(self) -> Source:
        """Where the raw text comes from."""
        return self._source or "content"

    @property
    def content(self) -> str:
        """The server's own idea of the visible text."""
        return str(self._content)

    @property
    def thought(self) -> str:
        """What the server itself set apart as reasoning."""
        return str(self._thought)

    @property
    def damaged(self) -> bool:
        """Whether the raw text lost characters: tokens that straddle characters come as U+FFFD (seen with byte-level BPE)."""
        return self.source == "logprobs" and LOST in self.raw and LOST not in self.content

    @property
    def unspaced(self) -> bool:
        """Whether the raw text lost its blanks, as with old Llama tokenizers: this model is better read by its content."""
        return self.source == "logprobs" and " " in self.content.strip() and " " not in self.raw

    @property
    def raw(self) -> str:
        """All raw text so far."""
        return str(self._raw)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Characters of each token of the raw text; of each piece of it, where the server tells no tokens."""
        return tuple(self._lengths)

    def take(self, data: bytes) -> Piece:
        """Read the data of one event."""
        if data == b"[DONE]":
            self.done = True
            return Piece()
        if not data.strip():  # it keeps a connection open, and says nothing
            return Piece()
        return self.take_event(parsed(data, "an event"))

    def take_event(self, event: Any) -> Piece:
        """Read one event, parsed."""
        if not isinstance(event, dict):
            raise UpstreamBroken("the model server sent an event that is no JSON object")
        if event.get("error"):
            self._refuse(event["error"])
        if not self.head:
            self.head = {key: event[key] for key in HEAD if key in event}
        if event.get("system_fingerprint"):  # vLLM 0.32 tells it with the usage, at the end
            self.head["system_fingerprint"] = event["system_fingerprint"]
        if isinstance(event.get("usage"), dict):
            self.usage = read_usage(event["usage"])
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return Piece()
        return self._choice(choices[0])

    def take_whole(self, answer: Any) -> Piece:
        """Read an answer that came in one piece, from a server that does not stream, as one event."""
        if not isinstance(answer, dict):
            raise UpstreamBroken("the model server's answer is no JSON object")
        choices = answer.get("choices")
        first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        self.done, self.streamed = bool(first), False
        return self.take_event({**answer, "choices": [{**first, "delta": first.get("message") or {}}] if first else []})

    def _refuse(self, error: Any) -> None:
        detail = error if isinstance(error, dict) else {"message": str(error)}
        code = detail.get("code")
        message = f"the model server reported: {str(detail.get('message'))[:500]}"
        fault: Fault = UpstreamBroken(message, code="upstream_error_event")
        if code == 429:
            fault = Overloaded(message, retry_after=2)
        elif isinstance(code, int) and 400 <= code < 500 and not self._tokens and not self._content:
            fault = BadRequest(str(detail.get("message")), status=code, code=str(detail.get("type") or "bad_request"))
        fault.own = "the model server reported an error"
        raise fault

    def _choice(self, choice: dict[str, Any]) -> Piece:
        delta, logprobs = as_dict(choice.get("delta")), choice.get("logprobs")
        entries = tuple(as_list(as_dict(logprobs).get("content"))) if logprobs else ()
        content, thought = delta.get("content"), delta.get("reasoning") or delta.get("reasoning_content")
        content = content if isinstance(content, str) else ""
        thought = (as_text(delta.get("reasoning")) or as_text(delta.get("reasoning_content"))) if thought else ""
        parts, calls, arguments = delta.get("tool_calls"), [], ""
        if parts:
            calls = [call for call in as_list(parts) if isinstance(call, dict)]
            arguments = "".join(self.structured.take(call, place) for place, call in enumerate(calls))
        self._content.add(content)
        if thought:
            self._thought.add(thought)
            self.split = True
        self._tokens += len(entries) or bool(content or thought or calls)
        if self._keep_logprobs:
            self.logprobs.extend(entries)
        if choice.get("finish_reason"):
            self.finish_reason, self.stop_reason = choice["finish_reason"], choice.get("stop_reason")
        if self._source is None and (entries or content or thought or calls):
            self._source = "logprobs" if entries else "content"
        if self._source == "logprobs":
            tokens = self._exact(entries) if entries else (self._plain(content),)
            return Piece(tokens[0] if len(tokens) == 1 else "".join(tokens), "", entries, tokens if entries else ())
        self._plain(content)
        return Piece(content, thought, entries, arguments=arguments)

    def _exact(self, entries: tuple[Any, ...]) -> tuple[str, ...]:
        """Return the texts of log-probability entries. What may be the end token waits for the next one."""
        texts = list(map(self._text_of, entries))
        lost = LOST in texts[0] if len(texts) == 1 else any(LOST in text for text in texts)
        if lost and self._follow():
            return (self._plain(self.content[len(self.raw) :]),)
        if any(texts):
            texts = [self._held, *texts] if self._held else texts
            last = texts[-1]
            self._held = texts.pop() if last[-1:] in (">", "]") and _END_TOKEN.fullmatch(last) else ""
        return tuple(map(self._plain, texts))

    def _follow(self) -> bool:
        """Turn to the content for the rest of an answer, where it says the same so far: the tokens have lost characters."""
        follows = self.content.startswith(self.raw + self._held) and LOST not in self.content
        if follows:
            self._source, self._held = "content", ""
        return follows

    def _plain(self, text: str) -> str:
        self._raw.add(text)
        self._lengths.append(len(text))
        return text

    def _text_of(self, entry: Any) -> str:
        """Return the text of one log-probability entry, by its bytes; `token` may be an id or a replacement character."""
        entry = entry if isinstance(entry, dict) else {}
        data = entry.get("bytes")
        if not isinstance(data, list):
            return as_text(entry.get("token"))
        try:
            raw = bytes(data)
        except (TypeError, ValueError):  # some of them are no bytes
            raw = bytes(byte for byte in data if isinstance(byte, int) and 0 <= byte < 256)
        if raw.isascii() and not self._halved:
            return raw.decode("ascii")
        text = self._utf8.decode(raw)
        self._halved = bool(self._utf8.getstate()[0])
        return text

    def finish(self) -> Piece:
        """End the reading: what was held back is text unless it was the end token."""
        held, self._held = self._held, ""
        if held and self._limit_reached() is False and not isinstance(self.stop_reason, str):
            self.ended, held = True, ""
        self._plain(held)
        return Piece(held)

    def calls(self) -> list[Call]:
        """Return the calls that the server itself made out."""
        return self.structured.finish(cut=self.ending() in ("length", "cut"))

    def ending(self) -> Ending:
        """Judge how the answer ended, from the text, the usage and the limit; `finish_reason` alone lies in both directions."""
        if self._limit_reached():
            return "length"
        if self.finish_reason is None or isinstance(self.stop_reason, str) or self.finish_reason == "repetition":
            return "cut"
        if self.finish_reason == "tool_calls" and not self.ended:
            return "unsure"
        return "stop"

    def _limit_reached(self) -> bool:
        if self.finish_reason == "length":
            return True
        used = self.usage.completion if self.usage else self._tokens
        return self._limit is not None and used >= self._limit > 0

    def tokens(self) -> Usage:
        """Return the usage; where a broken stream never told it, the tokens that were counted."""
        return self.usage or Usage(completion=self._tokens)


def as_dict(value: Any) -> dict[str, Any]:
    """Return an object; anything else a server sends in its place counts as an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list; anything else counts as an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return a text; anything else counts as an empty one."""
    return value if isinstance(value, str) else ""


def read_usage(usage: dict[str, Any]) -> Usage:
    """Read a usage object; what has no field here is passed on as details."""
    known = ("prompt_tokens", "completion_tokens", "total_tokens")
    details = {key: value for key, value in usage.items() if key not in known and value is not None}
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), details)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
