"""Peers that are installed into environments of their own: LiteLLM's proxy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LITELLM_VERSION: Final = "1.108.7"
VARIABLE: Final = "TOOLMEND_LITELLM_VENV"

LITELLM_YAML: Final = """model_list:
  - model_name: {model}
    litellm_params:
      model: hosted_vllm/{model}
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: none
router_settings:
  disable_cooldowns: true
"""

LITELLM_VARIABLES: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


class NotHere(RuntimeError):
    """A server cannot be had here; the message says why."""


def litellm_words(folder: Path, port: int, upstream: int, model: str) -> list[str]:
    """Return the command that runs LiteLLM's proxy with one model, without keys and without a database. Raises NotHere."""
    python = litellm_python()
    (folder / "litellm.yaml").write_text(LITELLM_YAML.format(model=model, upstream=upstream))
    words = [str(python.parent / "litellm"), "--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    return [*words, "--telemetry", "False"]


def litellm_python() -> Path:
    """Return the Python of LiteLLM's environment: the one that is named, else one under .cache/, made if need be (0.8 GB)."""
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute() / "bin" / "python"
    home = ROOT / ".cache" / f"litellm-{LITELLM_VERSION}"
    if not (home / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True, timeout=120)
        pin = f"litellm[proxy]=={LITELLM_VERSION}"
        done = subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", pin], check=False, timeout=3600)
        if done.returncode:
            raise NotHere(f"pip could not install {pin}")
        (home / "complete").touch()
    return home / "bin" / "python"
