"""Each fault of a simulated server is found under its own name, blamed on whose it is, and nothing else is accused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.doctor.conftest import Examine
from tests.proxy.doctor.server import NO_TEMPLATE, Server, forgetful, talker

QWEN = ("acme-coder",)


def test_a_healthy_server_is_found_healthy(examined: Examine) -> None:
    report = examined(Server())
    assert report["exit"] == 0
    assert report["findings"] == []
    assert report["complete"]
    assert report.right() == {True}
    assert len(report["plays"]) == 4 * 2 * 2 * 2  # scenarios, protocols, ways, whole and streamed


def test_the_protocol_is_blamed_where_the_same_model_is_right_with_tools(examined: Examine) -> None:
    """The case that the tool was made for: right by hand, wrong under a framework that writes tools as text."""
    report = examined(Server(model=forgetful))
    assert report["exit"] == 1
    assert report.codes() == {"text-protocol"}
    found = report.finding("text-protocol")
    assert (found["blame"], found["level"], found["helped"]) == ("protocol", 2, [4, 4])
    assert any("LLM_NATIVE_TOOL_CALLING" in each for each in found["change"])
    assert any("toolmend serve" in each for each in found["change"])
    assert report.right(protocol="native") == {True}
    assert report.right(protocol="text", via="toolmend") == {True}


def test_a_model_that_never_calls_is_blamed_itself_and_toolmend_promises_nothing(examined: Examine) -> None:
    report = examined(Server(model=talker))
    assert report.codes() == {"model-no-call"}
    found = report.finding("model-no-call")
    assert (found["blame"], found["level"], found["helped"]) == ("model", 1, [0, 16])
    assert not any("toolmend" in each for each in found["change"])


def test_nobody_is_blamed_where_the_raw_text_is_not_known(examined: Examine) -> None:
    report = examined(Server(model=talker, logs=False), level=("1",))
    assert report.codes("breaks") == {"no-call-unexplained"}
    assert report.finding("no-call-unexplained")["blame"] == "unknown"
    assert "no-logprobs" in report.codes("note")


@pytest.mark.parametrize(("dialect", "flag"), [("gemma4", "gemma4"), ("qwen_xml", "qwen3_xml"), ("hermes_json", "hermes")])
def test_a_missing_tool_parser_is_named_with_its_flag(examined: Examine, dialect: str, flag: str) -> None:
    report = examined(Server(dialect=dialect, parser=None, models=QWEN), level=("1",))
    assert report.codes("breaks") == {"tool-parser-missing"}
    found = report.finding("tool-parser-missing")
    assert found["blame"] == "configuration"
    assert found["change"][0] == f"vLLM: --enable-auto-tool-choice --tool-call-parser {flag}"
    assert found["helped"] == [2, 2]


def test_a_tool_parser_of_another_family_is_named_with_the_right_one(examined: Examine) -> None:
    report = examined(Server(dialect="qwen_xml", parser="hermes_json", models=QWEN))
    assert report.codes("breaks") == {"tool-parser-wrong"}
    found = report.finding("tool-parser-wrong")
    assert (found["level"], found["helped"]) == (1, [8, 8])
    assert found["change"][0] == "vLLM: --tool-call-parser qwen3_xml"


def test_a_reasoning_parser_that_takes_the_answer_is_found(examined: Examine) -> None:
    report = examined(Server(swallows=True))
    assert report.codes() == {"reasoning-swallows"}
    found = report.finding("reasoning-swallows")
    assert (found["level"], found["helped"]) == (1, [8, 8])
    assert "--reasoning-parser" in found["change"][0]


def test_a_tool_parser_that_eats_plain_text_is_the_engines(examined: Examine) -> None:
    """As vLLM 0.32's qwen parser does with OpenHands' text, seen on a real one."""
    report = examined(Server(eats=True))
    assert report.codes() == {"parser-eats-text"}
    found = report.finding("parser-eats-text")
    assert (found["blame"], found["level"], found["helped"]) == ("engine", 1, [8, 8])


HIDDEN = [("arguments", "template-drops-arguments"), ("result", "template-drops-results"), ("tool", "template-hides-tools")]


@pytest.mark.parametrize(("hidden", "code"), HIDDEN)
def test_what_the_chat_template_hides_is_found_without_a_fault_of_the_model(examined: Examine, hidden: str, code: str) -> None:
    report = examined(Server(hides=frozenset({hidden})), level=("1",))
    assert report.codes() == {code}
    assert report.finding(code)["blame"] == "template"
    assert report["exit"] == 1


def test_a_hidden_cut_is_told_as_a_risk(examined: Examine) -> None:
    report = examined(Server(cuts_told=False), level=("1",))
    assert report.codes() == {"truncation-hidden"}
    assert report["truncation"] == {"whole": "hidden", "streamed": "hidden"}
    assert report["exit"] == 0


def test_thinking_is_noted_with_its_share(examined: Examine) -> None:
    report = examined(Server(thinks="Let me see what there is to do. " * 4), level=("1",))
    assert report.codes() == {"thinking-on"}
    assert report["exit"] == 0


def test_a_thought_that_takes_all_there_is_room_for_is_blamed_on_thinking(examined: Examine) -> None:
    report = examined(Server(thinks="Let me see what there is to do. " * 40), answer_tokens=150, level=("1",))
    assert report.codes("breaks") == {"thinking-eats-budget"}


REFUSALS: list[tuple[Any, str]] = [
    (NO_TEMPLATE, "chat-template-missing"),
    (
        "This model's maximum context length is 4096 tokens. However, your prompt contains at least 4097 input tokens.",
        "context-too-small",
    ),
    ("Conversation roles must alternate user/assistant/user/assistant/...", "template-refuses-roles"),
]


@pytest.mark.parametrize(("words", "code"), REFUSALS)
def test_what_the_server_refuses_is_understood(examined: Examine, words: str, code: str) -> None:
    report = examined(Server(refuses=(400, words)), level=("1",))
    assert report["exit"] == 1
    assert report.codes() == {code}


def test_an_error_of_the_server_is_the_servers(examined: Examine) -> None:
    report = examined(Server(refuses=(500, "EngineCore encountered an issue.")), level=("1",))
    assert report.codes() == {"server-error"}
    assert report.finding("server-error")["blame"] == "engine"
    assert report["exit"] == 3


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_whole_and_streamed_are_played_both(examined: Examine, stream: bool) -> None:
    server = Server()
    examined(server, level=("1",))
    played = [body for body in server.asked if body["messages"][-1]["content"].endswith("celsius?")]
    assert any(bool(body.get("stream")) is stream and body["temperature"] == 0 and "logprobs" not in body for body in played)


def test_repeats_are_drawn_and_counted(examined: Examine) -> None:
    server = Server()
    report = examined(server, level=("1",), repeats=3)
    assert len(report["plays"]) == 3 * 2 * 2 * 2
    assert {body.get("seed") for body in server.asked} == {None, 1, 2}
