"""Finds the environment of each framework, or makes it: one each, versions pinned, under .cache/."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .modes import Framework

_ROOT = Path(__file__).resolve().parents[3]


class NotToBeHad(RuntimeError):
    """A framework cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an environment must hold; the framework itself comes first."""

    variable: str
    packages: Mapping[str, str]
    size: str


FRAMEWORKS: Mapping[Framework, Needs] = {
    # litellm and openai speak on the wire for mini-swe-agent: their versions are part of what the table shows.
    # mcp: this litellm imports it as soon as a request has tools, and does not require it.
    "mini-swe-agent": Needs(
        "MINI_SWE_AGENT_VENV",
        {"mini-swe-agent": "2.4.6", "litellm": "1.106.12", "openai": "2.54.0", "mcp": "2.3.0"},
        "0.7 GB",
    ),
    "evalscope": Needs("EVALSCOPE_VENV", {"evalscope": "1.14.1", "openai": "3.57.0"}, "1.2 GB"),
}


def python_of(framework: Framework) -> Path:
    """Return the Python of the environment that the framework's variable names, else of one under .cache/, made if need be.

    The imitation needs none.
    """
    if not (needs := FRAMEWORKS.get(framework)):
        return Path(sys.executable)
    if named := os.environ.get(needs.variable):
        return _checked(Path(named).absolute() / "bin" / "python", needs)
    home = _ROOT / ".cache" / f"{framework}-{needs.packages[framework]}"
    python = home / "bin" / "python"
    if not (home / "complete").is_file():
        _make(home, python, needs)
        (home / "complete").touch()
    return _checked(python, needs)


def _checked(python: Path, needs: Needs) -> Path:
    """Make sure that the environment holds the versions this rig was written for."""
    if not python.is_file():
        raise NotToBeHad(f"{python} does not exist")
    for name, wanted in needs.packages.items():
        ask = f"import importlib.metadata as m; print(m.version({name!r}))"
        found = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=False, timeout=60).stdout.strip()
        if found != wanted:
            raise NotToBeHad(f"{python} has {name} {found or 'not at all'}, wanted {wanted}")
    return python


def _make(home: Path, python: Path, needs: Needs) -> None:
    """Make the environment; takes a minute or two."""
    pins = [f"{name}=={version}" for name, version in needs.packages.items()]
    print(f"making {home} with {', '.join(pins)} ({needs.size})", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True, timeout=120)
    try:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *pins], check=True, timeout=3600)
    except subprocess.CalledProcessError as failed:
        raise NotToBeHad(f"pip could not install {', '.join(pins)}") from failed
