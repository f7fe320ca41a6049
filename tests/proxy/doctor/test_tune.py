"""The forms are ranked by what was counted, and told apart only where the counts tell them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.cli import toolmend
from proxy.config_file import read_config
from proxy.doctor.intervals import wilson
from proxy.doctor.scenarios import SCENARIOS
from proxy.doctor.trials import Trial, Way
from proxy.doctor.tune_report import chosen, ranked
from proxy.doctor.tuning import Measured
from tests.proxy.doctor.conftest import serving
from tests.proxy.doctor.server import Server, talker


def tuned(server: Server, *options: str) -> tuple[int, dict[str, Any]]:
    with serving(server.app()) as url:
        result = CliRunner().invoke(toolmend, ["tune", "--upstream", url, "--json", *options], prog_name="toolmend")
    return result.exit_code, json.loads(result.stdout)


def counted(protocol: str, right: int, of: int) -> Measured:
    way = Way(SCENARIOS[0], "native", "toolmend", stream=False)
    return Measured(protocol, [Trial(way, steps=int(place < right)) for place in range(of)])


@pytest.mark.parametrize(
    ("right", "of", "bounds"),
    [(0, 0, (0, 1)), (0, 10, (0, 0.2775)), (10, 10, (0.7225, 1)), (5, 10, (0.2366, 0.7634)), (81, 263, (0.2553, 0.3662))],
)
def test_the_bounds_are_wilsons(right: int, of: int, bounds: tuple[float, float]) -> None:
    assert wilson(right, of) == pytest.approx(bounds, abs=5e-5)


def test_the_form_in_use_stays_unless_another_is_better_beyond_chance() -> None:
    native, text = counted("native", 8, 20), counted("text:hermes_json", 12, 20)
    assert [each.protocol for each in ranked([native, text])] == ["text:hermes_json", "native"]
    assert chosen([native, text]) is native
    better = counted("text:hermes_json", 19, 20)
    assert chosen([native, better]) is better
    assert chosen([counted("native", 0, 20)]) is None


def test_a_model_that_is_not_shown_its_tools_is_better_told_in_text(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    server = Server(dialect="hermes_json", parser="hermes_json", models=("qwen3-simulated",), hides=frozenset({"tool"}))
    code, report = tuned(server, "--repeats", "2", "--write", str(path))
    assert (code, report["complete"]) == (0, True)
    assert report["use"].startswith("text:")
    right = {each["protocol"]: each["right"] for each in report["forms"]}
    assert (right["native"], right["text:hermes_json"]) == (0, 8)
    assert read_config(path).profile[0].protocol == report["use"]


def test_wished_forms_are_measured_and_no_others() -> None:
    code, report = tuned(Server(), "--repeats", "1", "--protocol", "native", "--protocol", "text:qwen_xml")
    assert code == 0
    assert {each["protocol"]: each["right"] for each in report["forms"]} == {"native": 4, "text:qwen_xml": 4}
    assert report["use"] == "native"


def test_where_no_form_works_it_says_so() -> None:
    code, report = tuned(Server(model=talker), "--repeats", "1", "--protocol", "native")
    assert (code, report["use"]) == (1, None)


def test_a_server_that_cannot_be_examined_is_told_as_the_doctor_does() -> None:
    code, report = tuned(Server(key="right"))
    assert (code, report["findings"][0]["code"]) == (3, "key-missing")


def test_a_form_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    result = CliRunner().invoke(
        toolmend, ["tune", "--upstream", "http://a:1", "--protocol", "text:hermess"], prog_name="toolmend"
    )
    assert result.exit_code == 2
    assert '"hermess" is no dialect' in result.output


def test_no_more_is_asked_than_was_allowed() -> None:
    server = Server()
    _, report = tuned(server, "--requests", "15")
    assert "15 requests" in report["stopped"]
    assert len(server.asked) <= 15
