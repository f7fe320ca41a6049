"""The dialects of DeepSeek from V3.2 on: elements whose tags carry the mark `｜DSML｜`, in three editions.

    <｜DSML｜function_calls>                                            V3.2; V4 writes <｜DSML｜tool_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
    <｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>

V4.1 puts a blank behind the mark and calls the section `<｜DSML｜ calls>`. A value with string="false" is JSON. Each edition
reads the others' sections and marks, and the mark with the bars `‖` and `|`, which models write instead (corpus, deepseek-v4-*).
Source: the encoders beside the models' weights, and vLLM's parsers deepseek_v32, deepseek_v4 and deepseek_v41 (0.32).
"""

from __future__ import annotations

from functools import partial

from adapters.base import Dialect
from adapters.models.tags.element_values import take_typed, write_typed
from adapters.models.tags.elements import Elements, describe_elements, element_closers, element_forms, render_elements

END = "<｜end▁of▁sentence｜>"
THINKING = (("<think>", "</think>"),)

_MARKS = tuple(f"{bar}DSML{bar}{blank}" for blank in ("", " ") for bar in "｜‖|")
_SECTIONS = ("function_calls", "tool_calls", "calls")


def _row(section: str, mark: str) -> Elements:
    wrappers = [(f"<{each}{name}>", f"</{each}{name}>") for each in _MARKS for name in _SECTIONS]
    own = (f"<{mark}{section}>", f"</{mark}{section}>")
    return Elements(
        wrappers=(own, *(each for each in wrappers if each != own)),
        spellings=(mark, *(each for each in _MARKS if each != mark)),
        ends=(END,),
        bare="sure",
        take=take_typed,
        write=write_typed,
    )


def _function_results(name: str, text: str) -> str:
    """Show a tool's result as the encoder of V3.2 does."""
    del name
    return f"<function_results>\n<result>{text}</result>\n</function_results>"


def _tool_result(name: str, text: str) -> str:
    """Show a tool's result as the encoders of V4 and V4.1 do."""
    del name
    return f"<tool_result>{text}</tool_result>"


def _edition(name: str, section: str, mark: str = "｜DSML｜") -> Dialect:
    row = _row(section, mark)
    return Dialect(
        name=name,
        forms=partial(element_forms, row),
        render=partial(render_elements, row),
        describe=partial(describe_elements, row),
        result=_function_results if name == "deepseek_v32" else _tool_result,
        thinking=THINKING,
        closers=element_closers(row),
        ends=(END,),
        results=("<function_results>", "<tool_result>"),
    )


DEEPSEEK_V32 = _edition("deepseek_v32", "function_calls")
DEEPSEEK_V4 = _edition("deepseek_v4", "tool_calls")
DEEPSEEK_V41 = _edition("deepseek_v41", "calls", "｜DSML｜ ")
