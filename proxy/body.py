"""A chat request's body: read once, forwarded byte for byte except for the members that are ours to set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson

from proxy.errors import BadRequest
from proxy.settings import Limits
from rules.kept import keep

_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])

DEEPEST: Final = 100
"""How deep a body may nest. orjson reads 1,024 levels and writes 254 of them; what we rewrite takes several frames for each."""


NAME = 4_096
"""Bytes of a model's name: it is compared with each pattern of each profile."""

MEMBERS = 1_000
"""Members of a request: there are some sixty that mean something to anybody."""


@dataclass(frozen=True, slots=True)
class ChatBody:
    """`fields` is the parsed body; `members` holds the bytes of each member as the client wrote them."""

    fields: Mapping[str, Any]
    members: Mapping[str, bytes]

    def text(self, name: str) -> str:
        """Return a member that is text, or nothing."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """Return a member that is true or false."""
        return self.fields.get(name) is True

    def having(self, changes: Mapping[str, Any], drops: frozenset[str] = frozenset()) -> bytes:
        """Write the body with some members set and some left out; all others as they came."""
        kept = {name: raw for name, raw in self.members.items() if name not in drops and name not in changes}
        written = {name: orjson.dumps(value) for name, value in changes.items()}
        pairs = (orjson.dumps(name) + b":" + raw for name, raw in (kept | written).items())
        return b"{" + b",".join(pairs) + b"}"


def read_body(raw: bytes, limits: Limits) -> ChatBody:
    """Parse a chat request, within the limits. What is wrong with it is said in words that help."""
    check_weight(raw, limits)
    body = body_of(parse_fields(raw), raw, limits)
    check_depth(body)
    return body


def check_weight(raw: bytes, limits: Limits) -> None:
    """Refuse what would be heavy when it is parsed. Of 16 MB this takes 40 ms."""
    structural = raw.count(b",") + raw.count(b":") + raw.count(b"[")
    if structural > limits.structural_bytes:
        raise BadRequest("the request nests or lists too much (limits.structural_bytes)", status=413, code="body_too_complex")


def parse_fields(raw: bytes) -> dict[str, Any]:
    """Parse what is not heavy. Of 16 MB this takes 60 ms."""
    try:
        fields = orjson.loads(raw)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise _invalid(error) from error
    if not isinstance(fields, dict):
        raise BadRequest("the request body must be a JSON object with a list of messages")
    if len(fields) > MEMBERS:
        raise BadRequest(f"more than {MEMBERS} members in the request", code="too_many_members")
    return fields


def body_of(fields: Mapping[str, Any], raw: bytes, limits: Limits) -> ChatBody:
    """Make a body of what was parsed, and of its bytes. Of 16 MB this takes 40 ms."""
    try:
        members = {name: bytes(value) for name, value in _DECODER.decode(raw).items()}
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _invalid(error) from error
    if len(members.get("model", b"")) > NAME:
        raise BadRequest(f"the model's name has more than {NAME} bytes", code="model_too_long")
    _check(fields, members, limits)
    if fields.get("tools"):
        members["tools"], tools = keep(members["tools"], fields["tools"])
        fields = {**fields, "tools": tools}
    return ChatBody(fields, members)


def _invalid(error: Exception) -> BadRequest:
    return BadRequest(f"the request body is not valid JSON: {error}", code="invalid_json")


def check_depth(body: ChatBody) -> None:
    """Refuse what nests too deep. Of half a million lists and objects this takes 100 ms."""
    if nests_deeper(body.fields, DEEPEST):
        raise BadRequest(f"the request nests deeper than {DEEPEST} levels", code="body_too_deep")


def nests_deeper(value: Mapping[str, Any] | list[Any], most: int) -> bool:
    """Tell whether lists and objects stand in each other more than `most` times."""
    level: list[Any] = [value]
    for _ in range(most):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for members in inner for each in members if type(each) is dict or type(each) is list]
        if not level:
            return False
    return True


def _check(fields: Mapping[str, Any], members: Mapping[str, bytes], limits: Limits) -> None:
    messages, tools = fields.get("messages"), fields.get("tools")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise BadRequest('"messages" must be a list of objects such as {"role": "user", "content": "..."}')
    if len(messages) > limits.messages:
        raise BadRequest(f"more than {limits.messages} messages (limits.messages)", code="too_many_messages")
    if tools is not None and not isinstance(tools, list):
        raise BadRequest('"tools" must be a list of functions')
    choices = fields.get("n")
    if isinstance(choices, (int, float)) and choices > limits.choices:
        raise BadRequest(f'"n" may be {limits.choices} at most (limits.choices)', code="too_many_choices")
    if len(tools or ()) > limits.tools:
        raise BadRequest(f"more than {limits.tools} tools (limits.tools)", code="too_many_tools")
    if len(members.get("tools", b"")) > limits.schema_bytes:
        raise BadRequest(f"the tools take more than {limits.schema_bytes} bytes (limits.schema_bytes)", code="tools_too_large")
