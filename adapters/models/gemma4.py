"""The dialect of Gemma 4: `<|tool_call>call:NAME{key:<|"|>text<|"|>,n:3}<tool_call|>`.

Strings stand between `<|"|>` markers and have no escapes; keys and all other values are bare. Thoughts stand in
`<|channel>thought\n ... <channel|>`. Source: vLLM's example chat template for Gemma 4 and its gemma4 parser (0.32);
the malformed shapes are those of vllm#53431, #53642, #54256, #51284, sglang#39240 and ollama#15241, #18275.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from adapters.base import Dialect, Form, Read, Unwritable
from adapters.lexer import Lexer, Token
from adapters.models.gemma4_values import MARK, read_arguments, write_key, write_value
from adapters.models.json_blocks.hermes_json_read import read as hermes_json_read
from adapters.models.tags.qwen_xml_read import read as qwen_xml_read
from rules.conversation import ToolCall, Tools

OPEN, CLOSE, RESPONSE = "<|tool_call>", "<tool_call|>", "<|tool_response>"
ENDS = ("<turn|>", "<eos>")
_HEAD = re.compile(r"\s*(?:call)?:?\s*([^\s{(<]*)\s*")
_BODIES = ("call:", ":", "{", "[", "<function", "<tool_call>")


class Marks(NamedTuple):
    """The markers around a call and around its strings, and what may follow a call."""

    string: str = MARK
    opener: str = OPEN
    closer: str = CLOSE
    behind: tuple[str, ...] = (RESPONSE, *ENDS)


GEMMA = Marks()


class MarkedScan:
    """Finds the end of a call that its marker opened. What stands between two string markers is data."""

    def __init__(self, tools: Tools, marks: Marks = GEMMA) -> None:
        self._marks = marks
        self._lexer = Lexer((marks.string, marks.opener, marks.closer, *marks.behind))
        self._starts = (*_BODIES, *(tool.name for tool in tools))
        self._string = False
        self._candidate: int | None = None
        self._behind = False
        self._seen = 0
        self._begun = ""
        self._checked = False

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        self._seen += len(piece)
        if not self._checked and self._impossible(piece):
            return "no"
        return self._walk(self._lexer.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._lexer.feed("", final=True))
        if end is not None:
            return end
        return self._seen if self._candidate is None or self._behind else self._candidate

    def _impossible(self, piece: str) -> bool:
        """Tell whether what follows the opener can be no call, so that prose is released at once."""
        self._begun += piece
        begun = self._begun[len(self._marks.opener) :].lstrip()
        if not begun:
            return False
        self._checked = any(begun.startswith(start) for start in self._starts)
        return not self._checked and not any(start.startswith(begun) for start in self._starts)

    def _walk(self, tokens: Iterable[Token]) -> int | None:
        for token in tokens:
            end = self._take(token)
            if end is not None:
                return end
        return None

    def _take(self, token: Token) -> int | None:
        match token.marker:
            case "":
                self._behind = self._behind or (self._candidate is not None and bool(token.text.strip()))
                return None
            case marker if marker == self._marks.string:
                self._behind = False
                self._string, self._candidate = not self._string, None
            case marker if marker == self._marks.opener:
                if token.start and (not self._string or self._candidate is not None):
                    return token.start if self._candidate is None else self._candidate
            case marker:
                end = token.end if marker == self._marks.closer else token.start
                if not self._string:
                    return end
                self._candidate = end if self._candidate is None else self._candidate
        return None


class BareScan:
    """Finds the end of a call written without markers: where its first brace closes.

    What begins like a call but has text behind it is prose, or a style sheet.
    """

    def __init__(self, tools: Tools) -> None:
        del tools
        self._end: int | None = None
        self._lexer = Lexer((MARK, "{", "}", '"'))
        self._depth = 0
        self._quote = ""
        self._seen = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        self._seen += len(piece)
        for token in self._lexer.feed(piece):
            if self._end is not None:
                if token.text.strip():
                    return self._end if token.text.lstrip().startswith("<") else "no"
                continue
            if token.marker in (MARK, '"') and self._quote in ("", token.marker):
                self._quote = "" if self._quote else token.marker
            elif not self._quote and token.marker in ("{", "}"):
                self._depth += 1 if token.marker == "{" else -1
                if self._depth == 0:
                    self._end = token.end
        return None

    def finish(self) -> int | Literal["no"]:
        """Without its last brace a bare call is no call."""
        for token in self._lexer.feed("", final=True):
            if self._end is not None and token.text.strip() and not token.text.lstrip().startswith("<"):
                return "no"
        return "no" if self._end is None else self._end


def read_marked(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block with markers: Gemma's own form, or the body of another dialect that strayed into them."""
    closed = block.endswith(CLOSE)
    body = block.removeprefix(OPEN)
    body = body.removesuffix(CLOSE) if closed else body
    strayed = next((read for start, read in STRAYED.items() if body.lstrip().startswith(start)), None)
    calls = strayed(f"<tool_call>{body}{'</tool_call>' if closed else ''}", tools) if strayed else None
    if calls is not None:
        return calls
    call = _read(body, tools, closed)
    if call is None:
        return (ToolCall("", "", body.strip(), whole=closed),)
    return (call,)


