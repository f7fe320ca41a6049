"""The scripted model: it is honest about the task, and learns only from what it is shown."""

import json
from typing import Any

import aiohttp
import pytest

from .answers import Answer, Parsed, Raw
from .cases import CASES, Case
from .model import decide, served
from .task import PROGRAM, Call, Message
from .wire import END

STRUCTURED = frozenset({"t37", "t50"})
"""Calls that the server has parsed although no tools were sent."""

TEXT = [case for case in CASES.values() if not case.native and case.id not in STRUCTURED]
NATIVE = [case for case in CASES.values() if (case.native or case.id in STRUCTURED) and case.hits]
FAULTY = [case for case in (*TEXT, *NATIVE) if not case.id.endswith("00")]
TOOLS: list[dict[str, Any]] = [{"type": "function", "function": {"name": "execute_bash"}}]
START: list[Message] = [
    {"role": "system", "content": "An error is reported to you. You must not repeat it."},
    {"role": "user", "content": "START OF EXAMPLE\n<function=execute_bash>\n<parameter=command>\nls is required ..."},
    {"role": "user", "content": "<RUNTIME_INFORMATION>The current working directory is /task\n</RUNTIME_INFORMATION>"},
]
PLANNED: Message = {"role": "tool", "content": "Task list has been updated with 1 items."}
CREATED: Message = {"role": "tool", "content": "File created successfully at: /task/hello.py"}
RAN: Message = {"role": "tool", "content": "Hello from OpenHands\n[Command finished with exit code 0]"}
OPENHANDS_SAYS: Message = {
    "role": "user",
    "content": "Missing required parameters for function 'execute_bash': {'command'}\n[Error occurred in processing last action]",
}
AUTO_CONTINUE: Message = {
    "role": "user",
    "content": "Please continue on whatever approach you think is suitable.\nIf you think you have solved the task, please "
    "finish the interaction.\nIMPORTANT: YOU SHOULD NEVER ASK FOR HUMAN RESPONSE.\n",
}
COMPLAINT: Message = {"role": "user", "content": "That call is invalid. Write it again."}


def _ask(*messages: Message, tools: bool = True, **more: object) -> dict[str, Any]:
    return {"model": "any", "messages": [*START, *messages], **({"tools": TOOLS} if tools else {}), **more}


def _at_fault(case: Case) -> list[Message]:
    """Return the conversation at the first call that the case hits."""
    if "task_tracker" in case.hits or "str_replace_editor" in case.hits:
        return []
    return [PLANNED, CREATED] if case.plan else [CREATED]


def _said(answer: Answer) -> str:
    match answer:
        case Raw(text=text):
            return text
        case Parsed(content=content, calls=calls):
            return (content or "") + "".join(f"{call.name}({call.arguments})" for call in calls)


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.id)
@pytest.mark.parametrize("tools", [True, False])
def test_repeats_its_fault_when_the_failed_turn_is_thrown_away(case: Case, tools: bool) -> None:
    start = _at_fault(case)
    first = decide(case, _ask(*start, tools=tools))
    assert decide(case, _ask(*start, OPENHANDS_SAYS, OPENHANDS_SAYS, tools=tools)) == first


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.id)
def test_repeats_its_fault_when_it_is_shown_but_not_complained_of(case: Case) -> None:
    start = _at_fault(case)
    first = decide(case, _ask(*start))
    turn: Message = {"role": "assistant", "content": _said(first)}
    assert decide(case, _ask(*start, turn, AUTO_CONTINUE, turn, AUTO_CONTINUE)) == first


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.id)
def test_learns_from_its_own_turn_and_a_complaint(case: Case) -> None:
    start = _at_fault(case)
    first = decide(case, _ask(*start))
    turn: Message = {"role": "assistant", "content": _said(first)}
    well = decide(case, _ask(*start, turn, COMPLAINT))
    assert case.id == "t08" or well != first  # Gemma's native form is right where tools are given


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.id)
def test_learns_from_a_quotation_in_a_complaint(case: Case) -> None:
    start = _at_fault(case)
    first = decide(case, _ask(*start))
    quoted = _said(first) or "It was empty: no call at all."
    complaint: Message = {"role": "user", "content": f"Your answer is invalid:\n{quoted}\nWrite it again."}
    assert case.id == "t08" or decide(case, _ask(*start, complaint)) != first


