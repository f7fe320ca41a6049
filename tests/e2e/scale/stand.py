"""The processes: a simulated engine, toolmend replicas, and nginx with the configuration that is deployed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
CONF = ROOT / "deploy/nginx/toolmend.conf"
CONFIG = '[[profile]]\nname = "gemma-4"\ngrammar = false\n[limits]\ndrain_seconds = 90\n'
"""Asked again in words: the simulated engine bears no grammar. On a busy machine an answer may take more than 25 s."""

NGINX = """daemon off;
{user}worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
{temporary}
include {folder}/toolmend.conf;
}}
"""


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def get(url: str) -> Any:
    """Return what a URL answers, as JSON."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 40) -> None:
    """Wait until a URL answers 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        with suppress(OSError):
            get(url)
            return
        time.sleep(0.1)
    raise TimeoutError(url)


class Stand:
    """An engine, replicas on ports of their own, and nginx before them. `close` ends every process that was begun here."""

    def __init__(self, folder: Path, pause: float) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.engine_port, self.front_port, *self.ports = free_ports(5)
        self.replicas: dict[int, subprocess.Popen[bytes]] = {}
        (folder / "toolmend.toml").write_text(CONFIG)
        words = [sys.executable, "-m", "tests.e2e.scale.engine", "--port", str(self.engine_port), "--pause", str(pause)]
        wait_for(f"{self.engine}/v1/models", self.begin(words, "engine"))

    @property
    def engine(self) -> str:
        return f"http://127.0.0.1:{self.engine_port}"

    def begin(self, words: list[str], name: str) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to a file."""
        with (self.folder / f"{name}.log").open("ab") as out:
            process = subprocess.Popen(words, cwd=ROOT, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def toolmend(self, port: int, *more: str) -> subprocess.Popen[bytes]:
        """Start toolmend on a port."""
        config, journal = str(self.folder / "toolmend.toml"), str(self.folder / "journal")
        words = [sys.executable, "-m", "proxy", "serve", "--upstream", self.engine, "--port", str(port), "--no-probe"]
        process = self.begin([*words, "--config", config, "--journal", journal, *more], f"toolmend-{port}")
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        return process

    def start_replica(self, port: int) -> None:
        """Start a replica, or start it again."""
        self.replicas[port] = self.toolmend(port)

    def start_nginx(self) -> str:
        """Start nginx with the deployed file, its names and port replaced; return the base URL."""
        conf = CONF.read_text().replace("listen 8080;", f"listen 127.0.0.1:{self.front_port};")
        for number, port in enumerate(self.ports, 1):
            assert f"server toolmend-{number}:8900 " in conf
            conf = conf.replace(f"server toolmend-{number}:8900 ", f"server 127.0.0.1:{port} ")
        (self.folder / "toolmend.conf").write_text(conf)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"{each}_temp_path {self.folder}/{each};" for each in kinds)
        user = "user root;\n" if os.geteuid() == 0 else ""
        path = self.folder / "nginx.conf"
        path.write_text(NGINX.format(folder=self.folder, temporary=temporary, user=user))
        process = self.begin(["nginx", "-p", str(self.folder), "-c", str(path)], "nginx")
        wait_for(f"http://127.0.0.1:{self.front_port}/healthz", process)
        return f"http://127.0.0.1:{self.front_port}"

    def served(self) -> dict[str, tuple[list[int], list[str]]]:
        """Return from nginx's log, by the id of each request, the ports it was given to and what each answered."""
        found = {}
        for line in (self.folder / "nginx.log").read_text().splitlines():
            if not line.startswith("{"):
                continue
            entry = json.loads(line)
            if entry["id"]:
                ports = [int(port) for port in re.findall(r":(\d+)", entry["replicas"])]
                found[entry["id"]] = ports, entry["statuses"].split(", ")
        return found

    def close(self) -> None:
        """End all processes."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
