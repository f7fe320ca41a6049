"""What goes into a model's history comes back as it was, under the tools that the request declares, or it is not written."""

from __future__ import annotations

import pytest

from adapters.base import Unwritable
from adapters.models import textual
from adapters.models.written import written
from adapters.registry import DIALECTS
from rules.conversation import Conversation, Json, ToolCall, ToolSpec, Turn

UNTYPED = [DIALECTS[name] for name in ("qwen_xml", "glm", "xml_generic", "minimax_m3")]
TYPED = [DIALECTS[name] for name in ("gemma4", "hermes_json", "mistral", "pythonic")]


def setting(value: Json) -> tuple[ToolCall, ...]:
    return (ToolCall("c1", "set", {"to": value}),)


def taking(*types: str) -> tuple[ToolSpec, ...]:
    return (ToolSpec("set", "", {"type": "object", "properties": {"to": {"type": list(types)}}, "required": ["to"]}),)


@pytest.mark.parametrize("dialect", UNTYPED, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("value", "other"),
    [(5, "integer"), (20.5, "number"), (True, "boolean"), (None, "null"), ([1], "array"), ({"a": 1}, "object")],
)
def test_without_types_a_value_is_written_only_where_no_text_is_taken(dialect, value: Json, other: str) -> None:
    tools = taking("string", other)
    try:
        alike = dialect.render(setting(value)) == dialect.render(setting(_spelled(value)))
    except Unwritable:
        alike = False
    if alike:
        with pytest.raises(Unwritable):
            written(setting(value), dialect, tools)
        assert "set" in textual.render(Turn("assistant", calls=setting(value)), dialect, tools)
    assert written(setting(value), dialect, taking(other)) == dialect.render(setting(value))


def _spelled(value: Json) -> str:
    return (
        {True: "true", None: "null"}.get(value, str(value))
        if not isinstance(value, (list, dict))
        else str(value).replace("'", '"')
    )


@pytest.mark.parametrize("dialect", [*UNTYPED, *TYPED], ids=lambda each: each.name)
@pytest.mark.parametrize("text", ["5", "true", "null", "[1]", '{"a": 1}', "plain"])
def test_a_text_is_written_where_a_text_is_taken(dialect, text: str) -> None:
    tools = taking("string", "integer", "null")
    assert written(setting(text), dialect, tools) == dialect.render(setting(text))


@pytest.mark.parametrize("dialect", TYPED, ids=lambda each: each.name)
@pytest.mark.parametrize("value", [5, 20.5, True, None, [1], {"a": [None]}])
def test_a_format_with_types_writes_any_value(dialect, value: Json) -> None:
    tools = taking("string", "integer", "number", "boolean", "null", "array", "object")
    assert written(setting(value), dialect, tools) == dialect.render(setting(value))


def test_a_call_that_cannot_be_written_is_quoted_in_the_history() -> None:
    past = (Turn("user", "go"), Turn("assistant", "Setting.", calls=setting(None)), Turn("tool", "done", answers="c1"))
    messages = textual.messages(Conversation(taking("string", "null"), past), DIALECTS["qwen_xml"])
    said = next(each["content"] for each in messages if each["role"] == "assistant")
    assert "Setting." in said
    assert '{"to":null}' in said.replace(" ", "")
    assert "<parameter" not in said
