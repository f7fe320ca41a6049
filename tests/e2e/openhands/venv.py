"""Finds the environment that holds OpenHands 0.59.0, or makes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "0.59.0"
_ROOT = Path(__file__).resolve().parents[3]


class NoOpenHands(RuntimeError):
    """OpenHands cannot be had here; the message says why."""


def openhands_python() -> Path:
    """Return the Python of the environment OPENHANDS_VENV names, else of one under .cache/, made if need be."""
    if named := os.environ.get("OPENHANDS_VENV"):
        return _checked(Path(named).absolute() / "bin" / "python")
    home = _ROOT / ".cache" / f"openhands-{VERSION}"
    python = home / "bin" / "python"
    if not (home / "complete").is_file():
        _make(home, python)
        (home / "complete").touch()
    return _checked(python)


def _checked(python: Path) -> Path:
    """Make sure that the environment holds the version this rig was written for."""
    ask = "import importlib.metadata as m; print(m.version('openhands-ai'))"
    if not python.is_file():
        raise NoOpenHands(f"{python} does not exist")
    asked = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=False, timeout=60)
    if asked.stdout.strip() != VERSION:
        raise NoOpenHands(f"{python} has openhands-ai {asked.stdout.strip() or 'not at all'}, wanted {VERSION}")
    return python


def _make(home: Path, python: Path) -> None:
    """Make the environment; takes some minutes and 2 to 3 GB."""
    print(f"making {home} with openhands-ai {VERSION}: this takes some minutes", file=sys.stderr, flush=True)
    subprocess.run([_python312(), "-m", "venv", "--clear", home], check=True, timeout=120)
    install = [str(python), "-m", "pip", "install", "--quiet", f"openhands-ai=={VERSION}"]
    subprocess.run(install, check=True, timeout=3600)


def _python312() -> str:
    """Find a Python 3.12 that starts (OpenHands 0.59 takes no other): on the path, else among pyenv's versions."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_path = shutil.which("python3.12")
    for candidate in (*([on_path] if on_path else []), *map(str, sorted(pyenv.glob("3.12*/bin/python3.12")))):
        # pyenv's shim exists even when no 3.12 is selected, and fails only when it is run
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False, timeout=60).returncode == 0:
            return candidate
    raise NoOpenHands("no Python 3.12 found: OpenHands 0.59.0 needs it (or set OPENHANDS_VENV)")
