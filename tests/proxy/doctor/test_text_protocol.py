"""The framework's side of OpenHands' text protocol: what 0.59 takes is taken, what it refuses is refused."""

from __future__ import annotations

import pytest

from adapters.clients.openhands_text import OPENHANDS_TEXT
from proxy.doctor import text_protocol
from proxy.doctor.judge import Wrong
from proxy.doctor.scenarios import SCENARIOS
from proxy.doctor.tools import ELEVEN
from rules.conversation import ToolCall


def written(name: str, *parameters: str) -> str:
    return "\n".join([f"<function={name}>", *parameters, "</function>"])


LS = "<parameter=command>ls</parameter>"
LOW = "<parameter=security_risk>LOW</parameter>"


@pytest.mark.parametrize(
    "text",
    [
        written("run_command", LS, LOW),
        "I look.\n\n" + written("run_command", LS, LOW) + "\nDone.",
        written("run_command", LS, LOW).removesuffix("</function>"),  # the stop string took the end
        written("run_command", LS, LOW).removesuffix(">"),
        written("run_command", LS, LOW) + "\n" + written("think", "<parameter=thought>x</parameter>"),  # the first one counts
    ],
)
def test_what_openhands_reads_is_read(text: str) -> None:
    assert text_protocol.read(text, ELEVEN) == (ToolCall("", "run_command", {"command": "ls", "security_risk": "LOW"}),)


def test_kinds_are_converted_as_openhands_does() -> None:
    text = written(
        "edit_file",
        "<parameter=command>view</parameter>",
        "<parameter=path>/a</parameter>",
        LOW,
        "<parameter=view_range>[1, 2]</parameter>",
    )
    calls = text_protocol.read(text, ELEVEN)
    assert not isinstance(calls, Wrong)
    assert calls is not None
    assert calls[0].arguments == {"command": "view", "path": "/a", "security_risk": "LOW", "view_range": [1, 2]}


@pytest.mark.parametrize(
    ("text", "grade", "words"),
    [
        (written("run_command", LS), "invalid", "security_risk"),
        (written("run_command", '{"command": "ls"}'), "invalid", "command, security_risk"),
        (written("run_command", LS, "<parameter=security_risk>\nLOW\n</parameter>"), "invalid", "security_risk is none of"),
        (written("run_command", LS, LOW, "<parameter=reason>x</parameter>"), "invalid", "reason is not declared"),
        (
            written("track_tasks", "<parameter=command>plan</parameter>", "<parameter=tasks>none</parameter>"),
            "invalid",
            "no array",
        ),
        (written("bash", LS, LOW), "unknown-tool", '"bash"'),
    ],
)
def test_what_openhands_refuses_is_refused(text: str, grade: str, words: str) -> None:
    found = text_protocol.read(text, ELEVEN)
    assert isinstance(found, Wrong)
    assert found.grade == grade
    assert words in found.words


@pytest.mark.parametrize("text", ["I would run ls.", "<function=run_command>" + LS + LOW + "</function>", "```bash\nls\n```"])
def test_what_openhands_does_not_see_is_no_call(text: str) -> None:
    assert text_protocol.read(text, ELEVEN) is None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_toolmend_reads_all_tools_back_out_of_the_prompt(scenario: object) -> None:
    """What is sent is that client's protocol to toolmend, too."""
    assert scenario in SCENARIOS
    chosen = next(each for each in SCENARIOS if each is scenario)
    body = {"messages": text_protocol.opening(chosen)}
    assert OPENHANDS_TEXT.recognises(body)
    tools = OPENHANDS_TEXT.read(body).tools
    assert [tool.name for tool in tools] == [tool.name for tool in chosen.tools]
    assert [tool.parameters["required"] for tool in tools] == [tool.parameters["required"] for tool in chosen.tools]
