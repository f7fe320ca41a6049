"""Fuzzes each target for a while, and keeps what is new: `python -m tests.fuzz.drive --seconds 60 [NAME ...]`.

What a fuzzer has worked out lies in `.cache/fuzz/NAME/` and is where the next run begins. What of it reaches code that the kept
corpus does not reach is copied to `tests/fuzz/corpus/NAME/`. At a crash, or an input that takes more than 5 s, the run of that
target ends, says where the input lies, and the exit code is 1 in the end.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.targets import CORPUS, TARGETS

WORK: Final = Path(".cache/fuzz")
LONGEST: Final = 1024
"""Bytes of an input."""
HUNG: Final = 5
"""Seconds that one input may take."""


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of one target. `found` is the input that broke it, `said` the last of what the fuzzer wrote."""

    name: str
    runs: int
    seconds: int
    kept: int
    found: Path | None
    said: str

    def line(self) -> str:
        """Say it in a line."""
        speed = f"{self.name}: {self.runs:,} runs in {self.seconds} s ({self.runs // max(self.seconds, 1):,}/s), {self.kept} inputs kept"
        return (
            f"{speed}; BROKEN by {self.found}: python -m tests.fuzz.drive --input {self.found} {self.name}"
            if self.found
            else speed
        )


def fuzz(name: str, seconds: int, *, keep: bool = True) -> Fuzzed:
    """Fuzz a target for some seconds; with `keep` its corpus grows. Raises RuntimeError where the fuzzer itself failed."""
    folder, corpus = WORK / name, CORPUS / name
    inputs, broken = folder / "inputs", folder / "broken"
    for each in (inputs, broken, corpus):
        each.mkdir(parents=True, exist_ok=True)
    for at, seed in enumerate(TARGETS[name].seeds):
        (inputs / f"seed-{at}").write_bytes(seed)
    (folder / "words").write_text("".join(f'"{_escaped(word)}"\n' for word in TARGETS[name].words))
    before = set(broken.iterdir())
    options = [f"-max_total_time={seconds}", f"-timeout={HUNG}", f"-max_len={LONGEST}", f"-dict={folder / 'words'}"]
    code, said = _run(name, *options, f"-artifact_prefix={broken}/", "-rss_limit_mb=2048", "-len_control=20", inputs, corpus)
    done = re.search(r"Done (\d+) runs in (\d+) second", said)
    found = next(iter(set(broken.iterdir()) - before), None)
    if found is None and (code or done is None):
        raise RuntimeError(said[-4000:])
    if keep and found is None:
        _run(name, "-merge=1", "-use_counters=0", f"-max_len={LONGEST}", corpus, inputs)
    runs = [int(each) for each in re.findall(r"^#(\d+)\s", said, re.MULTILINE)]
    ran, took = (int(done[1]), int(done[2])) if done else (max(runs, default=0), 0)
    return Fuzzed(name, ran, took, len(list(corpus.iterdir())), found, said[-4000:])


def _escaped(word: bytes) -> str:
    return "".join(chr(each) if 32 <= each < 127 and each not in b'"\\' else f"\\x{each:02X}" for each in word)


def _run(name: str, *arguments: str | Path) -> tuple[int, str]:
    words = [sys.executable, "-m", "tests.fuzz.one", name, *map(str, arguments)]
    ended = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return ended.returncode, ended.stdout.decode("utf-8", "replace")


def main() -> int:
    """Fuzz, or show what one input does."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=list(TARGETS), help="targets; all unless told")
    options.add_argument("--seconds", type=int, default=60, help="for each target")
    options.add_argument("--input", type=Path, help="run this input once, without a fuzzer")
    chosen = options.parse_args()
    if chosen.input:
        TARGETS[chosen.names[0]].run(chosen.input.read_bytes())
        return 0
    broken = False
    for name in chosen.names:
        fuzzed = fuzz(name, chosen.seconds)
        broken = broken or fuzzed.found is not None
        print(fuzzed.said if fuzzed.found else "", fuzzed.line(), sep="\n" if fuzzed.found else "", flush=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
