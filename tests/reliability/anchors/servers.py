"""The anchors: nginx, haproxy and LiteLLM's proxy as processes on loopback, each before one port where a model server will be."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers import (
    LITELLM_VARIABLES,
    LITELLM_VERSION,
    NotHere,
    command,
    free_port,
    listens,
    litellm_words,
    nginx_words,
)
from tests.conftest import MODEL

HAPROXY = """global
  maxconn 1000
defaults
  mode http
  timeout connect 3s
  timeout client 600s
  timeout server 600s
frontend front
  bind 127.0.0.1:{port}
  default_backend model
backend model
  server vllm 127.0.0.1:{upstream}
listen aborting
  bind 127.0.0.1:{aborting}
  option abortonclose
  server vllm 127.0.0.1:{upstream}
"""


@dataclass(frozen=True)
class Anchor:
    """A running server.

    name   with its version
    other  where it listens with an option that it does not have by default, and that concerns clients that go; empty: there is none
    """

    name: str
    url: str
    other: str = ""


@dataclass
class Anchors:
    """Those that run, before `upstream` (a port), and why others do not."""

    upstream: int
    running: dict[str, Anchor] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def version(words: list[str]) -> str:
    """Return the first version number that a command prints."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else "?"


@contextmanager
def process(folder: Path, name: str, words: list[str], port: int, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server until the block ends; yield its base URL once it listens."""
    with (folder / f"{name}.log").open("wb") as out:
        begun = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **(environment or {})}
        )
    try:
        deadline = time.monotonic() + 180
        while not listens(port):
            if begun.poll() is not None or time.monotonic() > deadline:
                raise NotHere(f"{name} did not start: {(folder / f'{name}.log').read_text()[-2000:]}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        begun.send_signal(signal.SIGTERM)
        try:
            begun.wait(15)
        except subprocess.TimeoutExpired:
            begun.kill()
            begun.wait()


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Anchor]:
    """Run nginx as a reverse proxy that streams: its defaults, HTTP/1.1 and kept connections upstream, no buffering."""
    port = free_port()
    words = nginx_words(folder, port, upstream)
    with process(folder, "nginx", words, port) as url:
        yield Anchor(f"nginx {version([words[0], '-v'])}", url)


@contextmanager
def haproxy(folder: Path, upstream: int) -> Iterator[Anchor]:
    """Run haproxy with its defaults, and the timeouts that it wants to be given; on another port with `option abortonclose`."""
    path, port, aborting = command("haproxy"), free_port(), free_port()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, aborting=aborting, upstream=upstream))
    with process(folder, "haproxy", [path, "-db", "-f", str(folder / "haproxy.cfg")], port) as url:
        yield Anchor(f"haproxy {version([path, '-v'])}", url, f"http://127.0.0.1:{aborting}")


@contextmanager
def litellm(folder: Path, upstream: int) -> Iterator[Anchor]:
    """Run LiteLLM's proxy with one model, without keys and without a database."""
    port = free_port()
    with process(folder, "litellm", litellm_words(folder, port, upstream, MODEL), port, LITELLM_VARIABLES) as url:
        yield Anchor(f"LiteLLM {LITELLM_VERSION}", url)


@contextmanager
def anchors(folder: Path, *, all_of_them: bool) -> Iterator[Anchors]:
    """Run those that can be had. LiteLLM only where `all_of_them` are asked for: it takes long to install and to start."""
    made = Anchors(free_port())
    with ExitStack() as stack:
        for each in (nginx, haproxy, *([litellm] if all_of_them else [])):
            own = folder / each.__name__
            own.mkdir()
            try:
                made.running[each.__name__] = stack.enter_context(each(own, made.upstream))
            except NotHere as error:
                made.missing[each.__name__] = str(error)
        yield made
