"""Settings: what a file may say, and a mistake named with its line and what would be right."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proxy.config_file import ConfigError, read_config
from proxy.settings import FileSettings, Limits, Settings, is_loopback, normal_upstream
from proxy.toml_lines import key_lines

URL = "http://127.0.0.1:8000"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"upstream": URL, **given})


def complaints(directory: Path, text: str) -> list[str]:
    file = directory / "toolmend.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_config(file)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/"])
@pytest.mark.parametrize("base", ["http://h:8000", "https://h", "http://[::1]:8000", "http://h/llm"])
def test_an_upstream_may_be_written_with_or_without_v1(base: str, tail: str) -> None:
    assert normal_upstream(base + tail) == base


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("localhost:8000", 'is "http://localhost:8000" meant?'),
        ("ftp://h", 'is "http://h" meant?'),
        ("", "must be an http"),
        ("http://user:hunter2@h", "TOOLMEND_UPSTREAM_KEY"),
        ("user:hunter2@h", 'is "http://h" meant?'),
        ("http://h/v1?x=1", "query"),
        ("http://h:x", 'not "x"'),
        ("http://h:99999", 'not "99999"'),
        ("http://h/v1/chat/completions", 'base URL, not a route: "http://h"'),
    ],
)
def test_a_wrong_upstream_is_explained_without_its_password(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        normal_upstream(url)
    assert complaint in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_defaults_are_those_of_the_design() -> None:
    found = settings()
    assert (found.host, found.port, found.mode, found.workers, found.stream) == ("127.0.0.1", 8900, "repair", 1, "eager")
    assert (found.budget.asks, found.budget.seconds, found.budget.tokens) == (2, 120, 16384)
    assert found.limits == Limits()
    assert (Limits().body_bytes, Limits().inflight_bytes, Limits().tools) == (16 << 20, 64 << 20, 256)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings().port = 1


def test_keys_are_not_printed() -> None:
    found = settings(upstream_key="canary-1", client_key="canary-2")
    assert "canary" not in f"{found} {found!r} {found.model_dump()} {found.model_dump_json()}"


def test_errors_do_not_print_keys() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(upstream_key="canary", port="x", client_key=["canary"])
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("h", False),
    ],
)
def test_only_loopback_is_open_without_a_key(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert settings(host=host, client_key="k").host == host
    assert settings(host=host, no_key_needed=True).host == host
    if not loopback:
        with pytest.raises(ValidationError, match="--no-key-needed"):
            settings(host=host)


def test_any_free_port_is_for_one_worker() -> None:
    assert settings(port=0).port == 0
    with pytest.raises(ValidationError, match="one worker"):
        settings(port=0, workers=2)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "toolmend.toml"
    file.write_text(
        'upstream = "http://h/v1"\njournal = "j"\n[limits]\nidle_seconds = 7\n[budget]\nasks = 0\n'
        '[[profile]]\nname = "mine"\nmatch = ["m*"]\n[profile.request]\ntop_k = 3\n[profile.fill.openhands]\nrisk = "HIGH"\n'
    )
    found = read_config(file)
    assert (found.upstream, found.journal, found.limits.idle_seconds, found.budget.asks) == ("http://h", Path("j"), 7.0, 0)
    assert found.profile[0].request == {"top_k": 3}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('mode = "off"\n\nupsteam = "x"', '3: unknown key "upsteam"; did you mean "upstream"?'),
        ("journal-bodies = 1", '1: unknown key "journal-bodies"; did you mean "journal_bodies"?'),
        ("max_streams = 4", '1: unknown key "max_streams"; it belongs into [limits]'),
        ("[limits]\nport = 4", '2: unknown key "port" in [limits]; it belongs before the first [table]'),
        ("limits = {\n body_byte = 1 }", None),
        ("limits = { body_byte = 1 }", '1: unknown key "body_byte" in [limits]; did you mean "body_bytes"?'),
        ("[limits]\nqqq = 1", None),
        ("\n[limit]", '2: unknown key "limit"; did you mean "limits"?'),
        ('port = "8900"', '1: "port" must be a whole number, not "8900"'),
        ("port = 8900.5", '1: "port" must be a whole number, not 8900.5'),
        ("port = true", '1: "port" must be a whole number, not true'),
        ("port = 70000", '1: "port" must be at most 65535, not 70000'),
        ("workers = 0", '1: "workers" must be at least 1, not 0'),
        ('mode = "Repiar"', '1: "mode" must be "repair" or "observe" or "off", not "Repiar"; did you mean "repair"?'),
        ("mode = false", '1: "mode" must be "repair" or "observe" or "off", not false'),
        ("host = 3", '1: "host" must be a text in quotes, not 3'),
        ('host = ""', '1: "host" must be a text that is not empty, not ""'),
        ("limits = 3", '1: "limits" must be a table, not 3'),
        ("[limits]\nidle_seconds = 0", '2: "limits.idle_seconds" must be more than 0, not 0'),
        ("[limits]\nidle_seconds = inf", '2: "limits.idle_seconds" must be a finite number, not inf'),
        ("no_key_needed = 1", '1: "no_key_needed" must be true or false, not 1'),
        ('upstream_key = "sk-canary"', None),
        ("[[profile]]\n[[profile]]\nname='x'\nmatch=['y']", '1: [[profile]] needs the key "name"'),
        ("[[profile]]\nname='x'\nmatch='y'", '3: "match" must be a list in [brackets], not "y"'),
        ("[[profile]]\nname='x'\nmatch=['y',\n\n 3]", '5: "match[1]" must be a text in quotes, not 3'),
        ("[[profile]]\nname='x'\nmatch=[]", '3: "match" must not be empty'),
        ("[[profile]]\nname='x'", '2: the profile "x" needs "match", a list of model names such as ["my-*"]'),
        ("[profile]\nname='x'", '1: "profile" must be a list in [brackets], not a table'),
        ("[[profile]]\nname='x'\nmatch=['y']\nfill = {openhands = 3}", '4: "fill.openhands" must be a table, not 3'),
        ("[[server]]\nurl = 'http://a'", '1: [[server]] needs the key "models"'),
        ("[[server]]\nurl='http://a'\nmodels=[]", '3: "models" must not be empty'),
        (
            "[[server]]\nurl='http://a'\nmodels=['x']\nkey_variable=''",
            '4: "key_variable" must be a text that is not empty, not ""',
        ),
        (
            "[[server]]\nurl='http://a'\nmodels=['x']\napi_key='sk-canary'",
            '4: "api_key" is a secret and not read from a file; name the variable that holds it: key_variable = "MY_SERVER_KEY"',
        ),
        ("[[server]]\nurl='http://a'\nmodels=['x']\nmodel='y'", '4: unknown key "model" in [[server]]; did you mean "models"?'),
        ("[server]\nurl='http://a'", '1: "server" must be a list in [brackets], not a table'),
        ("port = 1\nport = 2", None),
        ("a = ", None),
        ('upstream = "h"', None),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path: Path, text: str, complaint: str | None) -> None:
    found = complaints(tmp_path, text)
    assert len(found) == 1
    assert found[0].split(":")[0].isdecimal()
    assert "canary" not in found[0]
    assert complaint in (None, found[0])


def test_all_mistakes_are_named_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = complaints(tmp_path, 'x1 = 1\nport = "1"\n[[profile]]\nname = "a"\nmatch = ["a"]\nguess = "yes"\n[budget]\nasks = -1')
    assert [line.split(":")[0] for line in found] == ["1", "2", "6", "8"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'host = "\xe9"')
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_config(tmp_path / "latin.toml")


def test_every_setting_of_a_file_is_a_setting() -> None:
    assert set(FileSettings.model_fields) < set(Settings.model_fields)


def test_lines_are_exact() -> None:
    text = '''# c
a = 1 # [x]
"b c".d = """x
[no]
"""""
'l' = [ 1, # c ]
  "two]", { k = 3, "z" = \'\'\'+"""\'\'\' } ]
