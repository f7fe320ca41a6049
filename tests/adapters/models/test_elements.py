"""The dialects that write calls as elements (MiniMax M2, DSML, Step 3, dots, MiniCPM 5, function_calls), by their table."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Dialect, Unwritable
from adapters.grammar import grammar
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import cases_of, decodes_linearly, grammar_of, judge
from tests.adapters.models.corpus_cases import decode as decode_case
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_even, text_among

EDIT = ToolSpec(
    "edit_file",
    "",
    {"type": "object", "properties": {"path": {"type": "string"}, "text": {"type": "string"}, "line": {"type": "integer"}}},
)
NAMES = ("minimax_m2", "deepseek_v32", "deepseek_v4", "deepseek_v41", "step3", "dots", "minicpm5", "function_calls")
WRAPPED = tuple(name for name in NAMES if name != "minicpm5")
MINIMAX = '<minimax:tool_call>\n<invoke name="edit_file">\n<parameter name="path">{}</parameter>\n</invoke>\n</minimax:tool_call>'

every_one = pytest.mark.parametrize("dialect", [DIALECTS[name] for name in NAMES], ids=NAMES)
every_wrapped = pytest.mark.parametrize("dialect", [DIALECTS[name] for name in WRAPPED], ids=WRAPPED)


def read(dialect: Dialect, text: str, *tools: ToolSpec) -> tuple[str, list[ToolCall]]:
    """Return the visible text and the calls, having checked that the cuts do not matter."""
    using = grammar([dialect, *(each for each in DIALECTS.values() if each is not dialect and not each.asked)], tools or (EDIT,))
    events = decode_alike(text, using, in_even(text, 1, 3, 7))
    visible = text_among(events)
    return visible, calls_among(events)


def edit(**arguments: Any) -> ToolCall:
    return ToolCall("", "edit_file", arguments)


DSML = [case for case in cases_of("deepseek") if "DSML" in case["raw"]]


@pytest.mark.parametrize("case", DSML, ids=[case["id"] for case in DSML])
@pytest.mark.parametrize("own", ["deepseek_v32", "deepseek_v4", "deepseek_v41"])
def test_each_edition_reads_the_corpus_of_all(own: str, case: dict[str, Any]) -> None:
    reads = [DIALECTS[own], *(each for name, each in DIALECTS.items() if name != own)]
    assert not judge(case, decode_case(case, grammar_of(case, reads), [case["raw"]]))


SAMPLES = {
    "minimax_m2": '<minimax:tool_call><invoke name="f">\n<parameter name="a">1</parameter>\n<parameter name="b">x</parameter>\n</invoke></minimax:tool_call>',
    "deepseek_v32": '<｜DSML｜function_calls>\n<｜DSML｜invoke name="f">\n<｜DSML｜parameter name="a" string="true">1</｜DSML｜parameter>\n<｜DSML｜parameter name="b" string="true">x</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    "deepseek_v41": '<｜DSML｜ calls>\n<｜DSML｜ invoke name="f">\n<｜DSML｜ parameter name="a" string="true">1</｜DSML｜ parameter>\n<｜DSML｜ parameter name="b" string="true">x</｜DSML｜ parameter>\n</｜DSML｜ invoke>\n</｜DSML｜ calls>',
    "step3": '<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="f"><steptml:parameter name="a">1</steptml:parameter><steptml:parameter name="b">x</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>',
    "dots": "<dots_function_call>\n<invoke name=f>\n<parameter name=a>1</parameter>\n<parameter name=b>x</parameter>\n</invoke>\n</dots_function_call>",
    "minicpm5": '<function name="f"><param name="a">1</param><param name="b"><![CDATA[x]]></param></function>',
    "function_calls": '<function_calls><invoke name="f"><parameter name="a">1</parameter><parameter name="b">x</parameter></invoke></function_calls>',
}


@pytest.mark.parametrize(("name", "sample"), SAMPLES.items(), ids=SAMPLES)
def test_the_parsers_own_examples_are_read(name: str, sample: str) -> None:
    visible, calls = read(DIALECTS[name], f"I look.\n{sample}\nDone.", ToolSpec("f"))
    assert calls == [ToolCall("", "f", {"a": "1", "b": "x"})]
    assert visible == "I look.\n\nDone."


@every_one
def test_several_calls_are_read_in_order(dialect: Dialect) -> None:
    calls = [edit(path="/a"), edit(path="/b", text="two\nlines\n"), ToolCall("", "edit_file", {})]
    visible, found = read(dialect, f"Both.\n{dialect.render(calls)}")
    assert (visible.strip(), found) == ("Both.", calls)


VALUES = [
    "x\n",
    "\nx",
    " x ",
    "",
    "a < b && c > d",
    "&lt;",
    "<b>bold</b>",
    "]]>",
    "<![CDATA[x]]>",
    "    indented\n    ",
    "\n\n  ",
]


@every_one
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("behind", ["", "\nDone.", "\n\nMore."])
def test_values_are_text_to_the_character(dialect: Dialect, value: str, behind: str) -> None:
    call = edit(path="/a", text=value)
    assert read(dialect, dialect.render([call]) + behind)[1] == [call]


@every_wrapped
def test_a_call_inside_a_value_is_data(dialect: Dialect) -> None:
    example = dialect.render([edit(path="/example"), edit(path="/b")])
    call = edit(path="/a.md", text=f"So:\n{example}\nand no other way.\n")
    assert read(dialect, dialect.render([call]))[1] == [call]


@every_wrapped
def test_a_closer_inside_a_value_is_data(dialect: Dialect) -> None:
    closers = [line for line in dialect.render([edit(path="/a")]).split("\n") if line.startswith("</")]
    for closer in (*closers, "".join(closers)):
        call = edit(path="/a.md", text=f"before {closer} behind")
        assert read(dialect, dialect.render([call]))[1] == [call]


@every_wrapped
def test_a_value_that_closes_its_own_call_cannot_be_written(dialect: Dialect) -> None:
    head, value, tail = dialect.render([edit(path="VALUE")]).partition("VALUE")
    for hostile in (f"x{tail}\n{head}y", f"x{tail}"):
        with pytest.raises(Unwritable):
            dialect.render([edit(path=hostile)])
    assert head
    assert value


@every_one
def test_names_and_arguments_that_no_tag_carries_cannot_be_written(dialect: Dialect) -> None:
    for call in (
        ToolCall("", 'a"b', {}),
        ToolCall("", "f", {'k"k': "v"}),
        ToolCall("", "f", {"a b>": "v"}),
        ToolCall("", "f", "text"),
    ):
        with pytest.raises(Unwritable):
            dialect.render([call])


@every_one
def test_a_call_that_the_text_cuts_is_not_whole(dialect: Dialect) -> None:
    block = dialect.render([edit(path="/a", text="rm -rf /tmp")])
    [call] = read(dialect, block[: block.index("/tmp")])[1]
    assert not call.whole


@every_wrapped
def test_openers_in_prose_are_text(dialect: Dialect) -> None:
    opener = dialect.render([edit(path="/a")]).partition("\n")[0]
    text = f"The tag {opener} wraps calls.\nA call follows {opener}, then."
    assert read(dialect, text) == (text, [])


@pytest.mark.parametrize("name", ["minimax_m2", "function_calls", "dots"])
def test_a_call_without_its_wrapper_must_name_a_declared_tool(name: str) -> None:
    block = '<invoke name="{}">\n<parameter name="path">/a</parameter>\n</invoke>'
    for spelling in ("edit_file", "Edit-File", "functions.edit_file"):
        [call] = read(DIALECTS[name], f"So:\n{block.format(spelling)}")[1]
        assert call == ToolCall("", spelling, {"path": "/a"})
    for text in (block.format("other"), f"Write {block.format('edit_file')} to edit."):
        assert not read(DIALECTS[name], text)[1]


def test_the_wrapper_of_function_calls_is_no_proof_either() -> None:
    block = '<function_calls>\n<invoke name="{}">\n</invoke>\n</function_calls>'
    assert read(DIALECTS["function_calls"], block.format("edit_file"))[1]
    assert not read(DIALECTS["function_calls"], block.format("other"))[1]


def test_special_markers_are_calls_whatever_they_name() -> None:
    block = MINIMAX.format("/a").replace("edit_file", "made_up")
    assert read(DIALECTS["minimax_m2"], block)[1] == [ToolCall("", "made_up", {"path": "/a"})]


@pytest.mark.parametrize(
    ("bar", "blank", "section"),
    [("｜", "", "tool_calls"), ("‖", "", "function_calls"), ("|", "", "tool_calls"), ("‖", " ", "calls")],
)
def test_dsml_is_read_in_every_spelling(bar: str, blank: str, section: str) -> None:
    mark = f"{bar}DSML{bar}{blank}"
    block = f'<{mark}{section}><{mark}invoke name="edit_file"><{mark}parameter name="line" string="false">3</{mark}parameter></{mark}invoke></{mark}{section}>'
    for name in ("deepseek_v32", "deepseek_v4", "deepseek_v41"):
        assert read(DIALECTS[name], f"Yes.{block}") == ("Yes.", [edit(line=3)])


def test_dsml_without_its_section_is_a_call() -> None:
    block = '<｜DSML｜invoke name="f"><｜DSML｜parameter name="a" string="true">1</｜DSML｜parameter></｜DSML｜invoke>'
    assert read(DIALECTS["deepseek_v4"], block)[1] == [ToolCall("", "f", {"a": "1"})]


TYPED = [3, 2.5, True, None, [1, "a"], {"k": [None]}, "3", "true", "[1]", '{"k": 1}', ""]


@pytest.mark.parametrize("value", TYPED, ids=repr)
@pytest.mark.parametrize("name", ["deepseek_v32", "deepseek_v4", "deepseek_v41"])
def test_dsml_keeps_types_by_itself(name: str, value: Any) -> None:
    dialect = DIALECTS[name]
    [call] = read(dialect, dialect.render([ToolCall("", "f", {"a": value})]))[1]
    assert isinstance(call.arguments, dict)
    assert call.arguments["a"] == value
    assert type(call.arguments["a"]) is type(value)


def test_json_that_is_none_stays_text() -> None:
    block = '<｜DSML｜tool_calls><｜DSML｜invoke name="f"><｜DSML｜parameter name="a" string="false">{3</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>'
    assert read(DIALECTS["deepseek_v4"], block)[1] == [ToolCall("", "f", {"a": "{3"})]


def test_an_element_that_closes_itself_is_a_call() -> None:
    block = (
        '<function_calls><invoke name="edit_file"/><invoke name="edit_file"><parameter name="path"/></invoke></function_calls>'
    )
    assert read(DIALECTS["function_calls"], block)[1] == [ToolCall("", "edit_file", {}), edit(path="")]


def test_an_empty_element_without_a_name_is_nothing() -> None:
    inner = '<invoke name="edit_file">\n<parameter name="path">/a</parameter>\n</invoke>'
    for body in (f"<invoke>\n</invoke>\n{inner}", f"{inner}\n<invoke></invoke>"):
        assert read(DIALECTS["dots"], f"<dots_function_call>\n{body}\n</dots_function_call>") == ("", [edit(path="/a")])


def test_a_wrapper_that_opens_twice_is_one() -> None:
    block = '<dots_function_call><dots_function_call>\n<invoke name="edit_file"> </invoke>\n</dots_function_call>'
    assert read(DIALECTS["dots"], block) == ("", [ToolCall("", "edit_file", {})])


def test_what_follows_a_parameter_decides_whether_it_ended() -> None:
    undeclared = 'x</parameter>\n<parameter name="made_up">y'
    many = f"first\nsecond {undeclared}"
    [short] = read(DIALECTS["minimax_m2"], MINIMAX.format(undeclared))[1]
    assert short == edit(path="x", made_up="y")
    [long] = read(DIALECTS["minimax_m2"], MINIMAX.format(many))[1]
    assert isinstance(long.arguments, str)  # a file that shows a parameter, or one that the model made up: it is asked


@pytest.mark.parametrize("value", ["&amp;lt;", "a &lt; b", "<![CDATA[a < b]]>"])
def test_minicpm_decodes_entities_outside_cdata(value: str) -> None:
    meant = {"&amp;lt;": "&lt;", "a &lt; b": "a < b", "<![CDATA[a < b]]>": "a < b"}[value]
    block = f'<function name="edit_file"><param name="path">{value}</param></function>'
    assert read(DIALECTS["minicpm5"], block)[1] == [edit(path=meant)]


def test_minicpm_carries_everything_in_cdata() -> None:
    value = 'a\n</param></function>\n<function name="f">]]>\n<![CDATA[b]]>'
    call = edit(path="/a", text=value)
    assert read(DIALECTS["minicpm5"], f"{DIALECTS['minicpm5'].render([call])}\nDone.")[1] == [call]


@every_one
def test_time_is_linear_in_hostile_texts(dialect: Dialect) -> None:
    block = dialect.render([ToolCall("", "f", {"a": "x"})])
    head = block[: block.index("x</")]
    for unit in (block[block.index("</") :].replace("\n", " ") + "x", "</", "<", block):
        assert decodes_linearly([dialect], unit, head, size=10_000)
