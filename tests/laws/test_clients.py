"""The laws that every registered client keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Client, Unwritable
from adapters.clients.shell_text import bears_trimming
from adapters.models import native
from adapters.registry import CLIENTS
from proxy.body import read_body
from proxy.plan import make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, Settings
from rules.conversation import Conversation, Json, ToolCall, Turn
from tests.adapters.clients.judges import JUDGES, Action, line
from tests.adapters.clients.prompts import REQUESTS
from tests.linear import grows_linearly

every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
acting = pytest.mark.parametrize(
    "client", [client for client in CLIENTS if client.name in JUDGES], ids=lambda client: client.name
)

MARKS = [
    *("```", "```\n", "\n```", "```bash\nls\n```", "```mswea_bash_command\nrm x\n```", "\n```mswea_bash_command \n", "`"),
    *("<command>", "</command>", "<command>\nrm x\n</command>", "<mswea_bash_command>rm x</mswea_bash_command>"),
    *(
        "</mswea_bash_command>",
        "<function=bash>\n",
        "<function=x>\n<parameter=command>rm x</parameter>\n</function>",
        "</function",
    ),
    *(
        "</parameter>",
        "<parameter=path>",
        "<parameter=path=x",
        "<read_file>\n<path>x</path>\n</read_file>",
        "</path>",
        "</content>",
    ),
    *("</write_to_file>", "<content>", "</execute_command>", "</command>x", "</think>", "<tool_call>"),
    *(
        "[1]",
        "{}",
        "null",
        '{"a": "b"}',
        "-x",
        "--path",
        "'",
        '"',
        "\\",
        "\\ ",
        "$HOME",
        "$(id)",
        "!!",
        " x ",
        "\tx",
        "x\n",
        "\nx",
    ),
    *("cat <<'EOF'\n```\nEOF", "a\nb", "\x00", "\u00a0", "\r\n", "é€😀", "submit", "end_of_edit"),
]
awkward = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(MARKS), max_size=4).map("".join))
prose = st.one_of(st.sampled_from(["", "I will edit it.", "Two\n\nparagraphs."]), awkward)


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Make values of the kinds that clients' tools take."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "integer" | "number":
            return st.integers(-1, 99)
        case "array":
            return st.lists(st.integers(-1, 99), min_size=2, max_size=2)
        case _:
            return awkward


@st.composite
def calls(draw: st.DrawFn, within: Conversation) -> ToolCall:
    """Make a call of a declared tool, right by its schema."""
    tool = draw(st.sampled_from(within.tools))
    schema: Any = tool.parameters
    made = {name: values(each) for name, each in schema["properties"].items()}
    required = {name: each for name, each in made.items() if name in schema.get("required", ())}
    optional = {name: each for name, each in made.items() if name not in required}
    return ToolCall("call_2", tool.name, draw(st.fixed_dictionaries(required, optional=optional)))


def same(client: Client, call: ToolCall, found: Action) -> bool:
    """Tell whether what a client found does what the call says."""
    assert not isinstance(call.arguments, str)
    if call.name == "bash":
        wanted = str(call.arguments["command"])
        kept = {wanted.rstrip("\n")} | ({wanted.strip()} if bears_trimming(wanted) else set())
        return found in [line(each) for each in kept] or found == ("bash", wanted)
    if client.name == "cline_xml":
        return found == (call.name, {name: written(value).strip() for name, value in call.arguments.items()})
    if client.name == "openhands_text":
        return found == (call.name, {name: written(value) for name, value in call.arguments.items()})
    return found == (call.name, dict(call.arguments))


def written(value: Json) -> str:
    """Write a value as text formats do."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def excused(client: Client, call: ToolCall) -> bool:
    """Tell whether a call holds what nobody can carry, so that the model has to be asked."""
    texts = [written(value) for value in dict(call.arguments).values()]  # type: ignore[arg-type]
    if client.name == "cline_xml":
        ends = ("</", "<content>", "\x00")  # `content` is looked for in all of a call
        return any(any(end in text for end in ends) or text != text.lstrip("\n") or text != text.lstrip() for text in texts)
    return any("\x00" in text for text in texts)


@acting
@settings(max_examples=150, deadline=None)
@given(data=st.data(), text=prose)
def test_its_own_parser_finds_exactly_the_call(client: Client, data: st.DataObject, text: str) -> None:
    within = client.read(REQUESTS[client.name]())
    call = data.draw(calls(within))
    try:
        taken = client.express(Turn("assistant", text, calls=(call,)), within)
    except Unwritable:
        assert excused(client, call)
        return
    if taken.calls:
        assert client.name == "openhands_text"
        assert taken.calls == (call,)
        assert JUDGES[client.name](taken.text) == []
        return
    [found] = JUDGES[client.name](taken.text)
    assert same(client, call, found)


@acting
@settings(max_examples=100, deadline=None)
@given(text=prose)
def test_prose_holds_no_action(client: Client, text: str) -> None:
    within = client.read(REQUESTS[client.name]())
    said = client.express(Turn("assistant", text), within)
    if client.name not in ("swe_agent_action", "swe_agent_json"):  # where the whole text is the action, it may be one
        assert JUDGES[client.name](said.text) == []
    assert said.calls == ()


