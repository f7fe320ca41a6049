"""Servers that toolmend is put beside: nginx, as Debian has it, and LiteLLM's proxy in an environment of its own."""

from __future__ import annotations

import os
import shutil
import socket
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


NGINX: Final = """daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_body_buffer_size 1m;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }}
  }}
}}
"""


class NotHere(RuntimeError):
    """A server cannot be had here; the message says why."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as asking:
        asking.settimeout(1)
        return asking.connect_ex(("127.0.0.1", port)) == 0


def command(name: str) -> str:
    """Return the path of a command of Debian's. Raises NotHere."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        raise NotHere(f"{name} is not installed (apt-get install {name})")
    return found


def nginx_words(folder: Path, port: int, upstream: int) -> list[str]:
    """Return the command that runs nginx as a reverse proxy that streams: HTTP/1.1 upstream, no buffering. Raises NotHere."""
    found, user = command("nginx"), "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, upstream=upstream, user=user))
    return [found, "-p", str(folder), "-c", str(folder / "nginx.conf")]


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
