"""The Muse Glimmer dialect: addressed messages, thoughts and calls among them, in every cut."""

from __future__ import annotations

import pytest

from adapters.base import Call, Event, Markup, Text, Thinking
from adapters.blocks import BlockDecoder
from adapters.grammar import grammar
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.muse_glimmer import MUSE_GLIMMER
from adapters.models.qwen_xml import QWEN_XML
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_every_way, text_among

TOOLS = (
    ToolSpec("get_weather", "", {"properties": {"city": {}, "units": {}}}),
    ToolSpec("math.add", "", {"properties": {"a": {}}}),
)
PARIS = ToolCall("", "get_weather", {"city": "Paris"})


def call_of(name: str, **arguments: str) -> str:
    values = "".join(f'<atem:parameter name="{key}">{value}</atem:parameter>\n' for key, value in arguments.items())
    inner = f'<atem:invoke name="{name}">\n{values}</atem:invoke>\n'
    return f"<|start|>assistant to={name}<|message|><atem:function_calls>\n{inner}</atem:function_calls>"


def events_of(text: str) -> list[Event]:
    return decode_alike(text, grammar((MUSE_GLIMMER, QWEN_XML, HERMES_JSON), TOOLS), in_every_way(text))


def parts(text: str) -> tuple[str, str, list[ToolCall]]:
    """Return what was thought, said and called."""
    events = events_of(text)
    thought = "".join(event.text for event in events if isinstance(event, Thinking))
    said = text_among(events)
    return thought, said.strip(), calls_among(events)


@pytest.mark.parametrize("end", ["", "<|eom|>", "<|eot|>"])
@pytest.mark.parametrize("blank", ["", " "])
def test_a_thought_a_call_and_its_addresses(blank: str, end: str) -> None:
    text = f"{blank}to=self<|message|>Let me see.<|eom|>{call_of('get_weather', city='Paris')}{end}"
    assert parts(text) == ("Let me see.", "", [PARIS])


def test_a_thought_and_an_answer() -> None:
    text = " to=self<|message|>Think.<|eom|><|start|>assistant to=user<|message|>It is 42.<|eot|>"
    assert parts(text) == ("Think.", "It is 42.", [])
    assert parts("to=user<|message|>It is 42.<|eot|>") == ("", "It is 42.", [])
    assert parts("It is 42.") == ("", "It is 42.", [])


def test_several_calls() -> None:
    text = f"{call_of('math.add', a='1')}<|eom|>{call_of('get_weather.get_weather', city='Paris')}<|eot|>"
    assert parts(text) == ("", "", [ToolCall("", "math.add", {"a": "1"}), PARIS])
    first = "to=math.add<|message|>" + call_of("math.add", a="1").partition("<|message|>")[2]
    assert parts(f"{first}<|eom|>") == ("", "", [ToolCall("", "math.add", {"a": "1"})])


def test_blanks_and_lines_of_a_value_are_its_own() -> None:
    [call] = parts(call_of("get_weather", city="\n a\nb\n", units=" c "))[2]
    assert call.arguments == {"city": "\n a\nb\n", "units": " c "}


def test_a_call_quoted_in_a_thought_is_none() -> None:
    inner = call_of("get_weather", city="Paris").partition("<|message|>")[2]
    thought, said, calls = parts(
        f"to=self<|message|>I could write {inner} but no.<|eom|><|start|>assistant to=user<|message|>No."
    )
    assert (said, calls) == ("No.", [])
    assert "but no." in thought


def test_an_invented_result_is_dropped() -> None:
    events = events_of(f"{call_of('get_weather', city='Paris')}<|eom|><|start|>tool get_weather<|message|>sunny")
    assert [type(event) for event in events] == [Markup, Call, Markup]


def test_it_reads_what_it_writes() -> None:
    block = MUSE_GLIMMER.render((PARIS, ToolCall("", "math.add", {"a": "x\ny"})))
    assert parts(f"{block}\nmore") == ("", "more", [PARIS, ToolCall("", "math.add", {"a": "x\ny"})])
    assert parts(MUSE_GLIMMER.describe(TOOLS).rpartition("behind this form:")[2])[2][0].name == "get_weather"


def test_prose_about_addresses_is_text() -> None:
    text = "Set goto=1, then to=get_weather, and <atem:function_calls> is a tag."
    assert events_of(text) == [Text(text)]


def test_a_long_address_leaves_nothing_visible() -> None:
    tool = ToolSpec("get_current_weather_of_a_city", "", {"type": "object", "properties": {"a": {"type": "string"}}})
    block = MUSE_GLIMMER.render((ToolCall("", tool.name, {"a": "x"}),))
    text = f"<|start|>assistant to={tool.name}<|message|>{block}"
    decoder = BlockDecoder(grammar((MUSE_GLIMMER,), (tool,)))
    assert not [event for event in (*decoder.feed(text), *decoder.finish()) if isinstance(event, Text)]
