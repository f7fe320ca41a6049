"""The doctor in front of a real vLLM, well and wrongly started: each start is found out.

The server, its flags, parsers, templates and the doctor are real; the model is not. Its random weights are made to say what a competent
model would (`tests/proxy/doctor/competent.py`, a SIMULATION that plays from the request alone), by a relay that adds the script to
each request that holds the model to nothing; what is under a grammar is left to the weights.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cases import SHIFT

from tests.proxy.doctor.conftest import Examine, at, serving
from tests.proxy.doctor.server import competent

__all__ = ["at"]

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]

HERE = Path(__file__).parent
PORT = 18410 + SHIFT
HELD = ("response_format", "structured_outputs", "guided_json")
PROFILE = '[[profile]]\nname = "tiny-{0}"\nextends = "{0}"\nmatch = ["tiny"]\n'

Says = Callable[[Mapping[str, Any]], str]
"""What a model says to a request."""


def gemma(body: Mapping[str, Any]) -> str:
    return competent(body, "gemma4")


def qwen(body: Mapping[str, Any]) -> str:
    """Say it; behind a short thought, where the template has opened one."""
    off = (body.get("chat_template_kwargs") or {}).get("enable_thinking") is False
    return ("" if off else "The next step is clear.\n</think>\n\n") + competent(body, "qwen_xml")


def without_thought(body: Mapping[str, Any]) -> str:
    return competent(body, "qwen_xml")


def relay(upstream: str, says: Says) -> web.Application:
    """Build the relay: a simulated model's script goes along with each request that is free."""

    async def pass_on(request: web.Request) -> web.StreamResponse:
        data = await request.read()
        if request.path.endswith("/chat/completions"):
            body = json.loads(data)
            free = not any(each in body for each in HELD) and not isinstance(body.get("tool_choice"), dict)
            data = json.dumps({**body, "vllm_xargs": {"say": says(body)}} if free else body).encode()
        headers = {name: value for name, value in request.headers.items() if name in ("Authorization", "Content-Type")}
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, upstream + request.path, data=data or None, headers=headers) as answer,
        ):
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]})
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            return response

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{rest:.*}", pass_on)
    return app


@dataclass(frozen=True)
class Start:
    """How a server is started: a kind of serve.sh, more arguments, and how its chat template is changed."""

    kind: str
    arguments: tuple[str, ...] = ()
    template: tuple[str, str] | None = None


@contextmanager
def started(start: Start, folder: Path) -> Iterator[str]:
    """Run a vLLM, and give its URL."""
    arguments = list(start.arguments)
    if start.template is not None:
        text = (HERE / "qwen.jinja").read_text("utf-8").strip()
        assert text.count(start.template[0]) == 1
        (folder / "template.jinja").write_text(text.replace(*start.template), "utf-8")
        arguments += ["--chat-template", str(folder / "template.jinja")]
    subprocess.run([HERE / "serve.sh", start.kind, str(PORT), *arguments], check=True)
    try:
        yield f"http://127.0.0.1:{PORT}"
    finally:
        subprocess.run([HERE / "serve.sh", "stop", start.kind, str(PORT)], check=True)


CLOSES = (
    "{%- if enable_thinking is defined and enable_thinking is false -%}{{- '<think>\\n\\n</think>\\n\\n' -}}"
    "{%- else -%}{{- '<think>\\n' -}}{%- endif -%}",
    "{{- '<think>\\n\\n</think>\\n\\n' -}}",
)
"""A template that closes the thought whatever it is told: the parser waits for an end that does not come."""

DROPS = ("{%- for k, v in f.arguments | items -%}", "{%- for k, v in {} | items -%}")
"""A template that writes past calls without their arguments."""


@dataclass(frozen=True)
class Case:
    """A start, who speaks, toolmend's profile for it, and what there is to be found."""

    start: Start
    says: Says
    profile: str
    breaks: frozenset[str] = frozenset()


FLAGS = {
    "tool-parser-missing": "--enable-auto-tool-choice --tool-call-parser gemma4",
    "tool-parser-wrong": "--tool-call-parser qwen3_xml",
    "reasoning-swallows": "--reasoning-parser",
    "template-drops-arguments": "--chat-template",
    "parser-eats-text": "LLM_NATIVE_TOOL_CALLING",
}
"""What to change, by what is found."""

EATS = frozenset({"parser-eats-text"})
"""vLLM 0.32's qwen parser takes `<function=` out of plain text as well: streamed it is a call without a name, whole it is gone."""

CASES = {
    "gemma4": Case(Start("gemma4"), gemma, "gemma-4"),
    "qwen": Case(Start("qwen"), qwen, "qwen3.5", EATS),
    "no-parser": Case(Start("plain"), gemma, "gemma-4", frozenset({"tool-parser-missing"})),
    "swallows": Case(Start("qwen", template=CLOSES), without_thought, "qwen3.5", EATS | {"reasoning-swallows"}),
    "drops": Case(Start("qwen", template=DROPS), qwen, "qwen3.5", EATS | {"template-drops-arguments"}),
    "hermes": Case(Start("hermes"), qwen, "qwen3.5", frozenset({"tool-parser-wrong"})),
}


@pytest.mark.parametrize("name", CASES)
def test_how_a_server_was_started_is_found_out(name: str, at: Examine, tmp_path: Path) -> None:
    case = CASES[name]
    config = tmp_path / "profile.toml"
    config.write_text(PROFILE.format(case.profile))
    with started(case.start, tmp_path) as url, serving(relay(url, case.says)) as relayed:
        report = at(relayed, config=config, timeout=60.0)
    print(
        json.dumps(
            {member: report[member] for member in ("exit", "spent", "capabilities", "template", "truncation", "findings")},
            indent=1,
        )
    )
    assert report["complete"]
    assert report.codes("breaks") == case.breaks
    assert report["exit"] == bool(case.breaks)
    assert all(any(FLAGS[code] in each for each in report.finding(code)["change"]) for code in case.breaks)
    assert report.right(via="toolmend") == {True}
    assert report["truncation"]["streamed"] != "hidden"


def test_random_weights_are_blamed_themselves_and_a_key_that_is_wrong_is_named(at: Examine, tmp_path: Path) -> None:
    config = tmp_path / "profile.toml"
    config.write_text(PROFILE.format("gemma-4"))
    with started(Start("gemma4", ("--api-key", "right")), tmp_path) as url:
        denied = at(url, key="wrong")
        report = at(url, key="right", config=config, level=("1",), answer_tokens=200, timeout=60.0)
    print(json.dumps(report["findings"], indent=1))
    assert (denied["exit"], denied.codes()) == (3, {"key-wrong"})
    assert report["exit"] == 1
    assert {each["blame"] for each in report["findings"] if each["weight"] == "breaks"} == {"model"}