def test_learns_from_a_structured_turn_and_an_error_as_its_result() -> None:
    case = CASES["t01"]
    call = {"id": "1", "type": "function", "function": {"name": "execute_bash", "arguments": "{}"}}
    turn: Message = {"role": "assistant", "content": None, "tool_calls": [call]}
    error: Message = {"role": "tool", "tool_call_id": "1", "content": "Error: command is missing."}
    assert "python3 hello.py" in _said(decide(case, _ask(CREATED, turn, error)))


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.id)
def test_finishes_when_all_is_done(case: Case) -> None:
    assert "finish" in _said(decide(case, _ask(PLANNED, CREATED, RAN)))


def test_the_results_of_the_text_protocol_count_too() -> None:
    created: Message = {"role": "user", "content": "EXECUTION RESULT of [str_replace_editor]:\n" + str(CREATED["content"])}
    assert "execute_bash" in _said(decide(CASES["t00"], _ask(created, tools=False)))


def test_obeys_a_grammar() -> None:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
    form = {"type": "structural_tag", "format": {"type": "json_schema", "json_schema": schema}}
    answer = decide(CASES["t01"], _ask(CREATED, response_format=form))
    assert json.loads(_said(answer)) == {"command": "python3 hello.py"}


async def _heard(case: Case, body: dict[str, Any]) -> str:
    async with served(case) as (port, _), aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with session.post(url, json=body) as response:
            return await response.text()


def _chunks(sse: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in sse.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("case", TEXT, ids=lambda case: case.id)
async def test_logprobs_hold_the_raw_text_streamed_and_whole(case: Case) -> None:
    body = _ask(*_at_fault(case), logprobs=True)
    raw = decide(case, body)
    assert isinstance(raw, Raw)
    whole = json.loads(await _heard(case, body))["choices"][0]
    chunks = [chunk["choices"][0] for chunk in _chunks(await _heard(case, body | {"stream": True}))]
    streamed = [entry for chunk in chunks for entry in (chunk["logprobs"] or {"content": []})["content"]]
    text = b"".join(bytes(entry["bytes"]) for entry in streamed).decode()
    assert whole["logprobs"]["content"] == streamed
    assert text == raw.text + ("" if raw.finish == "length" else END)
    assert whole["message"]["content"] == "".join(chunk["delta"].get("content", "") for chunk in chunks)
    assert END not in whole["message"]["content"]
    assert whole["finish_reason"] == chunks[-1]["finish_reason"] == raw.finish


@pytest.mark.parametrize("case", NATIVE, ids=lambda case: case.id)
async def test_structured_calls_are_the_same_streamed_and_whole(case: Case) -> None:
    body = _ask(*_at_fault(case), logprobs=True)
    whole = json.loads(await _heard(case, body))["choices"][0]
    chunks = [chunk["choices"][0] for chunk in _chunks(await _heard(case, body | {"stream": True}))]
    deltas = [call["function"] for chunk in chunks for call in chunk["delta"].get("tool_calls", ())]
    calls = [call["function"] for call in whole["message"].get("tool_calls", ())]
    assert whole["logprobs"] is None
    assert "".join(d.get("arguments", "") for d in deltas) == "".join(c["arguments"] for c in calls)
    assert [d["name"] for d in deltas if "name" in d] == [c["name"] for c in calls]
    assert "".join(c["delta"].get("content", "") for c in chunks) == (whole["message"]["content"] or "")


async def test_content_ends_where_a_stop_string_begins() -> None:
    body = _ask(CREATED, tools=False, stop=["</function"], stream=True, logprobs=True)
    chunks = [chunk["choices"][0] for chunk in _chunks(await _heard(CASES["t01"], body))]
    assert "".join(chunk["delta"].get("content", "") for chunk in chunks) == "<function=execute_bash>\n"


async def test_two_users_in_a_row_are_refused_by_a_strict_server() -> None:
    assert "must alternate" in await _heard(CASES["n32"], _ask())


def test_every_case_that_is_hit_comes_out_wrong() -> None:
    call = Call("execute_bash", {"command": "python3 hello.py", "security_risk": "LOW", "file_text": PROGRAM})
    well = {False: CASES["t00"].write(call), True: CASES["n00"].write(call)}
    hit = [case for case in FAULTY if not case.plan]
    assert not [case.id for case in hit if case.write(call) == well[case.native] and "execute_bash" in case.hits]
