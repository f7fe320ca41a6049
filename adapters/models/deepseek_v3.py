"""The dialects of DeepSeek V3, R1 and V3.1: the name in a head, JSON behind it. V3 and R1 put the JSON into a code fence.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
    ```json
    {"city": "Paris"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>

Source: the chat templates of DeepSeek V3 and V3.1, vLLM's deepseek_v3 and deepseek_v31 parsers (0.32). One reader takes both: a
model asked for one form now and then writes the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from adapters.base import Dialect, Form
from adapters.models.headed.headed_group import group
from adapters.models.headed.headed_read import Headed, headed, json_of, sure
from adapters.models.headed.headed_scan import Frame
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

GROUP, GROUP_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
GROUPS = (GROUP, "<｜tool_calls_begin｜>", "<｜tool calls begin｜>", "<｜tool▁calls｜>")
"""The opener of a group, and what distilled models write for it (llama.cpp, common/chat.cpp)."""
CALL, SEPARATOR, CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
ENDS = ("<｜end▁of▁sentence｜>",)
RESULTS = ("<｜tool▁outputs▁begin｜>", "<｜tool▁output▁begin｜>", "<｜User｜>")
RESULT_END = "<｜tool▁output▁end｜>"

_NAME, _FENCE = r"[\w.:/-]", r"(?:```\w{0,16}\s*(?:```\s*)?)?"
_BEGUN, _HEAD = group(
    GROUPS,
    CALL,
    rf"{_NAME}{{0,128}}\s*(?:{SEPARATOR}\s*{_NAME}{{0,128}}\s*(?:`{{1,2}}|```\w{{0,16}}\s*`{{1,2}}|{_FENCE}))?",
    rf"(?:function\s*{SEPARATOR}\s*(?={_NAME}))?(?P<name>\w{_NAME}*)\s*(?:{SEPARATOR}\s*)?{_FENCE}",
)
FRAME = Frame((*GROUPS, CALL), _BEGUN, _HEAD, (SEPARATOR,), closers=(CALL_END,), over=(GROUP_END, *ENDS, *RESULTS))

_HOW = """\
To call a function, answer in this form, with nothing behind it:

{example}

The arguments are one JSON object with every required parameter. Several calls stand one behind the other between the outer \
markers.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: with or without the markers of a group around it."""
    return tuple(map(headed(FRAME, tools).form, FRAME.openers))


def _render(write: Callable[[str, str], str], calls: Sequence[ToolCall]) -> str:
    """Write calls between the outer markers; `write` makes a call of its name and its JSON."""
    blocks = (sure(f"{CALL}{write(call.name, json_of(call))}{CALL_END}", call, Headed(FRAME)) for call in calls)
    return f"{GROUP}{''.join(blocks)}{GROUP_END}"


def _write_v3(name: str, arguments: str) -> str:
    return f"function{SEPARATOR}{name}\n```json\n{arguments}\n```"


def _write_v31(name: str, arguments: str) -> str:
    return f"{name}{SEPARATOR}{arguments}"


def result(name: str, text: str) -> str:
    """Show a tool's result as the templates do."""
    del name
    return f"{RESULTS[1]}{text}{RESULT_END}"


def _dialect(name: str, write: Callable[[str, str], str]) -> Dialect:
    render = partial(_render, write)
    return Dialect(
        name=name,
        forms=forms,
        render=render,
        describe=lambda tools: describe_tools(tools, _HOW, render),
        result=result,
        thinking=(("<think>", "</think>"),),
        closers=(GROUP_END, CALL_END, SEPARATOR, RESULT_END, "<｜tool▁outputs▁end｜>", "<｜Assistant｜>"),
        ends=ENDS,
        results=RESULTS,
    )


DEEPSEEK_V3, DEEPSEEK_V31 = _dialect("deepseek_v3", _write_v3), _dialect("deepseek_v31", _write_v31)
