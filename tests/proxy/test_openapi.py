"""The document of our own interface: it names what is served, and what is answered is as it says."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
from aiohttp import web
from pydantic import SecretStr
from referencing import Registry

from adapters.registry import PREFIXES
from proxy.app import make_app
from proxy.profiles import load
from proxy.settings import Limits, Settings
from tests.conftest import BASH, Start
from tests.fake_vllm import FakeVllm

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))
JSON = {"Content-Type": "application/json"}
CHAT = "/v1/chat/completions"


def documented() -> set[tuple[str, str]]:
    """List methods and paths, below every prefix of the servers that they name."""
    prefixes = DOCUMENT["servers"][0]["variables"]["prefix"]["enum"]
    return {
        (method.upper(), ("" if "servers" in item else prefix) + path)
        for path, item in DOCUMENT["paths"].items()
        for method in item.keys() - {"servers"}
        for prefix in prefixes
    }


def test_it_names_exactly_what_is_served() -> None:
    app = make_app(Settings(upstream="http://x"), load(()))
    routes = [route for route in app.router.routes() if isinstance(route, web.ResourceRoute) and route.method != "HEAD"]
    assert documented() == {(route.method, route.resource.canonical) for route in routes if route.resource}


def test_its_prefixes_and_limits_are_ours() -> None:
    assert DOCUMENT["servers"][0]["variables"]["prefix"]["enum"] == ["", *PREFIXES]
    members = DOCUMENT["components"]["schemas"]["ChatRequest"]["properties"]
    assert (members["tools"]["maxItems"], members["n"]["maximum"]) == (Limits().tools, Limits().choices)


def test_its_references_lead_somewhere() -> None:
    def follow(value: Any) -> None:
        if isinstance(value, dict) and "$ref" in value:
            found = DOCUMENT
            for name in value["$ref"].removeprefix("#/").split("/"):
                found = found[name]
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            follow(each)

    follow(DOCUMENT)


def fits(method: str, path: str, status: int, data: bytes) -> None:
    """Hold an answer to the document."""
    answers = DOCUMENT["paths"][path][method.lower()]["responses"]
    answer = answers[str(status)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = {**answer["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema, registry=Registry()).validate(json.loads(data))


@pytest.mark.parametrize(
    ("method", "path", "data", "headers", "status"),
    [
        ("POST", CHAT, b'{"messages": [], "tools": [], "model": "m"}', JSON, 200),
        ("POST", CHAT, json.dumps({"messages": [{"role": "user", "content": "x"}], "tools": [BASH]}).encode(), JSON, 200),
        ("POST", CHAT, b"{", JSON, 400),
        ("POST", CHAT, b'{"messages": [], "n": 9.0}', JSON, 400),
        ("POST", CHAT, b"{}", {**JSON, "Host": "example.org"}, 403),
        ("POST", CHAT, b'{"messages": [' + b"{}," * 200_000 + b'{"a": [' + b"0," * 400_000 + b"0]}]}", JSON, 413),
        ("POST", "/v1/completions", b"{}", {"Content-Type": "text/plain"}, 415),
        ("GET", "/v1/models", None, {}, 200),
        ("GET", "/healthz", None, {}, 200),
        ("GET", "/readyz", None, {}, 200),
    ],
)
async def test_what_is_answered_is_as_it_says(
    vllm: FakeVllm, start: Start, method: str, path: str, data: bytes | None, headers: dict[str, str], status: int
) -> None:
    vllm.says('<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>')
    url = await start(upstream=vllm.url)
    body = None if data is None else io.BytesIO(data)
    async with aiohttp.ClientSession() as session, session.request(method, url + path, data=body, headers=headers) as answer:
        assert answer.status == status
        fits(method, path, status, await answer.read())


async def test_a_key_that_is_missing_and_a_server_that_is_away_are_told_as_it_says(start: Start) -> None:
    url, locked = (
        await start(upstream="http://127.0.0.1:9"),
        await start(upstream="http://127.0.0.1:9", client_key=SecretStr("k" * 20)),
    )
    async with aiohttp.ClientSession() as session:
        for base, path, status in ((locked, CHAT, 401), (url, CHAT, 502), (url, "/v1/embeddings", 502)):
            async with session.post(base + path, data=b'{"messages": []}', headers=JSON) as answer:
                assert answer.status == status
                fits("POST", path, status, await answer.read())
        async with session.get(f"{url}/readyz") as answer:
            fits("GET", "/readyz", answer.status, await answer.read())


async def test_another_method_is_told_which_one_there_is(start: Start) -> None:
    """RFC 9110, 15.5.6: an answer with 405 has to have `Allow`."""
    url = await start(upstream="http://127.0.0.1:9")
    async with aiohttp.ClientSession() as session:
        async with session.delete(url + CHAT) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            fits("POST", CHAT, 405, await answer.read())
        async with session.post(f"{url}/v1/models", data=b"x") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET")
        async with session.get(f"{url}/openhands/v1/nothing") as answer:
            assert answer.status == 404
            assert "Allow" not in answer.headers
