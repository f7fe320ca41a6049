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
from proxy.modes import Bodies as Bodies  # noqa: PLC0414 - others take them from here
from proxy.modes import Mode as Mode  # noqa: PLC0414
from proxy.modes import StreamMode as StreamMode  # noqa: PLC0414

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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class Limits(Frozen):
    """Bounds of time and size. Each stands for an attack or an accident that was measured."""

    body_bytes: Count = 16 * MIB
    """A request's body; a larger one is refused with 413."""
    structural_bytes: Count = 500_000
    """Commas, colons and brackets in a body: they are what makes a parsed one heavy."""
    body_seconds: Seconds = 30.0
    """How long a request's body may take to come."""
    first_byte_seconds: Seconds = 600.0
    """How long the model server may send nothing before its first text. A long prompt is read in this time."""
    idle_seconds: Seconds = 120.0
    """How long it may send nothing in the midst of an answer."""
    stream_seconds: Seconds = 3600.0
    """How long one answer may take altogether."""
    heartbeat_after_seconds: Seconds = 5.0
    """After how much silence a stream is kept alive by a comment; until then a real status can still be sent."""
    heartbeat_seconds: Seconds = 10.0
    """How much silence lies between two such comments."""
    event_bytes: Count = 4 * MIB
    """One event of the model server's stream."""
    argument_bytes: Count = 4 * MIB
    """The arguments of one call."""
    calls_per_turn: Count = 64
    """Calls in one turn."""
    messages: Count = 4_096
    """Messages in one request. Each of them is looked at, and meanwhile everybody else waits."""
    tools: Count = 256
    """Tools in one request."""
    choices: Count = 8
    """Answers to one request (`n`)."""
    schema_bytes: Count = 1 * MIB
    """All schemas of a request's tools together."""
    max_streams: Count = 512
    """Requests that are served at the same time, in each worker."""
    queue_seconds: Seconds = 5.0
    """How long a request waits for a place before it is refused with 503."""
    connect_seconds: Seconds = 3.0
    """How long a connection to the model server may take."""
    drain_seconds: Seconds = 25.0
    """How long requests that have begun may go on after SIGTERM."""
    inflight_bytes: Count = 64 * MIB
    """Bodies of all requests that are served at the same time."""


class Budget(Frozen):
    """What asking the model again may cost in one turn, over all steps of the ladder."""

    asks: Annotated[int, Field(ge=0, le=16)] = 2
    """How often the model is asked again."""
    seconds: Seconds = 120.0
    """How long all of it may take. The client's own read timeout, where it tells it, is the outer bound."""
    tokens: Count = 16_384
    """Tokens that all further answers may have."""


class PatienceTable(Frozen):
    """`[profile.patience]`: when an agent is told that it goes round (`rules.conversation.Patience`)."""

    repeats: Limit | None = None
    """Rounds of the same calls with the same results. 0: never."""
    failures: Limit | None = None
    """Calls of a tool in a row that fail alike. 0: never."""
    idle: Limit | None = None
    """Steps that only look, after a change was made and checked; the agent is asked whether it is done. 0: never."""
    stop: Limit | None = None
    """Rounds after which the session is stopped in words. 0: never."""


