"""Any client with any dialect: what a model writes in one is what the framework reads in the other. Nobody writes a pair."""

from __future__ import annotations

import pytest

from adapters.base import Client, Dialect, Unwritable
from adapters.grammar import grammar
from adapters.registry import CLIENTS, DIALECTS
from adapters.turns import TurnBuilder
from rules.base import repair
from rules.conversation import Conversation, Json, ToolCall, Turn
from rules.registry import RULES
from tests.adapters.clients.judges import JUDGES
from tests.adapters.clients.prompts import REQUESTS
from tests.adapters.models.cut_decoding import decode_pieces
from tests.laws.test_clients import same

every_client = pytest.mark.parametrize(
    "client", [each for each in CLIENTS if each.name in REQUESTS], ids=lambda client: client.name
)

AWKWARD = ("ls -la", "echo 'a \"b\" {c}' | grep -c '[x]' && cat <<'EOF'\nfirst\n\n  second <tag> & more\nEOF", "printf '%s' é€😀")


def calls_for(within: Conversation) -> list[ToolCall]:
    """Make a few calls of each declared tool that takes text."""
    made = []
    for tool in within.tools:
        required: Json = tool.parameters.get("required")
        properties: Json = tool.parameters.get("properties")
        for text in AWKWARD:
            arguments: dict[str, Json] = {}
            for name in required if isinstance(required, list) else []:
                schema = properties[str(name)] if isinstance(properties, dict) else {}
                choices = schema.get("enum") if isinstance(schema, dict) else None
                arguments[str(name)] = choices[0] if isinstance(choices, list) else text
            made.append(ToolCall("call_2", tool.name, arguments))
    return made


@every_client
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
def test_the_framework_gets_the_call_that_the_model_wrote(client: Client, dialect: Dialect) -> None:
    within = client.read(REQUESTS[client.name]())
    for call in calls_for(within):
        try:
            text = dialect.render((call,))
            expected = client.express(Turn("assistant", "Next.", calls=(call,)), within)
        except Unwritable:
            continue
        builder = TurnBuilder()
        builder.take(decode_pieces([f"Next.\n{text}"], grammar([dialect], within.tools)))
        verdict = repair(builder.finish("stop")[1], within, RULES, trap=False)
        assert verdict.problem is None, (call, verdict.problem)
        [read] = verdict.turn.calls
        assert (read.name, read.arguments) == (call.name, call.arguments)
        taken = client.express(verdict.turn, within)
        if expected.calls:
            assert [(each.name, each.arguments) for each in taken.calls] == [(call.name, call.arguments)]
        else:
            [found] = JUDGES[client.name](taken.text)
            assert same(client, call, found)
