"""The modes of the frameworks: what each expects of the model, and how it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .shapes import (
    Form,
    command_line,
    command_tag,
    function_tag,
    json_object,
    mswea_fence,
    mswea_tag,
    plain_fence,
    structured,
)

Framework = Literal["mini-swe-agent", "evalscope", "swe-agent-imitation"]
"""The last one is no framework but our imitation of one that cannot be installed from a package registry."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One mode. `own` is the form its prompt asks for; `settings` are the framework's own words for the mode.

    `calls` tells whether it sends `tools` and reads `tool_calls`. `prefix` is the path that names the client to toolmend,
    where it does not show itself. `patches` tells whether what is submitted holds the patch.
    """

    id: str
    framework: Framework
    expects: str
    own: Form
    settings: tuple[str, ...]
    calls: bool = False
    patches: bool = False
    prefix: str = ""


_TEXTUAL = "model.model_class=litellm_textbased"

_IMITATED = (
    Mode("swe-function-calling", "swe-agent-imitation", "`tool_calls`, exactly one", structured, ("default",), calls=True),
    Mode("swe-thought-action", "swe-agent-imitation", "the last fence, any info string", plain_fence, ("0.7",)),
    Mode("swe-xml-thought-action", "swe-agent-imitation", "`<command>` tags, the last", command_tag, ("0.7",)),
    Mode("swe-backticks", "swe-agent-imitation", "as thought_action; the prompt says nothing of it", plain_fence, ("default",)),
    Mode("swe-xml-function-calling", "swe-agent-imitation", "`<function=...>`, the first", function_tag, ("default",)),
    Mode("swe-action", "swe-agent-imitation", "the whole answer is a command line", command_line, ("default",)),
    Mode("swe-json", "swe-agent-imitation", "the whole answer is a JSON object", json_object, ("default",)),
)

MODES: Mapping[str, Mode] = {
    mode.id: mode
    for mode in (
        Mode("mini-tool", "mini-swe-agent", "`tool_calls` (mini.yaml)", structured, ("mini.yaml",), calls=True),
        Mode(
            "mini-text",
            "mini-swe-agent",
            "a `mswea_bash_command` fence (mini_textbased.yaml, litellm_textbased)",
            mswea_fence,
            ("mini_textbased.yaml", _TEXTUAL),
        ),
        Mode(
            "mini-text-no-class",
            "mini-swe-agent",
            "asks for the fence, reads `tool_calls` (mini_textbased.yaml as it is shipped)",
            mswea_fence,
            ("mini_textbased.yaml",),
            calls=True,
        ),
        Mode(
            "mini-xml",
            "mini-swe-agent",
            "a `<mswea_bash_command>` tag (swebench_xml.yaml, litellm_textbased)",
            mswea_tag,
            ("swebench_xml.yaml", _TEXTUAL, "environment.environment_class=local"),
            patches=True,
        ),
        Mode(
            "evalscope-toolcall",
            "evalscope",
            "`tool_calls` (swe_bench_toolcall)",
            structured,
            ("swe_bench_toolcall",),
            calls=True,
            patches=True,
        ),
        Mode(
            "evalscope-backticks",
            "evalscope",
            "a `mswea_bash_command` fence (swe_bench_backticks)",
            mswea_fence,
            ("swe_bench_backticks",),
            patches=True,
        ),
        *_IMITATED,
    )
}
