"""Histories as clients send them, and worse: a list of events, each of them some messages that hang together."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, TypeAlias

from hypothesis import strategies as st

from adapters.base import Message
from adapters.history.samples import asks, call, part, result, says, told

Event: TypeAlias = list[Message]

TEXTS = st.sampled_from(["a", "ls -la", "b\n\nc", " d", "{", "e é"])
ARGUMENTS = st.sampled_from([
    '{"command": "ls"}', '{"command":"x" }', "{'command': 'y'}", '"{\\"command\\": \\"z\\"}"', '{"command": "cut', "[1]", "null", "",
    '{"_openhands_malformed_tool_call": true, "error": "Refused."}', None, 5, {"command": "o"}, ["p"],
])  # fmt: skip
IDS = st.sampled_from(["c1", "c2", "c3", "", None, 7, "c00000002"])
CONTENTS = st.none() | TEXTS | st.just([]) | TEXTS.map(lambda text: [part(text)]) | TEXTS.map(lambda text: [part(text, cache=1)])
NAMES = st.sampled_from(["bash", "finish", "", None])


def _called(calls: list[Any], ids: list[Any], content: Any, extra: list[Message]) -> Event:
    """Build a turn with calls: each result names the id that stands at its place, which may be another call's."""
    message: Message = {**asks(*calls), "content": content}
    results = [{**result("", f"r{at}"), "tool_call_id": each} for at, each in enumerate(ids)]
    return [message, *results, *extra]


CALLS = st.builds(call, IDS, ARGUMENTS, NAMES) | st.sampled_from(
    [{}, {"id": "c1"}, {"id": "c2", "function": {"name": "bash"}}, "x"]
)
GOOD = st.sampled_from(["c1", "c2", "c3", "c4"]).map(lambda each: [asks(call(each)), result(each, "fine")])
ORPHAN: Message = {"role": "function", "name": "bash", "content": "late"}
EVENTS: st.SearchStrategy[Event] = st.one_of(
    GOOD,
    st.builds(
        _called,
        st.lists(CALLS, min_size=1, max_size=3),
        st.lists(IDS, max_size=4),
        CONTENTS,
        st.sampled_from([[], [], [ORPHAN]]),
    ),
    TEXTS.map(lambda text: [told(text)]),
    TEXTS.map(lambda text: [told([part(text, cache_control={"type": "ephemeral"})])]),
    st.just([told("An error.")]),
    st.sampled_from(["", None, [], "Done.", "<think>Hm.</think>\n\nDone.", "<think>Hm.", "Hm.\n</think>\nDone.", [part(" ")]])
    .map(lambda content: [says(content), told("Go on.")]),
    st.just([says("Done.", reasoning_content="Hm."), told("Go on.")]),
    st.just([told("And?"), ORPHAN]),
    st.sampled_from(["system", "developer"]).map(lambda role: [{"role": role, "content": "Mind this."}]),
)  # fmt: skip
HISTORIES = st.lists(EVENTS, min_size=1, max_size=8).map(
    lambda events: [[{"role": "system", "content": "You help."}, told("Fix it.")], *events]
)


def requests(events: list[Event]) -> list[list[Message]]:
    """Return the histories that are asked with on the way: no request ends with the model's own words, or among results."""
    whole = [message for event in events for message in event]
    ends = accumulate(len(event) for event in events)
    return [whole[:end] for end in ends if _asks(whole[end - 1], whole[end : end + 1])]


def _asks(last: Message, following: list[Message]) -> bool:
    return last["role"] != "assistant" and not any(each["role"] in ("tool", "function") for each in following)
