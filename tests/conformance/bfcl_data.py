"""Gets the data of the Berkeley Function Calling Leaderboard: the `bfcl-eval` wheel from PyPI, of which no code is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

VERSION = "2026.3.23"
_CACHE = Path(__file__).resolve().parents[2] / ".cache"


def bfcl_data() -> Path:
    """Return the folder with the data files, installed under .cache/ without what the package depends on."""
    home = _CACHE / f"bfcl-eval-{VERSION}"
    if not (home / "complete").is_file():
        install = ("pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade", "--target", str(home))
        subprocess.run([sys.executable, "-m", *install, f"bfcl-eval=={VERSION}"], check=True, timeout=600)
        (home / "complete").touch()
    return home / "bfcl_eval" / "data"
