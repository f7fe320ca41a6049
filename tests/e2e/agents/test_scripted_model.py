"""The scripted model: what it does next follows from the conversation alone, and it keeps to its way of writing."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.openhands.answers import Answer, Parsed, Raw
from tests.e2e.openhands.task import Message

from . import model, shapes, task
from .model import decide, served
from .modes import MODES, Mode
from .shapes import SHAPES, Shape
from .swe_agent_reading import READERS
from .task import FIX, FIXED, LOOK, PATCH, SUBMIT, SUBMIT_PATCH, SUBMIT_TOOL, TEST, is_fixed, make_repository, passes

ALL_MODES = pytest.mark.parametrize("mode", MODES.values(), ids=lambda mode: mode.id)
ALL_SHAPES = pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.id)
NEEDS_A_SHELL = pytest.mark.skipif(not (shutil.which("git") and shutil.which("bash")), reason="needs git and bash")

LOOKED = "def add(a, b)\n    return a + b\n"
ONE_ONLY = "Please always give EXACTLY ONE action, found 2 actions."
BY_WORD = "Submit by the command echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
BY_PATCH = f"Write patch.txt, then: {BY_WORD} && cat patch.txt"


def _ask(*messages: Message, how: str = BY_WORD, **more: object) -> dict[str, Any]:
    start = [{"role": "system", "content": "You work at a computer."}, {"role": "user", "content": f"Fix calc.py. {how}"}]
    return {"model": "any", "messages": [*start, *messages], **more}


def _result(text: str, role: str = "user") -> Message:
    return {"role": role, "content": text}


def _said(answer: Answer) -> str:
    match answer:
        case Raw(text=text):
            return text
        case Parsed(content=content, calls=calls):
            return (content or "") + "".join(f"{call.name}({json.loads(call.arguments).get('command', '')})" for call in calls)


def _next(*results: str, how: str = BY_WORD, role: str = "user") -> str:
    body = _ask(*(_result(text, role) for text in results), how=how)
    return _said(decide(MODES["mini-text"], SHAPES["own"], body))


@pytest.mark.parametrize("role", ["user", "tool"])
def test_the_next_step_follows_from_the_results(role: str) -> None:
    assert LOOK.command in _next(role=role)
    assert FIX.command in _next(LOOKED, role=role)
    assert TEST.command in _next(LOOKED, "def add(a, b):", role=role)
    assert SUBMIT.command in _next(LOOKED, "def add(a, b):", "calc.py is right", role=role)


def test_a_patch_is_made_and_submitted_where_it_is_asked_for() -> None:
    done = (LOOKED, "def add(a, b):", "calc.py is right")
    assert PATCH.command in _next(*done, how=BY_PATCH)
    assert SUBMIT_PATCH.command in _next(*done, "+def add(a, b):", how=BY_PATCH)


def test_submit_is_a_command_of_its_own_where_no_word_is_asked_for() -> None:
    assert _next(LOOKED, "def add(a, b):", "calc.py is right", how="").endswith("```mswea_bash_command\nsubmit\n```")


def test_results_in_parts_and_in_json_count() -> None:
    parts: Message = {"role": "tool", "content": [{"type": "text", "text": json.dumps({"output": LOOKED})}]}
    assert FIX.command in _said(decide(MODES["mini-tool"], SHAPES["own"], _ask(parts)))


def test_what_the_model_said_itself_and_commands_that_are_quoted_prove_nothing() -> None:
    quoted = "\n".join(step.command for step in (LOOK, FIX, TEST, PATCH, SUBMIT, SUBMIT_PATCH, SUBMIT_TOOL))
    body = _ask(_result(f"not executed: {quoted}"), _result(LOOKED + FIXED, "assistant"))
    assert LOOK.command in _said(decide(MODES["mini-text"], SHAPES["own"], body))


@ALL_MODES
@ALL_SHAPES
def test_the_same_request_gets_the_same_answer(mode: Mode, shape: Shape) -> None:
    body = _ask(_result(LOOKED))
    first = decide(mode, shape, body)
    decide(mode, shape, _ask())
    assert decide(mode, shape, body) == first
    assert decide(mode, shape, body | {"stream": True, "logprobs": True, "skip_special_tokens": False}) == first


@ALL_MODES
@ALL_SHAPES
def test_keeps_to_its_way_of_writing_whatever_it_is_told(mode: Mode, shape: Shape) -> None:
    told = _result("No tool calls found in the response. Every response must include a tool call.")
    changes = shape.id == "thinking"  # asked again, the thought is closed
    assert (decide(mode, shape, _ask(told)) != decide(mode, shape, _ask())) == changes


@ALL_MODES
def test_of_two_actions_the_first_remains_when_it_must_be_one(mode: Mode) -> None:
    two, one = decide(mode, SHAPES["two"], _ask()), decide(mode, SHAPES["two"], _ask(_result(ONE_ONLY)))
    assert LOOK.command in _said(two)
    assert "head -n 1 calc.py" in _said(two)
    assert one == decide(mode, SHAPES["own"], _ask())


@ALL_MODES
def test_a_thought_is_closed_when_it_is_asked_again(mode: Mode) -> None:
    open_, closed = (_said(decide(mode, SHAPES["thinking"], _ask(*more))) for more in ((), (_result("Again."),)))
    assert "</think>" not in open_
    assert closed.partition("</think>")[2].strip() in open_


@ALL_SHAPES
def test_obeys_a_grammar(shape: Shape) -> None:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
    form = {"type": "structural_tag", "format": {"type": "json_schema", "json_schema": schema}}
    answer = decide(MODES["mini-text"], shape, _ask(_result(LOOKED), response_format=form))
    assert json.loads(_said(answer)) == {"command": FIX.command}


def test_knows_nothing_of_toolmend() -> None:
    for module in (model, shapes, task):
        source = Path(str(module.__file__)).read_text()
        assert "toolmend" not in source
        assert not [line for line in source.splitlines() if line.startswith(("from proxy", "from adapters", "from rules"))]


@pytest.mark.parametrize("mode", [MODES[name] for name in READERS], ids=lambda mode: mode.id)
def test_the_imitation_reads_what_its_mode_wants(mode: Mode) -> None:
    for results, wanted in (((), LOOK), ((LOOKED,), FIX), ((LOOKED, "def add(a, b):", "calc.py is right"), SUBMIT_TOOL)):
        answer = decide(mode, SHAPES["own"], _ask(*map(_result, results), how=""))
        calls = [{"id": "1", "function": {"name": c.name, "arguments": c.arguments}} for c in getattr(answer, "calls", ())]
        command = READERS[mode.id](answer.text if isinstance(answer, Raw) else "", calls).command.strip()
        assert command == wanted.command or (mode.id == "swe-action" and wanted.command.split()[0] in command)


@NEEDS_A_SHELL
def test_the_steps_do_the_task_and_show_it(tmp_path: Path) -> None:
    home = make_repository(tmp_path)
    assert not passes(home)
    for step in (LOOK, FIX, TEST, PATCH, SUBMIT_PATCH):
        run = subprocess.run(["bash", "-c", step.command], cwd=home, capture_output=True, text=True, check=True, timeout=30)
        assert step.done in run.stdout
    assert is_fixed(home)
    assert "+def add(a, b):" in run.stdout


async def test_serves_streamed_and_whole_the_same() -> None:
    async with served(MODES["mini-text"], SHAPES["hermes"]) as (port, heard), aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with session.post(url, json=_ask()) as response:
            whole = (await response.json())["choices"][0]["message"]["content"]
        async with session.post(url, json=_ask(stream=True)) as response:
            lines = (await response.text()).splitlines()
        chunks = [json.loads(line[6:])["choices"] for line in lines if line.startswith("data: {")]
        assert "".join(choice["delta"].get("content", "") for choices in chunks for choice in choices) == whole
        assert len(heard.bodies) == 2
