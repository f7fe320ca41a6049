"""The dialects that write calls as elements and differ in names and frames alone, one row each.

    MiniMax M2        <minimax:tool_call>
                      <invoke name="N">
                      <parameter name="K">V</parameter>
                      </invoke>
                      </minimax:tool_call>
    dots              <dots_function_call>, and names without quotes
    function_calls    <function_calls>: what models have learnt from Anthropic's, and fall into under any prompt that shows it
    Step 3            <｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="N">
                      <steptml:parameter name="K">V</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>
    MiniCPM 5         <function name="N"><param name="K">V</param></function>, values also in CDATA

MiniMax's values are data to the last newline; dots, Step and MiniCPM may frame theirs. Source: the chat template of MiniMax M2,
and vLLM's parsers minimax_m2, dots, step3 and minicpm5 (0.32); that MiniMax loses its wrapper or the wrapper's prefix, and closes
a thought with M3's tag, is in the corpus.
"""

from __future__ import annotations

from functools import partial

from adapters.base import Dialect
from adapters.models.tags.element_values import take_framed, take_section, write_framed, write_section
from adapters.models.tags.elements import Elements, describe_elements, element_closers, element_forms, render_elements

THINK = ("<think>", "</think>")
MINIMAX_END = "[e~["
MINIMAX_THINKING = tuple((f"<{opener}>", f"</{closer}>") for opener in ("think", "mm:think") for closer in ("think", "mm:think"))

ROWS = {
    "minimax_m2": Elements(
        wrappers=(("<minimax:tool_call>", "</minimax:tool_call>"), ("<tool_call>", "</tool_call>")),
        ends=(MINIMAX_END,),
    ),
    "dots": Elements(
        wrappers=(("<dots_function_call>", "</dots_function_call>"),),
        take=take_framed,
        write=write_framed,
    ),
    "function_calls": Elements(wrappers=(("<function_calls>", "</function_calls>"),), wrapped="declared"),
    "step3": Elements(
        wrappers=(("<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"),),
        spellings=("steptml:",),
        glue=("<｜tool_call_begin｜>function", "<｜tool_sep｜>", "<｜tool_call_end｜>"),
        around=("<｜tool_call_begin｜>function<｜tool_sep｜>", "<｜tool_call_end｜>"),
        ends=("<|EOT|>",),
        bare="sure",
        take=take_framed,
        write=write_framed,
    ),
    "minicpm5": Elements(
        call="function",
        parameter="param",
        ends=("<|im_end|>",),
        bare="line",
        cdata=True,
        take=take_section,
        write=write_section,
    ),
}


def _result(tag: str, name: str, text: str) -> str:
    """Show a tool's result in a user's message."""
    del name
    return f"<{tag}>\n{text}\n</{tag}>"


response = partial(_result, "response")
"""Shows a tool's result as MiniMax's templates do."""


def _dialect(name: str, result: str, thinking: tuple[tuple[str, str], ...] = (THINK,)) -> Dialect:
    row = ROWS[name]
    return Dialect(
        name=name,
        forms=partial(element_forms, row),
        render=partial(render_elements, row),
        describe=partial(describe_elements, row),
        result=partial(_result, result),
        thinking=thinking,
        closers=element_closers(row),
        ends=row.ends,
        results=(f"<{result}>",),
    )


MINIMAX_M2 = _dialect("minimax_m2", "response", MINIMAX_THINKING)
DOTS = _dialect("dots", "tool_response")
FUNCTION_CALLS = _dialect("function_calls", "function_results", (THINK, ("<thinking>", "</thinking>")))
STEP3 = _dialect("step3", "tool_response")
MINICPM5 = _dialect("minicpm5", "tool_response")
