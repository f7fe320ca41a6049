"""Which of vLLM's tool parsers reads which dialect, as `--tool-call-parser` names them. Where several do: the usual one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FLAGS: Final[Mapping[str, str]] = {
    "cohere": "cohere_command4",
    "glm": "glm45",
    "granite_20b": "granite-20b-fc",
    "harmony": "openai",
    "hermes_json": "hermes",
    "hunyuan": "hunyuan_a13b",
    "llama_json": "llama3_json",
    "phi4": "phi4_mini_json",
    "qwen_xml": "qwen3_xml",
    **{
        name: name
        for name in (
            *("apertus", "deepseek_v3", "deepseek_v31", "deepseek_v32", "deepseek_v4", "deepseek_v41", "dots", "functiongemma"),
            *("gemma4", "gigachat3", "granite", "hy_v3", "hy_v4", "inkling", "internlm", "k2_horizon", "kimi_k2", "kimi_k3"),
            *("lfm2", "llama4_pythonic", "longcat", "mimo", "minicpm5", "minimax_m2", "minimax_m3", "mistral", "muse_glimmer"),
            *("olmo3", "plamo3", "pythonic", "seed_oss", "step3", "xlam"),
        )
    },
}
"""Dialect -> the parser's name in vLLM 0.32."""


def flag_for(dialect: str) -> str:
    """Return the flag that chooses the parser of a dialect; where none is known, the flag with a placeholder."""
    return f"--tool-call-parser {FLAGS.get(dialect, '<the parser of this model, see docs/dialects.md>')}"
