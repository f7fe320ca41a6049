"""What can go wrong outside the model: one small tree of exceptions, each of which knows its OpenAI-shaped answer."""

from __future__ import annotations

from collections.abc import Mapping

import orjson


class Fault(Exception):
    """Something that ends a request with an error.

    retry_after  seconds
    noted        the operator was told already
    closes       the connection ends as well: nobody knows where the next request on it begins, or for whom it is
    own          our words for it, where the message quotes a model server: its words may hold what a user wrote
    """

    status = 500
    kind = "internal_error"
    code = "toolmend_internal_error"

    def __init__(self, message: str, *, code: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.retry_after = retry_after
        self.noted = False
        self.closes = False
        self.own = ""

    @property
    def told(self) -> str:
        """What the log says of it."""
        return self.own or self.message

    def body(self) -> bytes:
        """Return the error as OpenAI's API words it."""
        error = {"message": self.message, "type": self.kind, "param": None, "code": self.code}
        return orjson.dumps({"error": error})

    def line(self) -> bytes:
        """Return the error as one line of JSON, for a stream, whatever the server's own body was."""
        try:
            parsed = orjson.loads(self.body())
        except orjson.JSONDecodeError:
            parsed = None
        if not isinstance(parsed, dict) or not isinstance(parsed.get("error"), dict):
            parsed = {"error": {"message": self.message, "type": self.kind, "param": None, "code": self.code}}
        return orjson.dumps(parsed)

    def headers(self) -> dict[str, str]:
        """Return what a well-made client needs to know besides the body."""
        headers = {"Content-Type": "application/json", "x-should-retry": "false"}
        if self.retry_after is not None:
            headers |= {"Retry-After": str(self.retry_after), "x-should-retry": "true"}
        return headers


def forget_where(error: BaseException | None) -> None:
    """Let go of where an error was raised, and of what caused it, once it is told: those frames hold the whole request, and the
    request leads back to the error, so that all of it would wait for the collector.
    """
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


class BadRequest(Fault):
    """The client's request cannot be served as it is."""

    status, kind, code = 400, "invalid_request_error", "bad_request"

    def __init__(self, message: str, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status


class Overloaded(Fault):
    """No room for another request. Never 429: OpenHands 0.59 hangs for ever on it."""

    status, kind, code = 503, "server_error", "overloaded"


class Stopping(Fault):
    """The process ends, and the time to bring what it serves to an end is over."""

    status, kind, code = 503, "server_error", "stopping"


class UpstreamUnreachable(Fault):
    """The model server cannot be reached."""

    status, kind, code = 502, "upstream_error", "upstream_unreachable"


class UpstreamTimeout(Fault):
    """The model server took too long."""

    status, kind, code = 504, "upstream_error", "upstream_timeout"


class UpstreamBroken(Fault):
    """The model server's answer broke off, or is not what an OpenAI-compatible server sends."""

    status, kind, code = 502, "upstream_error", "upstream_broken"


class UpstreamRefused(Fault):
    """The model server answered with an error of its own, which is passed on as it came."""

    kind, code = "upstream_error", "upstream_refused"

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(f"the model server answered HTTP {status}")
        self.status = status
        self._body = body
        self._headers = dict(headers)

    @property
    def words(self) -> str:
        """What the server said was wrong."""
        try:
            error = orjson.loads(self.line())["error"]
        except (KeyError, TypeError):
            return ""
        return str(error.get("message", ""))

    def body(self) -> bytes:
        """Return the server's body, byte for byte, where it is an error object already; odd ones are reshaped.

        vLLM and LM Studio write a text there, FastAPI a `detail`, SGLang and vLLM before 0.10 a `message` at the top.
        """
        try:
            parsed = orjson.loads(self._body)
        except orjson.JSONDecodeError:
            return self._body
        if not isinstance(parsed, dict) or isinstance(parsed.get("error"), dict):
            return self._body
        message = parsed.get("error") or parsed.get("detail") or parsed.get("message") or self.message
        if not isinstance(message, str):
            message = orjson.dumps(message).decode()
        error = {"message": message, "type": self.kind, "param": None, "code": self.status}
        return orjson.dumps({"error": error})

    def headers(self) -> dict[str, str]:
        """Return the server's own headers, as far as they may pass."""
        return self._headers
