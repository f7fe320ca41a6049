"""Takes every case of BFCL through every dialect and writes down how it went: `make conformance`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from adapters.registry import DIALECTS
from docs.generate import page, with_conformance
from tests.conformance.bfcl_cases import Case, load
from tests.conformance.bfcl_data import bfcl_data
from tests.conformance.report import Results, failed, listing, table
from tests.conformance.round_trip import RULES_ALONE, outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print what was not exact, write the table; 1 where anything came back wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the page to write, with the new conformance table")
    parser.add_argument("--only", nargs="+", default=list(DIALECTS), choices=list(DIALECTS), help="dialects to try")
    options = parser.parse_args(arguments)
    if options.write and set(options.only) != set(DIALECTS):
        parser.error("only a run of all dialects is written down")
    cases = list(load(bfcl_data()))
    results = run([case for case in cases if not case.unusable], options.only)
    print(listing(results), table(cases, results), sep="\n")
    if options.write:
        options.write.write_text(page(with_conformance(options.write.read_text("utf-8"), table(cases, results))), "utf-8")
    return int(failed(results))


def run(cases: Sequence[Case], dialects: Sequence[str]) -> Results:
    """Return the outcomes by dialect and case, in order. Each core takes its share of the cases."""
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(partial(outcomes, dialects=dialects), cases, chunksize=20))
    return {name: {case.id: each[name] for case, each in zip(cases, found, strict=True)} for name in (RULES_ALONE, *dialects)}


if __name__ == "__main__":
    sys.exit(main())