@every_client
@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_characters="`<"), max_size=80))
def test_plain_prose_stays_as_it_is(client: Client, text: str) -> None:
    turn = Turn("assistant", text)
    assert client.express(turn, client.read(REQUESTS[client.name]())) == turn


@every_client
@settings(max_examples=100, deadline=None)
@given(data=st.data(), text=st.sampled_from(["", "I will edit it.", "Two\n\nparagraphs."]))
def test_a_history_that_it_wrote_is_read_back(client: Client, data: st.DataObject, text: str) -> None:
    body = REQUESTS[client.name]()
    within = client.read(body)
    if not within.tools:
        return
    call = data.draw(calls(within))
    try:
        taken = client.express(Turn("assistant", text, calls=(call,)), within)
    except Unwritable:
        return
    *_, acted, result = client.read(
        {**body, "messages": [*body["messages"], native.message_of(taken), *results(client, call, taken)]}
    ).turns
    if taken.calls:
        assert (taken.calls, taken.text) == ((call,), text)
        return
    assert acted.text == ("" if client.name == "swe_agent_action" else text)
    [made] = acted.calls
    assert (result.role, result.answers) == ("tool", made.id)
    if client.name in ("cline_xml", "openhands_text"):
        assert same(client, call, (made.name, {name: written(value) for name, value in dict(made.arguments).items()}))
    else:
        assert same(client, call, line(made.arguments["command"]) if made.name == "bash" else seen(made))  # type: ignore[index,arg-type]


def seen(call: ToolCall) -> Action:
    """Return a call of the editor with numbers for numbers, which a text format shows as text."""
    arguments = dict(call.arguments)  # type: ignore[arg-type]
    return call.name, {
        name: json.loads(str(value)) if name in ("view_range", "insert_line") else value for name, value in arguments.items()
    }


def results(client: Client, call: ToolCall, taken: Turn) -> list[dict[str, Any]]:
    """Write the result of a call as the client sends it."""
    if taken.calls:
        return [{"role": "tool", "tool_call_id": each.id, "content": "ok"} for each in taken.calls]
    return [{"role": "user", "content": f"EXECUTION RESULT of [{call.name}]:\nok" if client.name == "openhands_text" else "ok"}]


@every_client
def test_it_is_recognised_by_its_first_request(client: Client) -> None:
    body = REQUESTS[client.name]()
    found = next(each for each in CLIENTS if each.recognises(body))
    assert found is client or client.name == "swe_agent_action"


@every_client
def test_a_longer_history_keeps_the_shorter_ones_bytes(client: Client) -> None:
    body = REQUESTS[client.name]()
    within = client.read(body)
    messages = list(body["messages"])
    lengths = [len(messages)]
    for number in range(3):
        tool = next((each for each in within.tools if each.name in ("bash", "execute_bash", "execute_command")), None)
        call = ToolCall(f"call_{number}", tool.name, {"command": f"ls {number}"}) if tool else None
        taken = client.express(Turn("assistant", "Look.", calls=(call,) if call else ()), within)
        messages += [native.message_of(taken), *(results(client, call, taken) if call else [{"role": "user", "content": "more"}])]
        lengths.append(len(messages))
    full = sent(client, {**body, "messages": messages})
    for length in lengths:
        shorter = sent(client, {**body, "messages": messages[:length]})
        assert full[: len(shorter)] == shorter


PIECES = (
    *("```", "```x\n", "```mswea_bash_command\n", "<mswea_bash_command>", "<command>", "</command>", "<function=a>\n"),
    *(
        "<parameter=b>",
        "<read_file>\n",
        "<path>",
        '{"a":',
        "bash:\n  docstring: ",
        "## read_file\nDescription: ",
        "- a: (required)\n",
    ),
    *("---- BEGIN FUNCTION #1: x ----\n", "bash -c '", "\n", " ", "\\"),
)


@every_client
def test_reading_and_writing_cost_linear_time(client: Client) -> None:
    body = REQUESTS[client.name]()

    def work(text: str) -> object:
        said = [{"role": role, "content": text} for role in ("assistant", "user")]
        first, *rest = body["messages"]
        within = client.read({**body, "messages": [{**first, "content": first["content"] + text}, *rest, *said]})
        for each in CLIENTS:
            each.recognises({"messages": [{"role": "system", "content": text}, *said]})
        return client.express(Turn("assistant", text), within)

    for piece in PIECES:
        assert grows_linearly(work, lambda size, piece=piece: piece * (size // len(piece)), 20_000), piece  # type: ignore[misc]


def sent(client: Client, body: dict[str, Any]) -> list[Any]:
    """Return the messages that go upstream."""
    prefix = "/swe-agent/action" if client.name == "swe_agent_action" else ""
    plan = make_plan(read_body(json.dumps(body).encode(), Limits()), Settings(upstream="http://x"), load(), prefix=prefix)
    assert plan.client is client
    messages: list[Any] = json.loads(upstream_body(plan, frozenset(), Question())).get("messages")
    return messages
