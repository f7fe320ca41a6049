"""The command `toolmend tune`: measures, ranks, and writes the form to use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from proxy.doctor import profile_file, report, tune_report
from proxy.doctor.command import BROKEN, INTERRUPTED, USAGE, WELL, Output, exit_code, progress, ready, save, tell
from proxy.doctor.diagnosis import diagnose
from proxy.doctor.gathered import Gathered
from proxy.doctor.order import Order
from proxy.doctor.purse import Purse
from proxy.doctor.tuning import Tuning


def run(order: Order, purse: Purse, output: Output, wished: Sequence[str]) -> int:
    """Measure, and tell the ranking. Returns the exit code: 1 where no form brought a right play, else as the doctor's."""
    if not ready(output):
        return USAGE
    gathered = Gathered(order.settings.upstream, purse, keyed=order.key is not None)
    tell(
        f"at most {purse.requests} requests and {purse.tokens} tokens on {gathered.upstream}; Ctrl-C tells what is known by then"
    )
    interrupted = False
    with progress(purse.requests) as step:
        tuning = Tuning(order, gathered, step, wished)
        try:
            asyncio.run(tuning.run())
        except KeyboardInterrupt:
            interrupted, gathered.stopped = True, "it was interrupted"
    code = _code(tuning, interrupted=interrupted)
    print(_told(tuning, code, as_json=output.as_json))
    return save(output.write, _profile(tuning)) or code


def _code(tuning: Tuning, *, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    if not tuning.measured:
        return exit_code(tuning.gathered, diagnose(tuning.gathered))
    return WELL if tune_report.chosen(tuning.measured) is not None else BROKEN


def _told(tuning: Tuning, code: int, *, as_json: bool) -> str:
    """Return what was measured, or, as the doctor does, why nothing was."""
    gathered, measured = tuning.gathered, tuning.measured
    if measured:
        return json.dumps(tune_report.as_json(gathered, measured, code)) if as_json else tune_report.text(gathered, measured)
    findings = diagnose(gathered)
    return json.dumps(report.as_json(gathered, findings, code)) if as_json else report.text(gathered, findings)


def _profile(tuning: Tuning) -> str:
    """Return a profile with the form to use; nothing where there is none, or not all was measured."""
    use = tune_report.chosen(tuning.measured)
    if use is None or tuning.gathered.stopped:
        return ""
    reason = f"right in {use.right} of {len(use.trials)} plays (toolmend tune)"
    return profile_file.table(tuning.gathered, [("protocol", use.protocol, reason)], "tune")
