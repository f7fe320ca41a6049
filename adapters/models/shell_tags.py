"""The dialects that write a shell command between tags: a thought in plain words, then the command as it is.

    <mswea_bash_command>                    mswea_tag: mini-swe-agent 2.4, swebench_xml.yaml
    ls -la
    </mswea_bash_command>
    <command>                               command_tag: SWE-agent 1.1, parser xml_thought_action
    ls -la
    </command>

There are no escapes: a command may hold its own closing tag, and the last one before the end counts, as it does for SWE-agent.
`command_tag` must be asked for: `<command>` is a tag of many a file, and of other dialects. Source: the prompts and parsers of
mini-swe-agent 2.4 and SWE-agent 1.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from adapters.base import Dialect, Form, Scan, Unwritable
from adapters.lexer import Lexer, Token, begins_line
from adapters.models.end_tokens import without_end
from adapters.models.shell_call import call_of, command_or_refuse, describe_shell
from rules.conversation import ToolCall, Tools
from rules.shell_tool import shell_tool

_RESULTS = ("<returncode>", "<output>", "OBSERVATION:", "Observation:")

_HOW = """\
To run a command, end your answer with it between tags, and write nothing behind it:

{example}

The command stands between the tags as it is, without quotes or escapes.
"""


class TagScan:
    """Finds the end of a command: at its last closing tag.

    That is certain where the next command or a result begins; text behind the tag may be the command's own, if another
    closing tag follows. With `strict` it is no command without one.
    """

    def __init__(self, opener: str, closer: str, *, strict: bool = False) -> None:
        self._opener = opener
        self._strict = strict
        self._lexer = Lexer((opener, closer, *_RESULTS))
        self._depth = 0
        self._fresh = True
        self._seen = 0
        self._end: int | None = None

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        self._seen += len(piece)
        return self._walk(self._lexer.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._lexer.feed("", final=True)) or self._end
        return end or ("no" if self._strict else self._seen)

    def _walk(self, tokens: Iterable[Token]) -> int | None:
        for token in tokens:
            fresh, self._fresh = self._fresh, begins_line(token, fresh=self._fresh)
            if not token.marker:
                continue
            if self._end is not None and fresh and not self._depth and not token.marker.startswith("</"):
                return self._end
            if token.marker == self._opener:
                self._depth += fresh
            elif token.marker.startswith("</"):
                self._depth = max(0, self._depth - 1)
                self._end = token.end
        return None


@dataclass(frozen=True, slots=True)
class _Tag:
    """One row of the table. `asked`: see `Dialect`."""

    dialect: str
    tag: str
    asked: bool = False

    @property
    def opener(self) -> str:
        return f"<{self.tag}>"

    @property
    def closer(self) -> str:
        return f"</{self.tag}>"

    def forms(self, tools: Tools) -> Sequence[Form]:
        """List the ways to write a command where one tool takes it: on a line of its own, or closed within one."""
        lines = Form(self.opener, self.scan, self.read, line_start=True)
        inline = Form(self.opener, partial(self.scan, strict=True), self.read)
        return () if shell_tool(tools) is None else (lines, inline)

    def scan(self, tools: Tools, *, strict: bool = False) -> Scan:
        """Make a scan."""
        del tools
        return TagScan(self.opener, self.closer, strict=strict)

    def read(self, block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
        """Read a block, without the line breaks that frame the command."""
        return call_of(self.inside(block), tools, whole=block.endswith(self.closer))

    def inside(self, block: str) -> str:
        """Return the command in a block."""
        body = block.removeprefix(self.opener)
        body = body.removesuffix(self.closer) if body.endswith(self.closer) else without_end(body)
        return body.removeprefix("\n").removesuffix("\n")

    def render(self, calls: Sequence[ToolCall]) -> str:
        """Write commands. One that would end at another place, whatever stands behind it, cannot be written."""
        return "\n".join(self._write(command_or_refuse(call)) for call in calls)

    def _write(self, command: str) -> str:
        block = f"{self.opener}\n{command}\n{self.closer}"
        ends = [self.scan(()).feed(block + behind) for behind in (f"\n{self.opener}", f"\n{_RESULTS[0]}")]
        if ends != [len(block)] * 2 or self.inside(block) != command:
            raise Unwritable("a command that its tags would not carry")
        return block

    def result(self, name: str, text: str) -> str:
        """Show what a command printed."""
        del name
        return f"OBSERVATION:\n{text}"


def _dialect(row: _Tag) -> Dialect:
    return Dialect(
        name=row.dialect,
        forms=row.forms,
        render=row.render,
        describe=partial(describe_shell, how=_HOW, render=row.render),
        result=row.result,
        closers=() if row.asked else (row.closer,),
        results=_RESULTS,
        asked=row.asked,
    )


MSWEA_TAG = _dialect(_Tag("mswea_tag", "mswea_bash_command"))
COMMAND_TAG = _dialect(_Tag("command_tag", "command", asked=True))
