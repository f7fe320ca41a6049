"""The dialects that write calls as Python: a list of calls, in a family's own marks or in none.

    [get_weather(city="Paris", days=3), get_time(tz="CET")]                              pythonic: Llama 3.2 and others
    <|python_start|>[get_weather(city="Paris")]<|python_end|>                            llama4_pythonic, the marks are optional
    <|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|>                      lfm2: Liquid's LFM2 and LFM2.5
    <function_calls>                                                                     olmo3: a line for each call
    get_weather(city="Paris")
    </function_calls>
    ```tool_code                                                                         tool_code: Gemma 3
    get_weather(city="Paris")
    ```

Without marks it is a call only where the answer is nothing else, or ends with it, and every name is declared. Sources: vLLM's
parsers pythonic, llama4_pythonic, lfm2 and olmo3 (0.32), the model cards of Llama 3.2, LFM2 and OLMo 3, Gemma 3's guide to
function calling; the malformed shapes are those of the corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.base import Dialect, Form
from adapters.models.python.declared_names import DeclaredNames
from adapters.models.python.python_calls import Style
from adapters.models.python.pythonic_read import form, verified, write
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

_THINKING = (("<think>", "</think>"),)
_CHATML = ("<|im_end|>", "<|endoftext|>")
_LISTED = Style(behind="lines")
"""A bare list that begins the answer; what comes on later lines is talk about it."""
_LAST = Style(behind="nothing")

_HOW = """\
To call functions, answer with {what}, and nothing behind it:

{{example}}

Arguments are Python literals, given by name. Escape quotes and backslashes inside strings, and write line breaks as \\n. Give \
every required parameter.
"""


@dataclass(frozen=True, slots=True)
class _Family:
    """One row of the table: a family's marks, and what else of its own may appear in its text.

    marked  the marks around calls, by the place they count in: anywhere, or where a line begins
    bare    whether calls count without them as well
    lines   whether a call stands on a line of its own, instead of in a list
    what    the form, in words
    """

    name: str
    what: str
    marked: tuple[tuple[Style, bool], ...] = ()
    bare: bool = False
    lines: bool = False
    thinking: tuple[tuple[str, str], ...] = ()
    ends: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    def forms(self, tools: Tools) -> Sequence[Form]:
        """List the ways this family writes calls."""
        names = DeclaredNames(tools)
        marked = [form(style.opener, style, names, line_start=line_start) for style, line_start in self.marked]
        return (*marked, *(_bare(tools, names) if self.bare else ()))

    def render(self, calls: Sequence[ToolCall]) -> str:
        """Write calls, all in one list or one block."""
        written = [write(call) for call in calls]
        body = "\n{}\n".format("\n".join(written)) if self.lines else f"[{', '.join(written)}]"
        style = self.marked[0][0] if self.marked else _LISTED
        return verified(f"{style.opener}{body}{style.closer}", calls, style)

    def describe(self, tools: Tools) -> str:
        """Describe tools and the form of a call."""
        return describe_tools(tools, _HOW.format(what=self.what), self.render)


def _bare(tools: Tools, names: DeclaredNames) -> Sequence[Form]:
    """List what counts without marks: a list that begins or ends the answer, and lines of calls that are the whole answer."""
    begins = form("[", _LISTED, names, line_start=True, first=True)
    ends = form("[", _LAST, names, line_start=True)
    return (begins, ends, *(form(f"{tool.name}(", _LAST, names, line_start=True, first=True) for tool in tools))


def _result(name: str, text: str) -> str:
    return f"Result of {name}:\n{text}"


def _marked_result(opener: str, closer: str) -> Callable[[str, str], str]:
    return lambda name, text: f"{opener}{text}{closer}"  # noqa: ARG005 - the templates name no tool


def _dialect(family: _Family, result: Callable[[str, str], str] = _result) -> Dialect:
    return Dialect(
        name=family.name,
        forms=family.forms,
        render=family.render,
        describe=family.describe,
        result=result,
        thinking=family.thinking,
        closers=tuple({style.closer: None for style, _ in family.marked if style.closer.startswith("<")}),
        ends=family.ends,
        results=family.results,
    )


_LLAMA4 = Style("<|python_start|>", "<|python_end|>", declared=False)
_LFM2 = Style("<|tool_call_start|>", "<|tool_call_end|>", declared=False)
_OLMO3 = Style("<function_calls>", "</function_calls>", declared=False)
_OLMO3_INLINE = Style("<function_calls>", "</function_calls>")
_TOOL_CODE = Style("```tool_code", "```", prints=True)

PYTHONIC = _dialect(
    _Family(
        "pythonic",
        "a Python list of calls",
        bare=True,
        ends=("<|eot_id|>", "<|eom_id|>"),
        results=("<|start_header_id|>ipython",),
    )
)
LLAMA4_PYTHONIC = _dialect(
    _Family(
        "llama4_pythonic",
        "a Python list of calls between <|python_start|> and <|python_end|>",
        marked=((_LLAMA4, False),),
        bare=True,
        ends=("<|eot|>", "<|eom|>"),
        results=("<|header_start|>ipython",),
    )
)
LFM2 = _dialect(
    _Family(
        "lfm2",
        "a Python list of calls between <|tool_call_start|> and <|tool_call_end|>",
        marked=((_LFM2, False),),
        thinking=_THINKING,
        ends=_CHATML,
        results=("<|tool_response_start|>",),
    ),
    _marked_result("<|tool_response_start|>", "<|tool_response_end|>"),
)
OLMO3 = _dialect(
    _Family(
        "olmo3",
        "one Python call a line between <function_calls> and </function_calls>",
        marked=((_OLMO3, True), (_OLMO3_INLINE, False)),
        lines=True,
        thinking=_THINKING,
        ends=_CHATML,
        results=("<|im_start|>environment",),
    )
)
TOOL_CODE = _dialect(
    _Family(
        "tool_code",
        "one Python call a line in a code fence named tool_code",
        marked=((_TOOL_CODE, True),),
        lines=True,
        ends=("<end_of_turn>",),
        results=("```tool_output",),
    ),
    _marked_result("```tool_output\n", "\n```"),
)
