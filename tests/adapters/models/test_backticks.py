"""Commands in fences: which fences are commands, where they end, what is quoted, what is invented, in every cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Dialect, Text, Unwritable
from adapters.decoding import decoder_for
from adapters.grammar import grammar
from adapters.models.backticks import BACKTICKS, MSWEA_FENCE
from adapters.models.shell_fence import SHELLS
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import text_among
from tests.adapters.models.shell_cases import BASH, EDIT, TOOLS, calls_in, events_of, runs

BOTH = pytest.mark.parametrize("dialect", [BACKTICKS, MSWEA_FENCE], ids=["backticks", "mswea_fence"])
INFO = {"backticks": "bash", "mswea_fence": "mswea_bash_command"}


def fenced(command: str, info: str = "bash", ticks: str = "```") -> str:
    return f"{ticks}{info}\n{command}\n{ticks}"


@pytest.mark.parametrize("info", sorted(SHELLS | {"Bash", " sh ", "bash\t"}))
def test_a_fence_of_a_shell_or_of_none_is_a_command(info: str) -> None:
    events = events_of(f"THOUGHT: look\n\n{fenced('ls -la', info)}\n", BACKTICKS)
    assert calls_in(f"THOUGHT: look\n\n{fenced('ls -la', info)}\n", BACKTICKS) == [runs("ls -la")]
    assert text_among(events).strip() == "THOUGHT: look"


@pytest.mark.parametrize("info", ["python", "json", "text", "diff", "console", "bashrc", "bash title", "ba", "mswea"])
def test_any_other_fence_is_text(info: str) -> None:
    for text in (fenced("ls -la", info), f"So:\n{fenced('ls', info)}\nand no more.", f"```{info}\nls"):
        assert events_of(text, BACKTICKS) == [Text(text)]
        assert events_of(text, MSWEA_FENCE) == [Text(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Use `ls -la` to list.",
        "Run ```ls``` first.",
        "A fence begins with ```bash and a newline.",
        f"- see:\n> {fenced('ls')}",
        "````md\n```bash\nls\n```\n````\n",
        "```python\nx = 1\n```\nand so on",
        "```\n```bash\nls\n```\n```\nand no more.",
        "```bash\n```",
        "```\n \n```",
        "~~~\n```bash\nls\n```\n~~~",
    ],
)
def test_what_is_quoted_or_empty_is_text(text: str) -> None:
    assert events_of(text, BACKTICKS) == [Text(text)]


def test_without_one_shell_tool_no_fence_is_a_command() -> None:
    other = ToolSpec("shell", "", BASH.parameters)
    free = ToolSpec("run", "", {"type": "object", "properties": {"command": {"type": "string", "enum": ["a"]}}})
    for tools in ((), (EDIT,), (BASH, other), (free,)):
        for info in INFO.values():
            assert calls_in(fenced("ls", info), BACKTICKS, MSWEA_FENCE, tools=tools) == []
    [call] = calls_in(fenced("ls"), BACKTICKS, tools=(other, EDIT))
    assert call == ToolCall("", "shell", {"command": "ls"})


def test_the_fence_of_mini_swe_agent_counts_behind_a_colon_too() -> None:
    block = fenced("ls", "mswea_bash_command")
    for text in (block, f"### Look:{block}", f"<think>hm</think>{block}\nI wait.", fenced("ls", "mswea_bash_command", "````")):
        assert calls_in(text, MSWEA_FENCE) == [runs("ls")]
    for text in (f"So:\n```\n{block}\n```\n", f"Not `{block}` so.", f"> {block}"):
        assert calls_in(text, MSWEA_FENCE) == []


@BOTH
def test_what_is_invented_behind_a_command_is_dropped(dialect: Dialect) -> None:
    block = fenced("ls", INFO[dialect.name])
    text = f"Look.\n{block}\n\n<returncode>0</returncode>\n<output>\na.py\n</output>\n{block}\nDone."
    assert calls_in(text, dialect) == [runs("ls")]
    assert text_among(events_of(text, dialect)).strip() == "Look."
    assert text_among(events_of("The <output> is:\n<output>\n1", dialect)) == "The <output> is:\n<output>\n1"
    for marker in ("OBSERVATION:\n", "Observation: "):
        assert "secret" not in text_among(events_of(f"{fenced('ls')}\n{marker}secret", BACKTICKS))


@BOTH
@pytest.mark.parametrize(
    "command",
    [
        "cat > a.md <<'EOF'\n```python\nx = 1\n```\nEOF",
        "cat > a.md <<EOF\n```\nplain\n```\n\n```sh\nls\n```\nEOF\nls",
        'cat > a.md <<-"THE END"\n\t```\n\tTHE END',
        "cat <<A > a; cat <<B > b\n```\nA\n```\nB\nls",
        "cat <<\\EOF\n```\nEOF",
        "cat <<EOF\n<output>\n```\n<returncode>\nEOF",
        "grep x <<< 'y'",
        "  indented\n\n\ttab\n",
        "\nls",
        "echo '```' and ``` here",
        "edit 1:1\n    x = 1\nend_of_edit",
        "python - <<'PY'\nprint('''\n````\n''')\nPY",
    ],
)
def test_a_command_is_kept_whole(dialect: Dialect, command: str) -> None:
    for text in (fenced(command, INFO[dialect.name]), f"Look.\n{fenced(command, INFO[dialect.name])}\nI wait."):
        assert calls_in(text, dialect) == [runs(command)]


def test_fences_inside_a_fence() -> None:
    assert calls_in(fenced("a <<EOF\n```", "bash", "````") + "\n```\nx\n```", BACKTICKS) == [runs("a <<EOF\n```"), runs("x")]
    assert calls_in("```bash\necho '\n```python\nx\n```\n'\n```", BACKTICKS) == [runs("echo '\n```python\nx\n```\n'")]
    assert calls_in("```bash\nls\n```bash\npwd\n```", BACKTICKS) == [runs("ls", whole=False), runs("pwd")]


def test_a_shift_or_a_terminator_that_was_forgotten_does_not_swallow_the_answer() -> None:
    for command in ("echo $((1 << n))", "cat <<EOF\nx"):
        block = fenced(command)
        assert calls_in(f"{block}\nI wait.", BACKTICKS) == [runs(command)]
        assert calls_in(f"{block}\n\n{fenced('pwd')}", BACKTICKS) == [runs(command), runs("pwd")]
        assert calls_in(f"{block}\nOBSERVATION:\nnone", BACKTICKS) == [runs(command)]
    twice = fenced("cat <<EOF\nx") + "\n" + fenced("cat <<EOF\ny\nEOF")
    assert calls_in(twice, BACKTICKS) == [runs("cat <<EOF\nx"), runs("cat <<EOF\ny\nEOF")]


def test_where_nobody_can_tell_the_end_nobody_reads() -> None:
    for text in (f"{fenced('cat <<EOF')}\nthen\n{fenced('ls', '')}", "```bash\nls\n```python\nx\n"):
        [call] = calls_in(text, BACKTICKS)
        assert (call.name, isinstance(call.arguments, str)) == ("", True)


def test_a_fence_that_is_not_closed_is_not_whole() -> None:
    for end in ("", "\n", "<|im_end|>", "\n<turn|>\n"):
        [call] = calls_in(f"Look.\n```bash\nls -la{end}", BACKTICKS)
        assert (call.arguments, call.whole) == ({"command": "ls -la"}, False)
    assert calls_in("```bash\nls -la```", BACKTICKS) == [runs("ls -la")]
    assert calls_in("```bash\nls -la```\n", BACKTICKS)[0].whole is False
    assert calls_in("```bash\ncat <<EOF\nx", BACKTICKS) == [runs("cat <<EOF\nx", whole=False)]


CALL = '{"name": "edit", "arguments": {"path": "/a"}}'


def test_json_in_a_fence_is_a_call_of_a_declared_tool() -> None:
    made = ToolCall("", "edit", {"path": "/a"})
    for text in (
        fenced(CALL, "json"),
        f"I edit.\n{fenced(CALL, 'json')}",
        f"{fenced(CALL, 'json')}\nThen I wait.",
        f"So.\n{fenced(CALL, 'json')}\nOBSERVATION: done",
        f"So.\n{fenced(CALL, 'json')}<|im_end|>",
        f"```json\n{CALL}",
    ):
        assert calls_in(text, BACKTICKS) == [made]
    assert calls_in(f"So.\n{fenced(CALL, 'json')}\n\n{fenced('ls')}", BACKTICKS) == [made, runs("ls")]
    for text in (
        f"Write\n{fenced(CALL, 'json')}\nso.",
        fenced('{"name": "marek", "arguments": {}}', "json"),
        fenced('{"path": "edit"}', "json"),
        fenced("edit", "json"),
        fenced(CALL, "js"),
    ):
        assert events_of(text, BACKTICKS) == [Text(text)]


def test_json_that_is_cut_is_not_whole() -> None:
    [call] = calls_in(f"```json\n{CALL[:-9]}", BACKTICKS)
    assert (call.name, call.whole, isinstance(call.arguments, str)) == ("edit", False, True)


def test_prose_and_other_fences_are_released_at_once() -> None:
    for text in ("Plain `code` and ```", "```python\nimport os\n", "```bashful\n", "````text\n"):
        decoder = decoder_for(grammar((BACKTICKS, MSWEA_FENCE), TOOLS))
        held = len(text) - len("".join(event.raw for event in decoder.feed(text)))
        assert held <= len("```")


PIECES = st.sampled_from(
    ["```", "````", "bash", "python", "json", "mswea_bash_command", "\n", "\n", " ", "cat <<EOF", "EOF", "<<-'X'", "X", "\t", "ls", "`",
     "<output>", "OBSERVATION:", CALL, "<|im_end|>", "{"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=24).map("".join))
def test_cuts_do_not_matter(text: str) -> None:
    events_of(text, BACKTICKS, MSWEA_FENCE)


LINES = [
    "```",
    "````",
    "```bash",
    "   ```",
    "EOF",
    "cat <<EOF",
    "cat <<'X'",
    "X",
    "",
    " ",
    "ls",
    "<output>",
    "`",
    "x```",
    "OBSERVATION:",
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), min_size=1, max_size=3),
    st.sampled_from(["", "I look."]),
)
def test_a_fence_carries_every_command(commands: list[str], prose: str) -> None:
    calls = [runs(command) for command in commands if command.strip()]
    for dialect in (BACKTICKS, MSWEA_FENCE):
        text = f"{prose}\n{dialect.render(calls)}"
        decoder = decoder_for(grammar((dialect,), TOOLS))
        events = [*decoder.feed(text), *decoder.finish()]
        assert [event.call for event in events if hasattr(event, "call")] == calls
        assert text_among(events).strip() == prose


def test_only_a_plain_command_is_written_as_one() -> None:
    assert BACKTICKS.render((ToolCall("", "bash", {"command": "ls", "timeout": 3}),)).startswith("```json\n")
    assert BACKTICKS.render((ToolCall("", "editor", {"command": "view"}),)).startswith("```json\n")
    for call in (ToolCall("", "edit", {"path": "/a"}), ToolCall("", "bash", {"command": " "}), ToolCall("", "bash", "ls")):
        with pytest.raises(Unwritable):
            MSWEA_FENCE.render((call,))
    for arguments in ("text", {"a": float("nan")}):
        with pytest.raises(Unwritable):
            BACKTICKS.render((ToolCall("", "edit", arguments),))  # type: ignore[arg-type] - one is text


def test_the_prompt_shows_both_forms_where_there_are_both() -> None:
    both, shell, other = (BACKTICKS.describe(tools) for tools in (TOOLS, (BASH,), (EDIT,)))
    assert fenced("ls -la") in both
    assert fenced("ls -la") in shell
    assert fenced("ls -la") not in other
    assert [text.count("```json") for text in (both, shell, other)] == [1, 0, 1]
    assert fenced("ls -la", "mswea_bash_command") in MSWEA_FENCE.describe(TOOLS)
    assert BACKTICKS.describe(()) == MSWEA_FENCE.describe(()) == ""


@pytest.mark.parametrize("head", ["", "```bash\n", "```bash\ncat <<EOF\n", "```json\n{"])
@pytest.mark.parametrize(
    "unit", ["```", "```\n", "```bash\n", "```bash\nls\n```\n", "`", "<<X", "<<X\n", "```\nX\n", "```json\n{\n", "a", "\n"]
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly((BACKTICKS, MSWEA_FENCE), unit, head, size=10_000)
