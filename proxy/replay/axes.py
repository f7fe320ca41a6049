"""What can be left out of a request: tools, messages (calls and their results together), properties of the tools' schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Body = Mapping[str, Any]
"""A chat request's JSON body."""

Unit = tuple[Any, ...]
"""What can be left out on its own: names its place, or its places."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One kind of thing that a request has many of.

    name   what they are called
    count  how many there are
    units  what may be left out
    keep   a body with these units of its own, and what may not be left out
    """

    name: str
    count: Callable[[Body], int]
    units: Callable[[Body], list[Unit]]
    keep: Callable[[Body, Sequence[Unit]], Body]


def _tools(body: Body) -> list[Any]:
    return list(body.get("tools") or ())


def _keep_tools(body: Body, kept: Sequence[Unit]) -> Body:
    places = {place for (place,) in kept}
    tools = [tool for place, tool in enumerate(_tools(body)) if place in places]
    others = {key: value for key, value in body.items() if key not in ("tools", "tool_choice")}
    return {**body, "tools": tools} if tools else others


def _groups(body: Body) -> list[Unit]:
    """Return the places of messages that belong together: calls with their results, as ids say or, without ids, the order.

    Without `tools` calls stand in the text, and what the user says behind an answer is its result.
    """
    structured = bool(body.get("tools"))
    groups: list[list[int]] = []
    owners: dict[str, list[int]] = {}
    for place, message in enumerate(body["messages"]):
        group = _owner(message, owners, groups[-1] if groups else [], body, structured=structured)
        if group is None:
            groups.append([])
            group = groups[-1]
        group.append(place)
        owners |= {str(call.get("id")): group for call in _calls(message) if call.get("id")}
    return [tuple(group) for group in groups]


def _owner(message: Body, owners: Mapping[str, list[int]], last: list[int], body: Body, *, structured: bool) -> list[int] | None:
    """Return the group whose call a message answers; None: it begins one."""
    role = message.get("role")
    opener = body["messages"][last[0]] if last else {}
    if role in ("tool", "function"):
        return owners.get(str(message.get("tool_call_id"))) or (last if _calls(opener) else None)
    answers = not structured and role == "user" and opener.get("role") == "assistant"
    return last if answers and len(last) == 1 else None


def _calls(message: Body) -> list[Any]:
    calls = message.get("tool_calls")
    return [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []


def _fixed(body: Body) -> set[int]:
    """Return the places of what is never left out: the last message, and what the user said last, which templates insist on."""
    messages = body["messages"]
    users = [place for place, message in enumerate(messages) if message.get("role") == "user"]
    return {len(messages) - 1, *users[-1:]}


def _free_groups(body: Body) -> list[Unit]:
    fixed = _fixed(body)
    return [group for group in _groups(body) if fixed.isdisjoint(group)]


def _keep_messages(body: Body, kept: Sequence[Unit]) -> Body:
    left_out = {place for group in _free_groups(body) if group not in kept for place in group}
    return {**body, "messages": [each for place, each in enumerate(body["messages"]) if place not in left_out]}


def _properties(body: Body) -> list[Unit]:
    return [(place, name) for place, tool in enumerate(_tools(body)) for name in _schema(tool).get("properties") or ()]


def _schema(tool: Any) -> Body:
    function = tool.get("function") if isinstance(tool, dict) else None
    schema = function.get("parameters") if isinstance(function, dict) else None
    proper = isinstance(schema, dict) and isinstance(schema.get("properties") or {}, dict)
    return schema if proper and isinstance(schema, dict) else {}


def _keep_properties(body: Body, kept: Sequence[Unit]) -> Body:
    tools = [
        _with_properties(tool, {name for at, name in kept if at == place}) if _schema(tool).get("properties") else tool
        for place, tool in enumerate(_tools(body))
    ]
    return {**body, "tools": tools} if tools else body


def _with_properties(tool: Any, names: set[str]) -> Any:
    schema = dict(_schema(tool))
    dropped = schema["properties"].keys() - names
    schema["properties"] = {name: each for name, each in schema["properties"].items() if name in names}
    if isinstance(schema.get("required"), list):
        schema["required"] = [name for name in schema["required"] if name not in dropped]
    return {**tool, "function": {**tool["function"], "parameters": schema}}


AXES: Final = (
    Axis("tools", lambda body: len(_tools(body)), lambda body: [(place,) for place in range(len(_tools(body)))], _keep_tools),
    Axis("messages", lambda body: len(body["messages"]), _free_groups, _keep_messages),
    Axis("properties", lambda body: len(_properties(body)), _properties, _keep_properties),
)
"""In the order in which they are made smaller: what is large and seldom needed first."""
