"""The compose file is valid by the specification's schema, and keeps the rules that a wrong line would break in the field."""

import json
import re
import shlex
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.settings import Limits

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "compose.yaml").read_text()
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
KEY = "a-key"


def filled(variables: dict[str, str]) -> dict[str, Any]:
    """Return the file with its variables filled in, the way compose does before it takes the values apart."""
    code = re.sub(r"(?m)^\s*#.*$", "", TEXT)
    return yaml.safe_load(VARIABLE.sub(lambda match: variables.get(match[1], "") or match[3] or "", code))


COMPOSE = filled({"TOOLMEND_CLIENT_KEY": KEY})
SERVICES = COMPOSE["services"]
TOOLMENDS = [name for name, service in SERVICES.items() if service["image"].startswith("toolmend:")]


def seconds(text: str) -> float:
    return sum(float(number) * {"s": 1, "m": 60, "h": 3600}[unit] for number, unit in re.findall(r"(\d+)([smh])", text))


def binds() -> Iterator[str]:
    """Yield the source of every mount that is a path."""
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith((".", "/")):
                yield source


def test_the_file_is_valid_by_the_compose_specification() -> None:
    vendored = pytest.importorskip(
        "check_jsonschema", reason="pip install check-jsonschema: it brings the specification's schema"
    )
    path = resources.files(vendored) / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(path.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.validate(COMPOSE)
    with pytest.raises(jsonschema.ValidationError):  # it does look
        validator.validate({"services": {"vllm": {"read_onyl": True}}})


def test_every_port_is_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) >= 5
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    published = [port.rsplit(":", 1)[0] for port in ports]
    assert len(set(published)) == len(published)


def test_no_service_shares_a_namespace_of_the_host() -> None:
    for service in SERVICES.values():
        assert not {"network_mode", "privileged", "pid", "ipc", "cap_add"} & set(service)


def test_what_is_mounted_exists() -> None:
    sources = [source for source in binds() if source.startswith("./")]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {source for source in binds() if source.startswith("/")} == {"/var/run/docker.sock"}


def test_the_rules_that_prometheus_reads_are_mounted_beside_its_file() -> None:
    named = yaml.safe_load((ROOT / "deploy/monitoring/prometheus.yml").read_text())["rule_files"]
    mounted = [volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]]
    assert named
    assert [name for name in named if f"/etc/prometheus/{name}" not in mounted] == []


def test_volumes_by_name_are_declared_and_used() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {each for each in used if each[0] not in "./"} == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", TOOLMENDS)
def test_toolmend_is_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["environment"]["TOOLMEND_CLIENT_KEY"] == KEY
    assert service["depends_on"]["vllm"]["condition"] == "service_healthy"
    assert any("/healthz" in word for word in service["healthcheck"]["test"])


@pytest.mark.parametrize("name", TOOLMENDS)
def test_toolmend_may_finish_before_it_is_killed(name: str) -> None:
    workers_margin = 10  # proxy/cli.py: the parent of several workers kills what stays so long after the drain
    assert seconds(SERVICES[name]["stop_grace_period"]) > Limits().drain_seconds + workers_margin


def test_without_a_key_nothing_starts() -> None:
    assert re.search(r"TOOLMEND_CLIENT_KEY: \$\{TOOLMEND_CLIENT_KEY:\?", TEXT)
    assert "NO_KEY_NEEDED" not in TEXT


def test_vllm_is_started_as_tool_calls_need_it() -> None:
    words = shlex.split(SERVICES["vllm"]["command"])
    assert words[0] == "google/gemma-4-26B-A4B-it"
    assert "--enable-auto-tool-choice" in words
    assert words[words.index("--tool-call-parser") + 1] == "gemma4"
    assert words[words.index("--chat-template") + 1].endswith("tool_chat_template_gemma4.jinja")
    assert json.loads(words[words.index("--structured-outputs-config") + 1]) == {"backend": "xgrammar"}
    assert "--reasoning-parser" not in words
    assert "" not in words
    (device,) = SERVICES["vllm"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_another_model_brings_its_own_flags() -> None:
    command = filled({"VLLM_MODEL": "Qwen/Q", "VLLM_MODEL_FLAGS": "--tool-call-parser qwen3_xml"})["services"]["vllm"]["command"]
    words = shlex.split(command)
    assert words[0] == "Qwen/Q"
    assert words[words.index("--tool-call-parser") + 1] == "qwen3_xml"
    assert "gemma" not in command


def test_profiles_point_at_toolmend() -> None:
    assert SERVICES["openhands"]["environment"]["LLM_BASE_URL"] == "http://toolmend:8900/v1"
    assert SERVICES["openhands"]["environment"]["LLM_API_KEY"] == KEY
    assert sorted(TOOLMENDS) == ["toolmend", "toolmend-1", "toolmend-2", "toolmend-3"]
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        **{name: ["scale"] for name in (*TOOLMENDS[1:], "nginx")},
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
        "openhands": ["openhands"],
    }


def test_every_variable_is_explained_with_its_default() -> None:
    told = dict(re.findall(r"(?m)^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text()))
    used = {name: default for name, kind, default in VARIABLE.findall(TEXT) if kind != "?"}
    assert set(told) == {name for name, _, _ in VARIABLE.findall(TEXT)}
    assert {name: told[name] for name in used} == used
