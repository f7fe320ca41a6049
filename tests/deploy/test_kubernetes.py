"""The manifests are valid by Kubernetes' own schemas, and agree with what toolmend does at its start and end."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.settings import FileSettings, Limits

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
VERSION = "1.33"
MARGIN = 10  # proxy/cli.py: the parent of several workers kills what stays so long after the drain


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def pod(path: Path) -> dict[str, Any]:
    (deployment,) = [each for each in documents(path) if each["kind"] == "Deployment"]
    return deployment["spec"]["template"]["spec"]


def container(path: Path) -> dict[str, Any]:
    (found,) = [each for each in pod(path)["containers"] if each["name"] == "toolmend"]
    return found


def slept(part: dict[str, Any]) -> int:
    return int(part["lifecycle"]["preStop"]["exec"]["command"][-1].partition("sleep(")[2].rstrip(")"))


def test_there_are_manifests() -> None:
    assert [path.name for path in FILES] == ["sidecar.yaml", "standalone.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_valid_by_the_schemas_of_kubernetes(path: Path) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="its schemas take 108 MB: `make manifests` installs it")
    for each in documents(path):
        validator.validate(each, VERSION, strict=True)
    broken = documents(path)[-1]
    broken["spec"]["selectr"] = {}
    with pytest.raises(validator.ValidationError):  # it does look
        validator.validate(broken, VERSION, strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_container_meets_the_restricted_standard(path: Path) -> None:
    own = {**pod(path).get("securityContext", {}), **container(path)["securityContext"]}
    assert own["runAsNonRoot"] is True
    assert own["runAsUser"] > 0
    assert own["allowPrivilegeEscalation"] is False
    assert own["readOnlyRootFilesystem"] is True
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert own["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(path)["automountServiceAccountToken"] is False
    assert not any("hostPath" in volume for volume in pod(path)["volumes"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_served_may_end_before_the_pod_is_killed(path: Path) -> None:
    needed = slept(container(path)) + Limits().drain_seconds + MARGIN
    assert pod(path)["terminationGracePeriodSeconds"] > needed


def test_the_model_stays_while_toolmend_drains() -> None:
    sidecar = FOLDER / "sidecar.yaml"
    (vllm,) = [each for each in pod(sidecar)["containers"] if each["name"] == "vllm"]
    assert slept(vllm) >= slept(container(sidecar)) + Limits().drain_seconds


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_probes_and_ports_agree(path: Path) -> None:
    found = container(path)
    assert found["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert found["readinessProbe"]["httpGet"]["path"] == "/readyz"
    (service,) = [each for each in documents(path) if each["kind"] == "Service"]
    (deployment,) = [each for each in documents(path) if each["kind"] == "Deployment"]
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == found["ports"][0]["name"]
    assert {volume["name"] for volume in pod(path)["volumes"]} >= {mount["name"] for mount in found["volumeMounts"]}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_key_is_a_secret_and_no_service_sets_our_variables(path: Path) -> None:
    given = {each["name"]: each for each in container(path)["env"]}
    assert pod(path)["enableServiceLinks"] is False
    assert given["TOOLMEND_CLIENT_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "toolmend", "key": "client-key"}


def test_the_configuration_in_the_map_is_one_that_is_served() -> None:
    (config,) = [each for each in documents(FOLDER / "standalone.yaml") if each["kind"] == "ConfigMap"]
    FileSettings.model_validate(tomllib.loads(config["data"]["toolmend.toml"]))
