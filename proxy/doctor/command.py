"""The command: asks, shows how far it is, tells what was found also when it is broken off, and gives the exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import structlog

from proxy.config_file import ConfigError
from proxy.doctor import profile_file, report
from proxy.doctor.diagnosis import diagnose
from proxy.doctor.examine import Examination, Step, requests
from proxy.doctor.findings import Finding
from proxy.doctor.gathered import Gathered
from proxy.doctor.order import Order
from proxy.doctor.purse import Purse

WELL: Final = 0
BROKEN: Final = 1
USAGE: Final = 2
UNEXAMINED: Final = 3
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Output:
    """Where the result goes. `write`: a file for the profile; `force`: also where there is one already."""

    as_json: bool = False
    write: Path | None = None
    force: bool = False


def run(order: Order, purse: Purse, output: Output) -> int:
    """Examine a server and tell what was found. Returns the exit code."""
    if not ready(output):
        return USAGE
    gathered = Gathered(order.settings.upstream, purse, keyed=order.key is not None, proxy=order.proxy)
    tell(
        f"at most {purse.requests} requests (not counting what toolmend asks again) and {purse.tokens} tokens on"
        f" {gathered.upstream}; Ctrl-C tells what is known by then"
    )
    interrupted = False
    try:
        with progress(requests(order)) as step:
            asyncio.run(Examination(order, gathered, step).run())
    except KeyboardInterrupt:
        interrupted, gathered.stopped = True, "it was interrupted"
    findings = diagnose(gathered)
    code = INTERRUPTED if interrupted else exit_code(gathered, findings)
    print(json.dumps(report.as_json(gathered, findings, code)) if output.as_json else report.text(gathered, findings))
    whole = gathered.trials and not gathered.stopped
    return save(output.write, profile_file.profile(gathered, findings) if whole else "") or code


def exit_code(gathered: Gathered, findings: list[Finding]) -> int:
    """Return the exit code (see above): what was found counts only where the server could be examined."""
    codes = {each.code for each in findings}
    if not gathered.trials:
        return USAGE if codes & {"model-unknown", "model-unnamed"} and gathered.trouble is None else UNEXAMINED
    if not any(turn.answer for trial in gathered.trials if trial.way.via == "direct" for turn in trial.turns):
        refused = any(turn.trouble and turn.trouble.status == 400 for trial in gathered.trials for turn in trial.turns)
        return BROKEN if refused else UNEXAMINED
    return BROKEN if any(each.weight == "breaks" for each in findings) else WELL


# -- what both commands share


def ready(output: Output) -> bool:
    """Silence the log, which is toolmend's own, and make sure that no file is replaced against one's wish."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if output.write is not None and output.write.exists() and not output.force:
        tell(f"{output.write} is there already; --force writes it anew")
        return False
    return True


def save(path: Path | None, text: str) -> int:
    """Write a profile, where one is wanted; an empty text is nothing to write. Returns an exit code, 0 where all is well."""
    if path is None:
        return WELL
    if not text:
        tell(f"{path} was not written: not everything was asked, or nothing came of it")
        return WELL
    try:
        profile_file.write(path, text)
    except (OSError, ConfigError) as error:
        tell(f"cannot write {path}: {error}")
        return USAGE
    tell(f"wrote {path}; use it with toolmend serve --config {path}")
    return WELL


def tell(words: str) -> None:
    """Say something that is not the result."""
    print(f"toolmend: {words}", file=sys.stderr)


@contextmanager
def progress(length: int) -> Iterator[Step]:
    """Show how far it is, on a terminal's error output alone."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, file=sys.stderr, label="asking", show_pos=True) as bar:
        yield bar.update
