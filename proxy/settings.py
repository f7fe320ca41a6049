"""The settings: one frozen object, read once by the command line and passed down."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from adapters.registry import DIALECTS

Mode = Literal["repair", "observe", "off"]
"""repair: mend what is wrong. observe: change nothing, record what would have been found. off: relay."""

Bodies = Literal["on", "off"]
StreamMode = Literal["eager", "hold"]


EVERY = "*"
"""In a list of dialects: every other one, but for those that are read only where the model was asked for them."""


def _known_dialect(name: str) -> str:
    if name not in DIALECTS and name != EVERY:
        raise ValueError(f'"{name}" is no dialect; there are {", ".join(sorted(DIALECTS))}')
    return name


DialectName = Annotated[str, AfterValidator(_known_dialect)]
"""The name of a registered dialect."""


def _known_protocol(name: str) -> str:
    if name not in ("native", "auto"):
        kind, _, dialect = name.partition(":")
        if kind != "text":
            raise ValueError(f'must be "native", "auto" or "text:" and a dialect, such as "text:hermes_json", not "{name}"')
        _known_dialect(dialect if dialect != EVERY else "")
    return name


Protocol = Annotated[str, AfterValidator(_known_protocol)]
"""How tools are told to a model: `native`, `auto` or `text:<dialect>` (see `proxy.profiles.Profile`)."""

MIB = 1024 * 1024

Count = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
SafePath = Annotated[Path, Field(strict=False)]


class Frozen(BaseModel):
    """What every table of the settings has in common: no unknown key, no silent conversion, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Limits(Frozen):
    """Bounds of time and size. Each stands for an attack or an accident that was measured."""

    body_bytes: Count = 16 * MIB
    structural_bytes: Count = 500_000  # commas, colons and brackets: what makes a parsed body heavy
    body_seconds: Seconds = 30.0
    first_byte_seconds: Seconds = 600.0
    idle_seconds: Seconds = 120.0
    stream_seconds: Seconds = 3600.0
    heartbeat_after_seconds: Seconds = 5.0
    heartbeat_seconds: Seconds = 10.0
    event_bytes: Count = 4 * MIB
    argument_bytes: Count = 4 * MIB
    calls_per_turn: Count = 64
    tools: Count = 256
    choices: Count = 8
    schema_bytes: Count = 1 * MIB
    max_streams: Count = 512
    queue_seconds: Seconds = 5.0
    connect_seconds: Seconds = 3.0
    drain_seconds: Seconds = 25.0
    inflight_bytes: Count = 64 * MIB


class Budget(Frozen):
    """What asking the model again may cost in one turn, over all steps of the ladder."""

    asks: Annotated[int, Field(ge=0, le=16)] = 2
    seconds: Seconds = 120.0
    tokens: Count = 16_384


class PatienceTable(Frozen):
    """`[profile.patience]`: when an agent is told that it goes round (`rules.conversation.Patience`)."""

    repeats: Limit | None = None
    failures: Limit | None = None
    idle: Limit | None = None
    stop: Limit | None = None


class ProfileTable(Frozen):
    """One `[[profile]]` as it is written: a key that is absent comes from what it extends (`proxy.profiles.load`)."""

    name: Annotated[str, Field(min_length=1)]
    extends: str | None = None
    match: Texts | None = None
    mode: Mode | None = None
    protocol: Protocol | None = None
    reads: Annotated[tuple[DialectName, ...], Field(strict=False)] | None = None
    raw: Literal["logprobs", "content"] | None = None
    thinking: Literal["strip", "field", "keep"] | None = None
    thinking_prompt: Literal["closed", "open", "after_tool"] | None = None
    strip_plain: bool | None = None
    request: dict[str, JsonValue] | None = None
    guess: bool | None = None
    fill: dict[str, dict[str, JsonValue]] | None = None
    fill_missing: bool | None = None
    merge_users: bool | None = None
    system_first: bool | None = None
    spell_out: bool | None = None
    grammar: bool | None = None
    strict: Literal["never", "demanded", "always"] | None = None
    patience: PatienceTable | None = None

    @field_validator("match", "reads")
    @classmethod
    def _some(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and not value:
            raise ValueError("must not be empty")
        return value


def normal_upstream(url: str) -> str:
    """Return the base URL of a model server without its `/v1`: routes outside `/v1` (tokenize, health) hang on it too."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        nearest = "http://" + re.sub(r"^(?:\w+://)?/*(?:.*@)?", "", url.strip())
        raise ValueError(f'must be an http(s) URL of a model server, such as "http://127.0.0.1:8000"; is "{nearest}" meant?')
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or password; set the variable TOOLMEND_UPSTREAM_KEY instead")
    if parts.query or parts.fragment:
        raise ValueError('must not have a query ("?...") or fragment ("#...")')
    _check_port(parts.netloc)
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    if path.endswith(("/chat/completions", "/completions", "/models")):
        raise ValueError(f'must be the base URL, not a route: "{parts.scheme}://{parts.netloc}"')
    return f"{parts.scheme}://{parts.netloc}{path}"


def _check_port(netloc: str) -> None:
    _, colon, port = netloc.rpartition("]")[2].rpartition(":")
    if colon and not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f'must have a port from 1 to 65535 after the colon, not "{port}"')


def _upstream(value: Any) -> Any:
    return normal_upstream(value) if isinstance(value, str) else value


class FileSettings(Frozen):
    """What a configuration file may say. Keys (secrets) are read from the environment only, never from a file."""

    upstream: Annotated[str, BeforeValidator(_upstream)] | None = None
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8900
    mode: Mode = "repair"
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    journal: SafePath | None = None
    journal_bodies: Bodies = "on"
    stream: StreamMode = "eager"
    no_key_needed: bool = False
    probe: bool = True
    metrics_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    limits: Limits = Limits()
    budget: Budget = Budget()
    profile: tuple[ProfileTable, ...] = Field(default=(), strict=False)


class Settings(FileSettings):
    """Everything the proxy is told.

    upstream       base URL of the model server, without `/v1`
    upstream_key   sent to the model server as a bearer token; None: what the client sent is passed on
    client_key     what a client must present; None: nobody is asked
    probe          the model server is asked what it can do, at start and when it has changed
    metrics_port   where the metrics are served, without a key (the n-th worker: n ports above); 0: nowhere
    no_key_needed  the operator accepts that everyone who reaches `host` may use the model
    worker         None: the only process; n: the n-th of `workers` processes that share the port (SO_REUSEPORT)
    """

    upstream: Annotated[str, BeforeValidator(_upstream)]
    upstream_key: SecretStr | None = None
    client_key: SecretStr | None = None
    worker: int | None = None

    @model_validator(mode="after")
    def _only_guarded_doors(self) -> Self:
        if not (is_loopback(self.host) or self.client_key or self.no_key_needed):
            raise ValueError(
                f'refusing to listen on "{self.host}" without a key: whoever reaches it could use your model. Either set'
                " TOOLMEND_CLIENT_KEY (clients then send it as their API key), or say --no-key-needed, or stay on 127.0.0.1"
            )
        if self.metrics_port and not self._metrics_fit():
            raise ValueError(
                f"metrics port {self.metrics_port}: each worker needs one of its own from there on, up to 65535, and none of them"
                f" the port {self.port}"
            )
        if self.port == 0 and self.workers > 1:
            raise ValueError("port 0 (any free port) works with one worker only: several must share one port")
        return self

    def _metrics_fit(self) -> bool:
        ports = range(self.metrics_port, self.metrics_port + self.workers)
        return ports[-1] <= 65535 and self.port not in ports


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