class ProfileTable(Frozen):
    """One `[[profile]]` as it is written: a key that is absent comes from what it extends (`proxy.profiles.load`)."""

    name: Annotated[str, Field(min_length=1)]
    """Its name; that of a built-in profile changes that one, in the keys it gives."""
    extends: str | None = None
    """The profile that absent keys come from; without it `generic`."""
    match: Texts | None = None
    """Patterns of served model names, without regard to case; the part behind the last `/` counts, too."""
    mode: Mode | None = None
    """A mode for this model alone; it can only do less than the process does."""
    protocol: Protocol | None = None
    """`native`: tools go to the server's own template; `text:<dialect>`: tools, calls and results are written into the messages;
    `auto`: natively until three answers of a conversation in a row have wrong calls, then as text in the
    first dialect of `reads`."""
    reads: Annotated[tuple[DialectName, ...], Field(strict=False)] | None = None
    """Dialects that an answer may be written in, its own first (dialects.md); `*`: every other one that a
    model need not be asked for."""
    raw: Literal["logprobs", "content"] | None = None
    """Where the model's exact text comes from; `logprobs` falls back to content by itself."""
    thinking: Literal["strip", "field", "keep"] | None = None
    """Drop thoughts, move them to `reasoning_content`, or leave them in the text."""
    thinking_prompt: Literal["closed", "open", "after_tool"] | None = None
    """Whether the chat template leaves a thought open, so that an answer begins inside one."""
    strip_plain: bool | None = None
    """Strip thinking from requests without tools as well."""
    request: dict[str, JsonValue] | None = None
    """Body fields to add where the client did not set them."""
    guess: bool | None = None
    """Whether rules of the class `guess` (a unique, near choice) may act."""
    fill: dict[str, dict[str, JsonValue]] | None = None
    """Values for required properties that are missing, per client preset."""
    fill_missing: bool | None = None
    """The switch for `fill`."""
    merge_users: bool | None = None
    """Make neighbouring user messages one, for templates that demand alternation."""
    system_first: bool | None = None
    """Make later system messages a user's, for templates that take one, at the beginning."""
    spell_out: bool | None = None
    """Say constraints that the chat template leaves out of the tools' schemas (bounds, patterns, formats, defaults, unions) in
    their descriptions."""
    grammar: bool | None = None
    """Ask for what is missing under a grammar where the server bears one (ladder.md)."""
    strict: Literal["never", "demanded", "always"] | None = None
    """Put `strict: true` on tools whose schemas bear it; `demanded`: where the client demands a call. The flag is part of the
    prompt, so `always` spares the prefix cache where demands come and go."""
    patience: PatienceTable | None = None
    """When an agent is told that it goes round; its keys stand below."""

    @field_validator("match", "reads")
    @classmethod
    def _some(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else _not_empty(value)


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
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


class ServerTable(Frozen):
    """One `[[server]]`: a model server besides `upstream`."""

    url: Annotated[str, BeforeValidator(_upstream)]
    """Base URL of the model server, with or without `/v1`."""

    models: Texts
    """Patterns of the model names that it is asked for, as in a profile's `match`; the first `[[server]]` that matches counts."""

    key_variable: Annotated[str, Field(min_length=1)] | None = None
    """Name of the variable that holds its key. Without, the client's own key is passed on."""

    @field_validator("models")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _not_empty(value)


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
    client_keys_file: SafePath | None = None
    tls_cert: SafePath | None = None
    tls_key: SafePath | None = None
    upstream_ca: SafePath | None = None
    metrics_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    otel: bool = False
    limits: Limits = Limits()
    budget: Budget = Budget()
    profile: tuple[ProfileTable, ...] = Field(default=(), strict=False)
    server: tuple[ServerTable, ...] = Field(default=(), strict=False)


class Settings(FileSettings):
    """Everything the proxy is told.

    upstream       base URL of the model server, without `/v1`; of several the one that is asked for all models of no other
    upstream_key   sent to the model server as a bearer token; None: what the client sent is passed on
    server_keys    the keys of those in `server` that have one, by the name of the variable
    client_key     what a client must present; None, and no `client_keys`: nobody is asked
    client_keys    more keys that a client may present: what `client_keys_file` held
    probe          the model server is asked what it can do, at start and when it has changed
    journal        directory for turns that were not right; "-": standard output
    metrics_port   where the metrics are served, without a key (the n-th worker: n ports above); 0: nowhere
    otel           requests are traced for OpenTelemetry; the variables `OTEL_*` say where traces go
    no_key_needed  the operator accepts that everyone who reaches `host` may use the model
    worker         None: the only process; n: the n-th of `workers` processes that share the port (SO_REUSEPORT)
    """

    upstream: Annotated[str, BeforeValidator(_upstream)]
    upstream_key: SecretStr | None = None
    server_keys: dict[str, SecretStr] = Field(default_factory=dict)
    client_key: SecretStr | None = None
    client_keys: tuple[SecretStr, ...] = ()
    worker: int | None = None

    def at(self, server: ServerTable) -> Settings:
        """Return what holds for one of the other model servers."""
        key = self.server_keys[server.key_variable] if server.key_variable else None
        return self.model_copy(update={"upstream": server.url, "upstream_key": key, "server": ()})

    @model_validator(mode="after")
    def _no_key_missing(self) -> Self:
        for server in self.server:
            if server.key_variable and server.key_variable not in self.server_keys:
                raise ValueError(f'the variable {server.key_variable}, which holds the key of "{server.url}", is not set')
        return self

    @property
    def guarded(self) -> bool:
        """Clients are asked for a key. Theirs is then for us, and is not passed on."""
        return self.client_key is not None or bool(self.client_keys)

    @model_validator(mode="after")
    def _only_guarded_doors(self) -> Self:
        if not (is_loopback(self.host) or self.guarded or self.no_key_needed):
            raise ValueError(
                f'refusing to listen on "{self.host}" without a key: whoever reaches it could use your model. Either set'
                " TOOLMEND_CLIENT_KEY (clients then send it as their API key), or say --no-key-needed, or stay on 127.0.0.1"
            )
        if self.tls_key and not self.tls_cert:
            raise ValueError("--tls-key is the private key of a certificate: say --tls-cert as well")
        if self.metrics_port and not self._metrics_fit():
            raise ValueError(
                f"metrics port {self.metrics_port}: each worker needs one of its own from there on, up to 65535, and none of them"
                f" the port {self.port}"
            )
        if str(self.journal) == "-" and self.workers > 1:
            raise ValueError(
                "the journal goes to standard output (-) with one worker only: the lines of several would mix. Run several"
                " containers of one worker each, or give the journal a directory"
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
