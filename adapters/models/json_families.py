"""The families whose calls are JSON between markers, a row each.

    granite      <|tool_call|>[{"name": ..., "arguments": {...}}]          Granite 3.0 to 3.3; <tool_call>[...] in 3.1
    granite_20b  <function_call> {"name": ..., "arguments": {...}}         Granite 20B, once for each call
    phi4         functools[{"name": ..., "arguments": {...}}]              Phi-4 mini; <|tool_call|>[...]<|/tool_call|> as well
    hunyuan      <tool_calls>[{"name": ..., "arguments": {...}}]</tool_calls>         Hunyuan A13B, Jamba
    ernie        <tool_call>{"name": ..., "arguments": {...}}</tool_call>  ERNIE 4.5, text between <response> and </response>
    longcat      <longcat_tool_call>{"name": ..., "arguments": {...}}</longcat_tool_call>
    gigachat3    <|function_call|>{"name": ..., "arguments": {...}}        or `function call<|role_sep|>` and a new line
    internlm     <|action_start|><|plugin|>{"name": ..., "parameters": {...}}<|action_end|>
    cohere       <|START_ACTION|>[{"tool_call_id": "0", "tool_name": ..., "parameters": {...}}]<|END_ACTION|>
    apertus      <|tools_prefix|>[{NAME: {...}}]<|tools_suffix|>
    inkling      NAME<|content_invoke_tool_json|>{"name": ..., "args": {...}}<|end_message|>, behind <|message_model|>
    xlam         [{"name": ..., "arguments": {...}}], in a fence, or behind [TOOL_CALLS] or <tool_call>

Source: vLLM's parsers of these names (0.32; `inkling` and `apertus` with their reasoning parsers), the chat templates of
LongCat-Flash and Phi-4 mini, and Cohere's description of its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from adapters.base import Form, Scan
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.json_blocks.bare_json import BARE, GatedScan
from adapters.models.json_blocks.json_block_read import read_block
from adapters.models.json_blocks.json_calls import keyed_call_of
from adapters.models.json_blocks.json_family import THINK, Family, dialect_of, form, framed
from adapters.models.json_blocks.json_head import Gate, begins_object
from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from adapters.models.json_blocks.json_wrapped import WrappedScan
from adapters.models.json_blocks.json_write import arguments_of, as_string, name_and_parameters
from adapters.models.json_blocks.led_scan import LedScan
from adapters.models.json_fence import JSON_FENCE
from rules.conversation import ToolCall, Tools


def _scan_functools(tools: Tools) -> Scan:
    """Scan `functools` and JSON objects; in prose it is the name of a module."""
    return LedScan(
        lambda text, _: text.strip() == "functools", GatedScan(Gate(begins_object), partial(UnwrappedScan, Frame(), tools))
    )


def _cohere_item(at: int, call: ToolCall) -> str:
    return f'{{"tool_call_id": "{at}", "tool_name": {as_string(call.name)}, "parameters": {arguments_of(call)}}}'


def _apertus_item(at: int, call: ToolCall) -> str:
    del at
    return f"{{{as_string(call.name)}: {arguments_of(call)}}}"


def _inkling_item(at: int, call: ToolCall) -> str:
    del at
    return f'{{"name": {as_string(call.name)}, "args": {arguments_of(call)}}}'


def _inkling_forms(tools: Tools) -> Sequence[Form]:
    """List the marker, and the marker behind its header: the message's own, and a tool's name."""
    marks = ("<|end_message|>", ("<|content_model_end_sampling|>", "<|message_model|>"))
    heads = [f"{message}{name}" for message in ("", "<|message_model|>") for name in ("", *(tool.name for tool in tools))]
    return [form(Frame(f"{head}<|content_invoke_tool_json|>", *marks)) for head in heads]


_HERMES = tuple(HERMES_JSON.forms(()))
_APERTUS = Frame("<|tools_prefix|>", "<|tools_suffix|>", ("<|assistant_end|>",))

GRANITE = dialect_of(
    Family(
        "granite",
        framed(Frame("<|tool_call|>", stops=("<|end_of_text|>",)), also=(*_HERMES, *BARE)),
        ("<|tool_call|>", ""),
        wraps=("<response>", "</response>"),
        ends=("<|end_of_text|>",),
    )
)
GRANITE_20B = dialect_of(
    Family(
        "granite_20b",
        framed(Frame("<function_call>", stops=("<|endoftext|>",))),
        ("<function_call> ", ""),
        listed=False,
        closers=("</function_call>",),
        ends=("<|endoftext|>",),
    )
)
PHI4 = dialect_of(
    Family(
        "phi4",
        framed(
            Frame("<|tool_call|>", "<|/tool_call|>", ("<|end|>",)),
            also=(Form("functools", _scan_functools, partial(read_block, Frame("functools"))),),
        ),
        ("functools", ""),
        closers=("<|/tool_call|>",),
        ends=("<|end|>", "<|endoftext|>"),
        results=("<|tool_response|>",),
    )
)
HUNYUAN = dialect_of(
    Family(
        "hunyuan",
        framed(Frame("<tool_calls>", "</tool_calls>")),
        ("<tool_calls>", "</tool_calls>"),
        closers=("</tool_calls>",),
        wraps=("<answer>", "</answer>"),
    )
)
ERNIE = dialect_of(
    Family(
        "ernie",
        HERMES_JSON.forms,
        ("<tool_call>\n", "\n</tool_call>"),
        listed=False,
        closers=HERMES_JSON.closers,
        wraps=("<response>", "</response>"),
        ends=("</s>",),
    )
)
LONGCAT = dialect_of(
    Family(
        "longcat",
        framed(Frame("<longcat_tool_call>", "</longcat_tool_call>", ("</longcat_s>",))),
        ("<longcat_tool_call>\n", "\n</longcat_tool_call>"),
        listed=False,
        thinking=(("<longcat_think>", "</longcat_think>"), THINK),
        closers=("</longcat_tool_call>",),
        ends=("</longcat_s>",),
    )
)
GIGACHAT3 = dialect_of(
    Family(
        "gigachat3",
        framed(*(Frame(each, stops=("<|message_sep|>", "</s>")) for each in ("<|function_call|>", "function call<|role_sep|>"))),
        ("<|function_call|>", ""),
        listed=False,
        closers=("<|message_sep|>",),
        ends=("</s>",),
    )
)
INTERNLM = dialect_of(
    Family(
        "internlm",
        framed(Frame("<|action_start|>", "<|action_end|>", ("<|im_end|>",), leads=("<|plugin|>",))),
        ("<|action_start|><|plugin|>\n", "<|action_end|>"),
        listed=False,
        item=name_and_parameters,
        closers=("<|action_end|>",),
        ends=("<|im_end|>",),
    )
)
COHERE = dialect_of(
    Family(
        "cohere",
        framed(Frame("<|START_ACTION|>", "<|END_ACTION|>", ("<|END_OF_TURN_TOKEN|>",))),
        ("<|START_ACTION|>", "<|END_ACTION|>"),
        item=_cohere_item,
        result=("<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>"),
        thinking=(("<|START_THINKING|>", "<|END_THINKING|>"),),
        closers=(
            "<|END_ACTION|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>", "<|CHATBOT_TOKEN|>",
        ),
        ends=("<|END_OF_TURN_TOKEN|>",),
        results=("<|START_TOOL_RESULT|>",),
    )
)  # fmt: skip
APERTUS = dialect_of(
    Family(
        "apertus",
        framed(
            also=(Form(_APERTUS.opener, partial(WrappedScan, _APERTUS), partial(read_block, _APERTUS, call=keyed_call_of)),),
        ),
        (_APERTUS.opener, _APERTUS.closer),
        item=_apertus_item,
        thinking=(("<|inner_prefix|>", "<|inner_suffix|>"),),
        closers=(_APERTUS.closer,),
        ends=_APERTUS.stops,
        results=("<|tool_output_start|>",),
    )
)
INKLING = dialect_of(
    Family(
        "inkling",
        _inkling_forms,
        ("<|message_model|><|content_invoke_tool_json|>", "<|end_message|>"),
        listed=False,
        item=_inkling_item,
        thinking=(("<|content_thinking|>", "<|end_message|>"),),
        closers=("<|message_model|>", "<|content_text|>", "<|end_message|>"),
        ends=("<|content_model_end_sampling|>",),
    )
)
XLAM = dialect_of(
    Family("xlam", framed(Frame("[TOOL_CALLS]"), also=(*_HERMES, *JSON_FENCE.forms(()))), ("", ""), closers=HERMES_JSON.closers)
)
