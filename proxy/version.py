"""Which toolmend this is."""

from __future__ import annotations


def version() -> str:
    """Return the version that is installed."""
    from importlib import metadata  # noqa: PLC0415 - `toolmend --help` does without

    try:
        return metadata.version("toolmend")
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"