def read_bare(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a call without markers; one that does not read cleanly is prose."""
    call = _read(block, tools, closed=True)
    return (call,) if call and not isinstance(call.arguments, str) else None


def _read(body: str, tools: Tools, closed: bool) -> ToolCall | None:
    head = _HEAD.match(body)
    if head is None or not head.group(1):
        return None
    name, rest = head.group(1), body[head.end() :]
    spec = next((tool for tool in tools if tool.name == re.split(r"[:.]", name.rstrip(":"))[-1]), None)
    properties = spec.parameters.get("properties") if spec else None
    schema = properties if isinstance(properties, dict) else {}
    if name.endswith(":") and rest.startswith("BEGIN_ARG:"):
        return _blocks(name.rstrip(":"), rest, tuple(schema), closed)
    if not rest:
        return None if closed else ToolCall("", name, {}, whole=False)
    if rest[0] not in "{(":
        return None
    arguments, whole = read_arguments(rest, schema, closed=closed)
    if arguments is None:
        return ToolCall("", name, rest.strip(), whole=closed)
    return ToolCall("", name, arguments, whole=whole)


def _blocks(name: str, body: str, order: Sequence[str], closed: bool) -> ToolCall:
    """Read arguments given by position in BEGIN_ARG blocks (ollama#18275): they follow the order of the schema."""
    values = [piece.split("\nEND_ARG")[0] for piece in body.split("BEGIN_ARG:\n")[1:]]
    if len(values) > len(order):
        return ToolCall("", name, body, whole=closed)
    return ToolCall("", name, dict(zip(order, values, strict=False)), whole=closed)


STRAYED: dict[str, Read] = {"<function": qwen_xml_read, "{": hermes_json_read, "[": hermes_json_read}
"""Start of a body -> who reads it: the model fell into another dialect between its own markers."""


def _nobodys(block: str, tools: Tools) -> tuple[ToolCall, ...]:  # noqa: ARG001 - the signature of Read
    return ()


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways Gemma writes a call: with its markers, and without them at the start of a line."""
    bare = [Form(f"{head}{tool.name}{{", BareScan, read_bare, line_start=True) for tool in tools for head in ("call:", "")]
    echo = Form("<|tool>", _EchoScan, _nobodys)
    return (Form(OPEN, MarkedScan, read_marked), echo, *bare)


class _EchoScan:
    """Finds the end of a tool declaration that the model repeats from its prompt; it is nobody's to read."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._lexer = Lexer(("<tool|>",))
        self._seen = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        self._seen += len(piece)
        return next((token.end for token in self._lexer.feed(piece) if token.marker), None)

    def finish(self) -> int | Literal["no"]:
        return self._seen


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls as Gemma does, one behind the other. A string that holds the string marker cannot be written."""
    return "".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    pairs = ",".join(f"{write_key(key)}:{write_value(value)}" for key, value in call.arguments.items())
    return f"{OPEN}call:{call.name}{{{pairs}}}{CLOSE}"


def describe(tools: Tools) -> str:
    """Declare tools as Gemma's own template does. What that form has no word for goes into the description."""
    return "".join(_declare(tool.name, tool.description, dict(tool.parameters)) for tool in tools)


def _declare(name: str, description: str, parameters: dict[str, object]) -> str:
    text = f"{description}\nParameters as JSON Schema: {json.dumps(parameters, ensure_ascii=False, sort_keys=True)}"
    return f"<|tool>declaration:{name}{{description:{MARK}{text.replace(MARK, '')}{MARK}}}<tool|>\n"


def result(name: str, text: str) -> str:
    """Show a tool's result as Gemma's template does."""
    return f"{RESPONSE}response:{name}{{value:{MARK}{text.replace(MARK, '')}{MARK}}}<tool_response|>"


GEMMA4 = Dialect(
    name="gemma4",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=(("<|channel>", "<channel|>"),),
    label="thought\n",
    closers=(CLOSE, RESPONSE, "<tool|>", "<tool_response|>", "<|turn>", "<|turn>model\n", "<|think|>", "<bos>", "<pad>"),
    ends=ENDS,
    results=(f"{RESPONSE}response:", "<tool_response>"),
)
