"""The dialects of text agents: a thought in plain words, then one shell command in a code fence.

    THOUGHT: I should see what is there.

    ```bash
    ls -la
    ```

`backticks` takes a fence of any shell or of none for a command, as SWE-agent's thought_action parser does, and a json fence that
names a declared tool for a call of that tool; it must be asked for, since prose shows commands in fences too. `mswea_fence` takes
only the fence that mini-swe-agent 2.4 and EvalScope 1.14 ask for (`mswea_bash_command`), which nobody writes by chance. A result
that stands behind the command is the model's invention. Source: the prompts and parsers of these agents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Literal

from adapters.base import Dialect, Form, Scan, Unwritable
from adapters.models.end_tokens import END_TOKENS, without_end
from adapters.models.followed_scan import FollowedScan
from adapters.models.json_blocks.json_fence_scan import FENCE, Fences, read_fences, scan_fence
from adapters.models.json_fence import JSON_FENCE
from adapters.models.shell_call import call_of, command_of, command_or_refuse, describe_shell
from adapters.models.shell_fence import SHELLS, FenceScan
from adapters.models.tool_prompt import describe_tools, write_example
from rules.conversation import ToolCall, Tools
from rules.shell_tool import shell_tool

MSWEA = "mswea_bash_command"
RESULTS = ("<returncode>", "<output>")
OBSERVATIONS = ("OBSERVATION:", "Observation:")
_FOLLOWS = (FENCE, *RESULTS, *OBSERVATIONS, *END_TOKENS)
"""What may stand behind a call in JSON that ends the answer: the next fence, an invented result, the end of the turn."""
_RUN = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)

_HOW_SHELL = """\
To run a command, end your answer with one code fence, and write nothing behind it:

{example}

Use a longer fence where the command itself holds lines that begin with backticks.
"""
_HOW_JSON = """\
To call a function, end your answer with one JSON object in a code fence, and write nothing behind it:

{example}

Escape quotes, backslashes and line breaks inside strings. Give every required parameter.
"""
_HOW_OTHER = _HOW_JSON.replace("a function", "any other function")


def _scan(kinds: frozenset[str], tools: Tools) -> Scan:
    del tools
    return FenceScan(kinds)


def _scan_json(tools: Tools) -> Scan:
    return FollowedScan(Fences(partial(scan_fence, tools, lone=True)), _ends)


def _ends(rest: str) -> int | Literal["no"] | None:
    """Let calls in JSON be ones at the end of the answer: prose behind them explains what they are."""
    if not rest or rest.startswith(_FOLLOWS):
        return 0
    return None if any(each.startswith(rest) for each in _FOLLOWS) else "no"


def read_command(kinds: frozenset[str], block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a fence as a command. Where its end cannot be told, nobody can read it."""
    body, closed, unsure = _inside(FenceScan(kinds), block)
    calls = call_of(body, tools, whole=closed)
    return (ToolCall("", "", body, whole=closed),) if unsure and calls else calls


def _inside(scan: FenceScan, block: str) -> tuple[str, bool, bool]:
    """Return what stands inside a fence, whether it was closed, and whether that is unsure."""
    if scan.feed(block) is None:
        scan.finish()
    if scan.ended is None:
        return "", False, False
    body = block[scan.body : scan.ended.body]
    return (body if scan.ended.closed else without_end(body)).removesuffix("\n"), scan.ended.closed, scan.unsure


def _backticks(tools: Tools) -> Sequence[Form]:
    """List the fences: JSON that begins the answer or ends it, and commands where one tool takes them."""
    begins = Form(FENCE, scan_fence, read_fences, line_start=True, aloud=True, first=True)
    ends = Form(FENCE, _scan_json, partial(read_fences, lone=True), line_start=True, aloud=True)
    shell = Form(FENCE, partial(_scan, SHELLS), partial(read_command, SHELLS), line_start=True)
    return (begins, ends, shell) if shell_tool(tools) else (begins, ends)


def _mswea(tools: Tools) -> Sequence[Form]:
    """List the fence of mini-swe-agent. Three backticks count anywhere: its own prompt has them behind a colon."""
    kinds = frozenset({MSWEA})
    scan, reads = partial(_scan, kinds), partial(read_command, kinds)
    forms = [Form(f"{'`' * ticks}{MSWEA}", scan, reads, line_start=ticks > 3) for ticks in (3, 4, 5, 6)]
    return forms if shell_tool(tools) else ()


def render(calls: Sequence[ToolCall]) -> str:
    """Write commands in fences of a shell, and any other call as JSON in a fence."""
    return "\n\n".join(_write(call) for call in calls)


def _write(call: ToolCall) -> str:
    command = command_of(call)
    return JSON_FENCE.render((call,)) if command is None else _fenced(command, "bash", SHELLS)


def _render_mswea(calls: Sequence[ToolCall]) -> str:
    return "\n\n".join(_fenced(command_or_refuse(call), MSWEA, frozenset({MSWEA})) for call in calls)


def _fenced(command: str, info: str, kinds: frozenset[str]) -> str:
    """Write a command in the shortest fence that carries it: longer than any run of backticks at the start of its lines."""
    longest = max((len(run) for run in _RUN.findall(command)), default=0)
    for ticks in (3, max(4, longest + 1)):
        fence = "`" * ticks
        block = f"{fence}{info}\n{command}\n{fence}"
        scan = FenceScan(kinds)
        ends = (scan.feed(block) or scan.feed("\n.")) == len(block)
        if ends and _inside(FenceScan(kinds), block) == (command, True, False):
            return block
    raise Unwritable("a command that its fence would not carry")


def _describe(tools: Tools) -> str:
    shell = shell_tool(tools)
    if shell is None:
        return describe_tools(tools, _HOW_JSON, render)
    others = tuple(tool for tool in tools if tool is not shell)
    text = describe_shell(tools, _HOW_SHELL, render)
    return f"{text}\n{_HOW_OTHER.replace('{example}', write_example(others, render))}" if others else text


BACKTICKS = Dialect(
    name="backticks",
    forms=_backticks,
    render=render,
    describe=_describe,
    result=lambda name, text: f"OBSERVATION:\n{text}",  # noqa: ARG005 - there is one shell
    results=(*RESULTS, *OBSERVATIONS),
    asked=True,
)
MSWEA_FENCE = Dialect(
    name="mswea_fence",
    forms=_mswea,
    render=_render_mswea,
    describe=partial(describe_shell, how=_HOW_SHELL, render=_render_mswea),
    result=lambda name, text: f"<output>\n{text}\n</output>",  # noqa: ARG005 - there is one shell
    results=RESULTS,
)