[limits]
x.y = 1979-05-27 07:32:00
[[ profile ]] # p
[profile.fill.openhands]
r="]\\"="
[[profile]]
  [profile . request]
  t = {a={b=[{c=1},
   {d=2}]}}
'''
    lines = key_lines(text)
    assert lines[("b c", "d")] == 3
    assert lines[("l", 2, "z")] == 7
    assert lines[("limits", "x", "y")] == 9
    assert lines[("profile", 0, "fill", "openhands", "r")] == 12
    assert lines[("profile", 1)] == 13
    assert lines[("profile", 1, "request", "t", "a", "b", 1, "d")] == 16


KEYS = st.sampled_from(["a", "b-1", '"x.y"', "'q]'", '"\\u0041\\""'])
VALUES = st.sampled_from(
    [
        "1",
        "true",
        '"]}#\\""',
        "'='",
        "1e3",
        "2020-01-01 00:00:00",
        '"""\n[t]\nk = """',
        "'''a''\n''''",
        "[]",
        "{}",
        "[\n1, # ]\n\n[2],]",
    ]
)


@given(st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=3), VALUES), max_size=8), st.integers(0, 3))
def test_every_key_that_tomllib_reads_has_its_line(pairs: list[tuple[list[str], str]], blanks: int) -> None:
    text, expected = "", []
    for keys, value in pairs:
        grown = f"{text}\n[[t]]" + "\n" * (blanks + 1) + f"{' . '.join(keys)} = {value} # c\n"
        expected.append(grown.count("\n", 0, len(text) + 6 + blanks + 1) + 1)
        text = grown
    tomllib.loads(text)
    lines = key_lines(text)
    for number, (keys, _) in enumerate(pairs):
        names = [next(iter(tomllib.loads(f"{key} = 0"))) for key in keys]
        assert lines[("t", number, *names)] == expected[number]
