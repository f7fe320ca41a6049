"""The laws that every registered client keeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Client
from adapters.models import native
from adapters.registry import CLIENTS
from rules.conversation import ToolCall, Turn
from tests.adapters.clients.openhands_prompt import system_prompt

every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
awkward = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["x\n", "\nx", "a\nb", "</parameter>", "<parameter=path>", "</function", "<function=x>\n", "[1]", "{}", "null", " x "]
    ),
)
arguments = st.fixed_dictionaries(
    {"command": awkward}, optional={"path": awkward, "view_range": st.lists(st.integers(), max_size=2)}
)


def history(client: Client, turn: Turn) -> dict[str, Any]:
    """Write a conversation in which the client has taken this turn, as the client itself would send it back."""
    taken = client.express(turn)
    first: list[dict[str, Any]] = [{"role": "user", "content": "go"}, native.message_of(taken)]
    if client.name != "openhands_text":
        result = [{"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in taken.calls]
        return {"messages": [*first, *result]}
    shown = [{"role": "user", "content": f"EXECUTION RESULT of [{call.name}]:\nok"} for call in turn.calls]
    return {"messages": [{"role": "system", "content": system_prompt()}, *first, *shown]}


@every_client
@settings(max_examples=300, deadline=None)
@given(given_arguments=arguments, prose=st.sampled_from(["", "I will edit it.", "Two\n\nparagraphs."]))
def test_it_reads_back_what_it_was_given(client: Client, given_arguments: dict[str, Any], prose: str) -> None:
    call = ToolCall("call_2", "editor", given_arguments)
    turn = Turn("assistant", prose, calls=(call,))
    taken = client.express(turn)
    conversation = client.read(history(client, turn))
    read = next(each for each in conversation.turns if each.role == "assistant")
    if taken.calls:
        assert taken.calls == (call,)
        assert taken.text == prose
    else:
        assert read.text == prose
        assert [(each.name, each.arguments) for each in read.calls] == [(call.name, given_arguments)]


@every_client
@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=80))
def test_a_turn_without_a_call_stays_as_it_is(client: Client, text: str) -> None:
    turn = Turn("assistant", text)
    assert client.express(turn) == turn


@every_client
def test_a_longer_history_keeps_the_shorter_ones_bytes(client: Client) -> None:
    messages: list[dict[str, Any]] = [{"role": "system", "content": system_prompt()}]
    messages += [{"role": "user", "content": "go"}, {"role": "assistant", "content": "One."}, {"role": "user", "content": "more"}]
    messages += [{"role": "assistant", "content": "<function=editor>\n<parameter=command>view</parameter>\n</function>"}]
    messages += [{"role": "user", "content": "EXECUTION RESULT of [editor]:\nok"}, {"role": "assistant", "content": "Two."}]
    full = native.messages(client.read({"messages": messages}))
    for length in (3, 6):
        shorter = native.messages(client.read({"messages": messages[:length]}))
        assert full[: len(shorter)] == shorter
