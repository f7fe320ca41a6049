"""A simulated model server. No model runs here: it plays one task with the errors that Gemma 4 made in the field.

It works with OpenHands' tools, or with the shell that a client has. What it does next follows from the results it is shown.
Asked in OpenHands' text protocol it forgets `security_risk`, puts JSON where parameters belong, or falls into its own markers;
given real tools it writes its own markers, and once forgets the command. It corrects itself only where it is shown its own
attempt and what was wrong with it: OpenHands shows it neither.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from adapters.messages import text_of
from adapters.models.gemma4 import render
from proxy.demo.speak import Said, events, whole
from rules.conversation import ToolCall

MODEL = "gemma-4-simulated"

FIX = {"command": "str_replace", "path": "calc.py", "old_str": "return a - b", "new_str": "return a + b"}
LOOK, TEST = "cat calc.py && python3 test_calc.py", "python3 test_calc.py"
STEPS: tuple[ToolCall, ...] = (
    ToolCall("", "execute_bash", {"command": LOOK, "security_risk": "LOW"}),
    ToolCall("", "str_replace_editor", {**FIX, "security_risk": "LOW"}),
    ToolCall("", "execute_bash", {"command": TEST, "security_risk": "LOW"}),
    ToolCall("", "finish", {"message": "add() subtracted; it adds now, and the test passes."}),
)
SAYS = ("I'll look at the code and its test first.", "Found it: add() subtracts.", "Now the test again.", "All done.")

ENDS = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""What mini-swe-agent and EvalScope take for the end."""

_RESULT = "EXECUTION RESULT of ["


def answer(body: Mapping[str, Any]) -> Said:
    """Return what the model says to a request: a function of the request alone."""
    messages = [message for message in body.get("messages") or () if isinstance(message, dict)]
    shell = _shell(body.get("tools") or ())
    steps = _in_shell(shell, messages) if shell else STEPS
    step = min(sum(map(_is_result, messages)), len(STEPS) - 1)
    if step >= len(steps):
        return Said(SAYS[step])
    call = steps[step]
    if not body.get("tools"):
        return Said(f"{SAYS[step]}\n\n{_in_text(step, call)}")
    if _was_told(messages):
        return Said(render((call,)))
    return Said(f"{SAYS[step]}\n{_with_tools(step, call)}")


def _shell(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of a client's shell; empty where it has OpenHands' editor, or none."""
    functions = [each.get("function") or {} for each in tools]
    if any(each.get("name") == STEPS[1].name for each in functions):
        return ""
    properties = ((each.get("name") or "", ((each.get("parameters") or {}).get("properties") or {})) for each in functions)
    return next((name for name, those in properties if (those.get("command") or {}).get("type") == "string"), "")


def _in_shell(shell: str, messages: Sequence[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    """Return the same task for a shell. It ends in words, but for a client that names the command that ends it."""
    commands = [LOOK, f"sed -i 's/{FIX['old_str']}/{FIX['new_str']}/' {FIX['path']}", TEST]
    if any(ENDS in text_of(message.get("content")) for message in messages):
        commands.append(f"echo {ENDS}")
    return tuple(ToolCall("", shell, {"command": command}) for command in commands)


def _is_result(message: Mapping[str, Any]) -> bool:
    return message.get("role") == "tool" or text_of(message.get("content")).startswith(_RESULT)


def _was_told(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the last two messages are an attempt of its own at a call, and a complaint about it."""
    if len(messages) < 2 or messages[-1].get("role") != "user" or messages[-2].get("role") != "assistant":
        return False
    return "call:" in text_of(messages[-2].get("content")) and not messages[-2].get("tool_calls")


def _in_text(step: int, call: ToolCall) -> str:
    """Write a call in OpenHands' text protocol, wrongly, in a way per step."""
    assert not isinstance(call.arguments, str)
    wanted = {name: value for name, value in call.arguments.items() if name != "security_risk"}
    if step == 0:
        lines = "".join(f"<parameter={name}>{value}</parameter>\n" for name, value in wanted.items())
        return f"<function={call.name}>\n{lines}</function>"
    if step == 1:
        return f"<function={call.name}>\n{json.dumps(wanted)}\n</function>"
    return render((ToolCall("", call.name, wanted),))


def _with_tools(step: int, call: ToolCall) -> str:
    """Write a call in the model's own markers, wrongly, in a way per step."""
    assert not isinstance(call.arguments, str)
    wanted = {name: value for name, value in call.arguments.items() if name != "security_risk"}
    if step == 0:
        return render((ToolCall("", "bash" if call.name == "execute_bash" else call.name.capitalize(), wanted),))
    if step == 1:
        name = "path" if "path" in wanted else "command"
        return render((ToolCall("", call.name, wanted),)).replace(f'{name}:<|"|>{wanted[name]}<|"|>', f'{name}:"{wanted[name]}"')
    if step == 2:
        return render((ToolCall("", call.name, {}),))
    return render((call,))


async def chat(request: web.Request) -> web.StreamResponse:
    """Answer a chat request, streamed or whole."""
    body = await request.json()
    return await say(request, answer(body), body)


async def say(request: web.Request, said: Said, body: Mapping[str, Any], pause: float = 0.0) -> web.StreamResponse:
    """Send an answer as the request wants it; of a stream each event is followed by a pause (seconds)."""
    if not body.get("stream"):
        return web.json_response(whole(said, body))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events(said, body):
        await response.write(event)
        if pause:
            await asyncio.sleep(pause)
    await response.write_eof()
    return response


async def models(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - aiohttp's signature
    """Say which model is played, and that it is played."""
    return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "a simulation"}]})


def make_model() -> web.Application:
    """Build the simulated server."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    return app
