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


def _imitated(name: str, expects: str, own: Form, prompt: str = "default") -> Mode:
    """Return a mode of SWE-agent. Where its prompt does not tell what it reads, the path does."""
    shown = prompt == "0.7" or name == "function_calling"
    prefix = "" if shown else f"/swe-agent/{name}"
    mode = f"swe-{name.replace('_', '-')}"
    return Mode(mode, "swe-agent-imitation", expects, own, (prompt,), calls=name == "function_calling", prefix=prefix)


_IMITATED = (
    _imitated("function_calling", "`tool_calls`, exactly one", structured),
    _imitated("thought_action", "the last fence, any info string", plain_fence, "0.7"),
    _imitated("xml_thought_action", "`<command>` tags, the last", command_tag, "0.7"),
    _imitated("backticks", "as thought_action, under a prompt that says nothing of it", plain_fence),
    _imitated("xml_function_calling", "`<function=...>`, the first", function_tag),
    _imitated("action", "the whole answer is a command line", command_line),
    _imitated("json", "the whole answer is a JSON object", json_object),
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
