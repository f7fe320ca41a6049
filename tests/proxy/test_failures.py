"""The table of reasons: complete, and right about what a server says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from adapters.engine.base import Kind
from adapters.guards.repeat import Reason as Endless
from adapters.history.registry import FAULTS
from adapters.registry import CLIENTS
from proxy.concessions import CONCESSIONS
from proxy.errors import Fault
from proxy.failures.base import CLASSES
from proxy.failures.refusals import refused_as
from proxy.failures.table import MENDED_BY, REASONS, concerns_call, reason_of
from proxy.outcome import CONCEDED
from rules.registry import RULES

ROOT = Path(__file__).parents[2]
KNOWN = {each.code for each in REASONS}


def codes_in(pattern: str, *places: str) -> set[str]:
    files = [
        file for place in places for file in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))
    ]
    assert len(files) >= len(places)
    return {code for file in files for code in re.findall(pattern, file.read_text("utf-8"))}


def test_every_reason_for_which_a_model_is_asked_again_is_there() -> None:
    codes = codes_in(r'Problem\(\s*"([a-z-]+)"', "rules", "adapters", "proxy")
    assert len(codes) >= 15
    assert codes | {"missing-arguments", "wrong-arguments"} <= KNOWN


def test_every_fault_of_engines_guards_and_clients_is_there() -> None:
    assert set(get_args(Kind)) | set(get_args(Endless)) | FAULTS <= KNOWN
    assert {each.unreadable for each in CLIENTS if each.unreadable} <= KNOWN


def test_every_error_that_can_end_a_turn_is_there() -> None:
    ending = {each.code for each in Fault.__subclasses__()} | codes_in(r'Upstream\w+\(.*?code="([a-z_-]+)"', "proxy/answer.py")
    ending |= codes_in(r'code="([a-z_]+)"', "proxy/reading.py", "proxy/observe.py")
    assert ending <= KNOWN


def test_a_rule_that_mends_has_the_class_of_what_it_mends() -> None:
    assert set(MENDED_BY) <= KNOWN
    assert all(reason_of(fault, name) for name, fault in MENDED_BY.items())
    mending = {rule.name for rule in RULES if rule.name.startswith(("coerce_", "match_", "alias_", "fit_", "drop_"))}
    assert len(mending) > 8
    assert mending <= KNOWN


def test_what_servers_do_without_has_a_class() -> None:
    assert set(CONCEDED) <= {each.name for each in CONCESSIONS}
    assert all(reason_of(*told) for told in CONCEDED.values())


def test_codes_are_told_apart_by_class_and_no_class_is_empty() -> None:
    assert len({(each.fault, each.code) for each in REASONS}) == len(REASONS)
    assert {each.fault for each in REASONS} == set(CLASSES)
    assert all(each.what.endswith(".") and each.done for each in REASONS)


def test_what_is_a_wrong_call_is_told_from_what_is_not() -> None:
    assert concerns_call("model-arguments", "missing-arguments")
    assert concerns_call("engine-parser", "call-not-parsed")
    assert not concerns_call("engine-parser", "text-leaked")
    assert not concerns_call("model-format", "no-call")
    assert not concerns_call("upstream", "upstream_timeout")


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (401, "Unauthorized", ("upstream", "upstream-key")),
        (403, "", ("upstream", "upstream-key")),
        (404, "The model `gemma` does not exist.", ("upstream", "no-such-model")),
        (404, "model not found", ("upstream", "no-such-model")),
        (
            400,
            "This model's maximum context length is 8192 tokens. However, you requested 9000",
            ("client-history", "context-length"),
        ),
        (400, "the request exceeds the available context size", ("client-history", "context-length")),
        (
            400,
            "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template",
            ("engine-template", "no-chat-template"),
        ),
        (400, "jinja2.exceptions.TemplateError: After the optional system message", ("engine-template", "template-failed")),
        (
            400,
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            ("engine-parser", "no-tool-parser"),
        ),
        (400, "Failed to convert the grammar from GrammarSpec", ("client-schema", "schema-refused")),
        (400, "Invalid 'tools[0].function.parameters': schema must be an object", ("client-schema", "schema-refused")),
        (400, "Expecting ',' delimiter: line 1 column 20 (char 19)", ("client-history", "history-refused")),
        (400, "An assistant message with 'tool_calls' must be followed by tool messages", ("client-history", "history-refused")),
        (500, "Internal server error", ("upstream", "upstream_refused")),
        (418, "model", ("upstream", "upstream_refused")),
    ],
)
def test_a_servers_error_is_told_by_its_words(status: int, words: str, told: tuple[str, str]) -> None:
    assert refused_as(status, words) == told
    assert reason_of(*told) is not None
