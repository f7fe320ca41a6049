"""Dashboard, alerts and the page of metrics speak of metrics that there are; a real Prometheus answers every query."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.metrics import Metrics
from tests.conftest import BASH, Proxy
from tests.fake_vllm import FakeVllm
from tests.proxy.metered import metered

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((PLACE / "grafana" / "dashboards" / "toolmend.json").read_text())
SELECTOR = re.compile(r"\b(toolmend_\w+)(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"instance", "job", "le"}


def panel_queries() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def alert_queries() -> list[str]:
    return re.findall(r"^\s+expr: (.+)$", (PLACE / "alerts.yml").read_text(), re.M)


def labels_by_sample() -> dict[str, set[str]]:
    """Return every name that a scrape can have, with its labels: also of those that have no series yet."""
    found: dict[str, set[str]] = {}
    metrics = Metrics(["p"])
    for each in vars(metrics).values():
        if hasattr(each, "_labelnames"):
            family = next(iter(each.describe()))
            ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
            found |= {family.name + end: set(each._labelnames) for end in ends}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return {name: labels for name, labels in found.items() if name.startswith("toolmend_") and not name.endswith("_created")}


@pytest.mark.parametrize("query", [*panel_queries(), *alert_queries()])
def test_every_metric_and_label_of_a_query_exists(query: str) -> None:
    known = labels_by_sample()
    used = SELECTOR.findall(query)
    assert used or query.startswith("up{")
    for name, selector in used:
        assert name in known
        grouped = re.findall(r"by \(([^)]*)\)", query)
        labels = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', selector)) | {
            each.strip() for group in grouped for each in group.split(",")
        }
        assert labels <= known[name] | OF_PROMETHEUS, name


def test_every_metric_is_on_the_dashboard_and_on_the_page() -> None:
    shown, page = " ".join(panel_queries()), (ROOT / "docs" / "metrics.md").read_text()
    for name, labels in labels_by_sample().items():
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert base in shown
        row = re.search(rf"^\| `{base}` \|([^|]*)\|", page, re.M)
        assert row, f"{base} is not in docs/metrics.md"
        assert set(re.findall(r"`(\w+)`", row[1])) == labels - {"le"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(("kind", "file"), [("config", "prometheus.yml"), ("rules", "alerts.yml")])
def test_promtool_takes_what_is_deployed(kind: str, file: str) -> None:
    checked = subprocess.run(
        ["promtool", "check", kind, str(PLACE / file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Any]:
    """Start a Prometheus that scrapes a target each second; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(target: str, port: int = 21190) -> str:
        text = (PLACE / "prometheus.yml").read_text().replace("toolmend:8901", target).replace("15s", "1s")
        (tmp_path / "prometheus.yml").write_text(text)
        shutil.copy(PLACE / "alerts.yml", tmp_path)
        command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
        command.append(f"--web.listen-address=127.0.0.1:{port}")
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return f"http://127.0.0.1:{port}"

    yield begin
    for process in started:
        process.terminate()
        process.wait(20)


@pytest.mark.e2e_monitoring
async def test_a_real_prometheus_answers_every_query_of_the_dashboard(vllm: FakeVllm, tmp_path: Path, prometheus: Any) -> None:
    wordy = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
    async with metered(upstream=vllm.url, journal=tmp_path / "j") as meter, aiohttp.ClientSession() as session:
        url = prometheus(meter.metrics_url.removeprefix("http://"))

        async def turns() -> None:
            for stream in (False, True):
                vllm.says("<|tool_call>call:bash{timeout:5}<tool_call|>", wordy)
                await Proxy(meter.url, vllm, stream).ask(tools=[BASH])

        async def data(query: str) -> list[Any]:
            asked = query.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$profile", ".*")
            try:
                async with session.get(f"{url}/api/v1/query", params={"query": asked}) as answer:
                    found = await answer.json(content_type=None)
                    assert found["status"] == "success", found
                    return list(found["data"]["result"])
            except (aiohttp.ClientError, json.JSONDecodeError):
                return []

        deadline = time.monotonic() + 60
        waiting = set(panel_queries())
        while waiting and time.monotonic() < deadline:
            await turns()
            await asyncio.sleep(1)
            for query in sorted(waiting):
                got = await data(query)
                if got and all(each["value"][1] != "NaN" for each in got):
                    waiting.discard(query)
        assert not waiting
        assert float((await data('up{job="toolmend"}'))[0]["value"][1]) == 1
