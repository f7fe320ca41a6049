"""The dialect of MiniMax M3: marked tags, lists and objects as elements, and what leaks from servers."""

from __future__ import annotations

import pytest

from adapters.base import Unwritable
from adapters.grammar import grammar
from adapters.models.minimax_m3 import MINIMAX_M3, render
from adapters.registry import DIALECTS
from rules.base import repair
from rules.conversation import Conversation, Json, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_even, text_among

M = "]<]minimax[>["
TOOLS = (
    ToolSpec(
        "search",
        "",
        {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer"},
                "sources": {"type": "array", "items": {"type": "string"}},
                "pages": {"type": "array", "items": {"type": "integer"}},
                "filter": {"type": "object", "properties": {"year": {"type": "integer"}, "tags": {"type": "array"}}},
            },
        },
    ),
)
USING = grammar([MINIMAX_M3, *(each for each in DIALECTS.values() if each is not MINIMAX_M3 and not each.asked)], TOOLS)


def read(text: str) -> tuple[str, list[ToolCall]]:
    """Return the visible text and the calls, having checked that the cuts do not matter."""
    events = decode_alike(text, USING, in_even(text, 1, 3, 7, 31))
    visible = text_among(events)
    return visible, calls_among(events)


def mended(text: str) -> dict[str, Json]:
    """Return the arguments of the one call, as the rules leave them."""
    [call] = read(text)[1]
    [mended] = repair(Turn("assistant", calls=(call,)), Conversation(TOOLS), RULES, trap=False).turn.calls
    assert not isinstance(mended.arguments, str)
    return dict(mended.arguments)


def search(**arguments: Json) -> ToolCall:
    return ToolCall("", "search", arguments)


def block(inner: str) -> str:
    return f'{M}<tool_call>\n{M}<invoke name="search">\n{inner}\n{M}</invoke>\n{M}</tool_call>'


def test_the_parsers_own_example_is_read() -> None:
    assert read(f"I look.\n{block(f'{M}<query>Paris{M}</query>{M}<limit>3{M}</limit>')}Done.") == (
        "I look.\nDone.",
        [search(query="Paris", limit="3")],
    )


def test_lists_and_objects_are_elements() -> None:
    inner = (
        f"{M}<sources>{M}<item>web{M}</item>\n{M}<item>{M}</item>{M}</sources>"
        f"{M}<pages>{M}<item>1{M}</item>{M}<item>2{M}</item>{M}</pages>"
        f"{M}<filter>\n{M}<year>2025{M}</year>{M}<tags>{M}<item>a{M}</item>{M}</tags>\n{M}</filter>"
    )
    assert mended(block(inner)) == {"sources": ["web", ""], "pages": [1, 2], "filter": {"year": 2025, "tags": ["a"]}}


@pytest.mark.parametrize(
    "call",
    [
        search(),
        search(query="a\n b\n", sources=["web", ""]),
        search(query="</query> <b> & &lt;", filter={"a": {"b": ["x", ["y"]], "c": "z"}}),
        search(sources=[], filter={}),
    ],
    ids=str,
)
def test_it_reads_what_it_writes(call: ToolCall) -> None:
    given = dict(call.arguments) if not isinstance(call.arguments, str) else {}
    assert mended(render([call])) == given
    assert read(f"{render([call, call])}\nDone.")[0].strip() == "Done."


def test_what_holds_more_than_texts_is_written_as_json() -> None:
    call = search(pages=[1, 2], filter={"year": 2025})
    assert f"{M}<pages>[1, 2]{M}</pages>" in render([call])
    assert mended(render([call])) == {"pages": [1, 2], "filter": {"year": 2025}}


@pytest.mark.parametrize("value", [f"x{M}<query>y", f"{M}<a>b{M}</a>", f"{M}</tool_call>"])
def test_marked_tags_in_a_value_cannot_be_written(value: str) -> None:
    with pytest.raises(Unwritable):
        render([search(query=value)])


@pytest.mark.parametrize("call", [ToolCall("", 'a"b', {}), ToolCall("", "f", {"a b": "v"}), ToolCall("", "f", "text")], ids=str)
def test_names_that_no_tag_carries_cannot_be_written(call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        render([call])


@pytest.mark.parametrize(
    "text",
    [
        f'{M}<tool_call>\n{M}<invoke name="search">{M}<query>web</query>{M}<limit>6</limit>{M}</invoke>\n{M}</tool_call>',
        f'<tool_call>\n{M}<invoke name="search">{M}<query>web{M}</query>{M}<limit>6{M}</limit>{M}</invoke>\n{M}</tool_call>',
        f'{M}<tool_call>\n<invoke name="search">{M}<query>web{M}</query>{M}<limit>6{M}</limit>{M}</invoke>\n{M}</tool_call>',
        f'{M}<invoke name="search">{M}<query>web{M}</query>{M}<limit>6{M}</limit>{M}</invoke>',
        block(f"{M}<query>web\n{M}<limit>6"),
    ],
    ids=["closers", "wrapper", "call", "no wrapper", "no closers"],
)
def test_lost_marks_and_closers_are_supplied(text: str) -> None:
    visible, [call] = read(f"I look.\n{text}")
    assert (visible.strip(), call) == ("I look.", search(query="web", limit="6"))


def test_a_call_inside_a_value_is_data() -> None:
    example = block(f"{M}<query>x{M}</query>")
    [call] = read(block(f"{M}<query>So:\n{example}\nand so on{M}</query>"))[1]
    assert call == search(query=f"So:\n{example}\nand so on")


@pytest.mark.parametrize(
    "inner", [f"{M}<query>{M}<a>b", f'{M}<query>{M}<invoke name="x">', f"{M}<query>x{M}</invoke>{M}</query>"]
)
def test_what_cannot_be_placed_is_asked_about(inner: str) -> None:
    [call] = read(block(inner))[1]
    assert isinstance(call.arguments, str)


def test_a_call_that_the_text_cuts_is_not_whole() -> None:
    text = block(f"{M}<query>rm -rf /tmp{M}</query>")
    for at in range(text.index("/tmp"), len(text) - len(f"{M}</invoke>\n{M}</tool_call>")):
        [call] = read(text[:at])[1]
        assert not call.whole


@pytest.mark.parametrize(
    "text", [f"The {M}<tool_call> tag.", f'{M}<invoke name="search"> is how a call begins', f"Only {M} and {M}<x>"]
)
def test_tags_in_prose_are_text(text: str) -> None:
    assert read(text) == (text, [])


def test_time_is_linear_in_hostile_texts() -> None:
    head = f'{M}<tool_call>{M}<invoke name="f">{M}<a>'
    for unit in (f"{M}<a>", f"{M}</b>", f"{M}<", M, f'{M}<invoke name="f">', "</a>"):
        assert decodes_linearly([MINIMAX_M3], unit, head, size=10_000), unit
