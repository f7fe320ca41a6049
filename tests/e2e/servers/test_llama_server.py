"""On a real llama-server with random weights: what is missing comes right under GBNF, and the imitation says what the server says."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adapters.structured.forms import GRAMMAR, JSON_SCHEMA, STRUCTURAL_TAG, unknown
from adapters.structured.gbnf import gbnf
from adapters.structured.relaxed import relaxed
from adapters.structured.servers import Facts, facts_of, identify
from tests.adapters.structured.test_gbnf import DEFINED, PARTS
from tests.conftest import Proxy, Start
from tests.e2e.members import MEMBERS, TEXT
from tests.e2e.servers.conftest import BINARY, Relay
from tests.fake_servers import LLAMA, asked

pytestmark = [
    pytest.mark.e2e_servers,
    pytest.mark.skipif(not BINARY, reason="needs TOOLMEND_LLAMA_SERVER=/path/to/llama-server"),
]

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
TOOLS = [{"type": "function", "function": {"name": "f", "description": "f", "parameters": SCHEMA}}]


def post(url: str, path: str = "/v1/chat/completions", /, **body: Any) -> tuple[int, Any]:
    """Ask the server itself."""
    whole = {"model": "tiny", "messages": [{"role": "user", "content": "go"}], "max_tokens": 200, "temperature": 1, **body}
    request = urllib.request.Request(f"{url}{path}", json.dumps(whole).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("fault", ["missing", "wrong"])
@pytest.mark.parametrize("name", MEMBERS)
async def test_what_is_missing_comes_right_under_the_grammar(
    name: str, fault: str, relay: Relay, start: Start, stream: bool
) -> None:
    member, wrong = MEMBERS[name]
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "member": member}, "required": ["text", "member"]}
    tool = {"type": "function", "function": {"name": "write", "description": "", "parameters": schema}}
    arguments = {"text": TEXT} | ({"member": wrong} if fault == "wrong" else {})
    relay.script = f"<tool_call>\n{json.dumps({'name': 'write', 'arguments': arguments})}\n</tool_call>"
    proxy: Any = Proxy(await start(upstream=relay.url), relay, stream)  # type: ignore[arg-type]
    seen = await proxy.ask(model="tiny", tools=[tool], max_tokens=1500)
    assert (seen.finish, len(seen.calls)) == ("tool_calls", 1)
    called, made = seen.calls[0]
    assert (called, made["text"]) == ("write", TEXT)
    assert Draft202012Validator(schema).is_valid(made), made
    assert [asked(each) for each in relay.requests] == ["", "", "grammar"]  # the first is refused for its logprobs


def test_whatever_random_weights_finish_under_a_grammar_is_valid(llama_server: str) -> None:
    chance, finished, wrong = random.Random(5), 0, []
    for _ in range(100):
        drawn = chance.sample(PARTS, chance.randint(1, 4))
        properties = {f"p{place}": part for place, (part, _, _) in enumerate(drawn)}
        required = [name for name in properties if chance.random() < 0.7]
        schema = relaxed({"type": "object", "properties": properties, "required": required, "$defs": DEFINED})
        status, answer = post(llama_server, **GRAMMAR.members(schema), seed=chance.randint(0, 10**6))
        assert status == 200, answer
        choice = answer["choices"][0]
        if choice["finish_reason"] == "stop":
            finished += 1
            wrong += [] if Draft202012Validator(schema).is_valid(json.loads(choice["message"]["content"])) else [choice]
    assert wrong == []
    assert finished > 50


@pytest.mark.parametrize(
    "more",
    [
        STRUCTURAL_TAG.members(SCHEMA),
        JSON_SCHEMA.members(SCHEMA),
        {"tools": TOOLS, "grammar": gbnf(SCHEMA)},
        {"tools": TOOLS, "grammar": gbnf(SCHEMA), "tool_choice": "none"},
        {"tools": TOOLS, "stream": True, "logprobs": True},
        {"tools": TOOLS, "stream": True, "logprobs": True, "tool_choice": "none"},
        {"tools": TOOLS},
    ],
)
def test_the_imitation_refuses_what_the_server_refuses_in_its_words(llama_server: str, more: dict[str, Any]) -> None:
    refusal = LLAMA.refuses(more)
    if refusal is not None:
        assert post(llama_server, **more) == refusal
    else:
        assert post(llama_server, **more)[0] in (200, 500)  # 500: random text that its own parser does not take


def test_tools_stay_in_the_prompt_where_no_call_is_wanted(llama_server: str) -> None:
    prompts = [post(llama_server, "/apply-template", tools=TOOLS, **more)[1]["prompt"] for more in ({}, {"tool_choice": "none"})]
    assert prompts[0] == prompts[1]
    assert '"name": "f"' in prompts[0]


def test_it_is_told_by_what_it_says(llama_server: str) -> None:
    assert identify(facts_of(post(llama_server, **GRAMMAR.members(SCHEMA))[1])).name == "llama.cpp"
    with urllib.request.urlopen(f"{llama_server}/v1/models", timeout=5) as answer:
        header, owner = answer.headers["Server"], json.load(answer)["data"][0]["owned_by"]
    assert identify(Facts(header=header)).name == identify(Facts(owned_by=owner)).name == "llama.cpp"


def test_its_words_tell_a_form_from_a_schema(llama_server: str) -> None:
    assert unknown(post(llama_server, **STRUCTURAL_TAG.members(SCHEMA))[1]["error"]["message"])
    for more in ({"grammar": "root ::= ("}, JSON_SCHEMA.members({"type": "strng"})):
        status, answer = post(llama_server, **more)
        assert status == 400
        assert not unknown(answer["error"]["message"])
