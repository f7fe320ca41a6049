"""What aiohttp's server has to say goes to our log: one event each, and not a byte of what a client sent."""

from __future__ import annotations

import logging

import structlog
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger()


def server_logger() -> logging.Logger:
    """Return the logger for a server. aiohttp's own writes tracebacks, and headers that it did not like, to standard error."""
    logger = logging.getLogger("proxy.server")
    logger.handlers, logger.propagate = [_ToLog()], False
    return logger


class _ToLog(logging.Handler):
    """Tells what is no HTTP as a refusal, nothing of connections that broke, and all else as the fault of ours that it is."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            log.info("refused", status=error.code, error=f"the request is not HTTP as it should be ({type(error).__name__})")
        elif isinstance(error, ConnectionError):
            return  # an answer that we broke off: why is told already
        elif record.levelno >= logging.WARNING:
            log.error("unhandled", error=record.getMessage(), exc_info=error)
