"""Plays the labelled set, and says what was made of it: `python -m tests.journals.run [--also FOLDER] [--write FILE]`.

The traffic is real (HTTP on loopback), the model server is the fake one, and the model is simulated. `--also` adds journals of other
runs, such as those of the real vLLM (`tests/e2e/vllm`), which have no labels.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from proxy.config_file import read_config
from proxy.failures.base import CLASSES
from proxy.records.read import Skipped, entries, is_turn
from proxy.replay.run import NotReplayable, replay
from proxy.replay.terms import be_quiet, settings_for, terms_for
from proxy.settings import FileSettings
from tests.journals.playing import Played, play
from tests.journals.scenes import every_scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--also", type=Path, action="append", default=[], help="a journal of another run, with a .toml of its profiles beside it"
    )
    parser.add_argument("--keep", type=Path, help="where to leave the journal")
    parser.add_argument("--write", type=Path, help="a Markdown file")
    given = parser.parse_args()
    be_quiet()
    with tempfile.TemporaryDirectory() as folder:
        text = asyncio.run(measured(given.keep or Path(folder) / "journal", given.also))
    print(text)
    if given.write:
        given.write.write_text(text, "utf-8")


async def measured(folder: Path, also: list[Path]) -> str:
    """Play, count, report and serve again; return the page."""
    played = await play(every_scene(), folder)
    places = [folder, *also]
    turns = [each for each in entries(places, Skipped()) if is_turn(each)]
    drift = sum([await drifted(folder, None), *[await drifted(each, each.with_suffix(".toml")) for each in also]], Counter[str]())
    began = time.monotonic()
    command = [sys.executable, "-m", "proxy", "report", "--json", *(word for each in places for word in ("--journal", str(each)))]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)  # noqa: ASYNC221
    seconds = time.monotonic() - began
    return page(played, turns, drift, told, seconds)


async def drifted(folder: Path, config: Path | None) -> Counter[str]:
    """Serve all turns of a journal again, and count what became of them."""
    counts: Counter[str] = Counter()
    async with terms_for(settings_for(read_config(config) if config else FileSettings())) as terms:
        for entry in [each for each in entries([folder], Skipped()) if is_turn(each)]:
            if entry["class"] == "ours":  # what was broken on purpose when they were played is whole by now
                counts["left out, since toolmend itself was broken"] += 1
                continue
            try:
                found = await replay(entry, terms)
            except NotReplayable as error:
                counts[f"not served: {error}"] += 1
                continue
            counts["otherwise" if found.drift else "as then"] += 1
            for each in found.drift:
                print(entry["turn"], entry["class"], entry["reason"], each, file=sys.stderr)
    return counts


def page(played: list[Played], turns: list[dict[str, Any]], drift: Counter[str], told: dict[str, Any], seconds: float) -> str:
    by_class = Counter(str(each["class"] or "(none)") for each in turns)
    labelled, right = Counter(each.scene.kind for each in played), Counter(each.scene.kind for each in played if each.right)
    for each in played:
        if not each.right:
            print(
                "wrong:",
                each.scene.name,
                each.stream,
                (each.record or {}).get("class"),
                (each.record or {}).get("reason"),
                file=sys.stderr,
            )
    rows = [
        f"| {name} | {by_class[name]} | {labelled[name]} | {right[name]} |" for name in (*CLASSES, "(none)") if by_class[name]
    ]
    served = ", ".join(f"{count} {what}" for what, count in drift.items())
    return "\n".join(
        [
            "# A journal of turns that fail",
            "",
            "Made by `python -m tests.journals.run`: real traffic over loopback; the model server is the fake one, or a real vLLM whose",
            "tiny model says what a test tells it to. *Labelled* turns were made to fail in a known way, for every client, whole and streamed;",
            "*right* are those that were written down under that class (and reason, where the label has one).",
            "",
            "| class | turns | labelled | right |",
            "|---|---|---|---|",
            *rows,
            f"| all | {len(turns)} | {sum(labelled.values())} | {sum(right.values())} |",
            "",
            f"`toolmend report` over them took {seconds:.2f} s, start of the process included, and counts {told['turns']} turns.",
            f"`toolmend replay` of all of them: {served}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
