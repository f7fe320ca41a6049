"""Micro-benchmarks: what reading, decoding and the rules cost, in one process, without a network.

    python -m bench.micro [--write docs/performance.md]

Times are of this process's processor; a text four times as long must take about four times as long.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.registry import DIALECTS
from adapters.turns import TurnBuilder
from bench.engine import streamed, text
from bench.scenarios import BODY
from docs.markdown import with_between
from proxy.body import read_body
from proxy.decoding import Decoding
from proxy.plan import make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.reading import Reader
from proxy.settings import Limits, Settings
from proxy.sse import Splitter
from rules.base import repair
from rules.conversation import Conversation, ToolCall, ToolSpec, Turn
from rules.registry import RULES

BEGIN, END = "<!-- micro: written by make bench-micro -->", "<!-- end of micro -->"

SHELL: Final = ToolSpec(
    "bash",
    "Run a command.",
    {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
        "required": ["command"],
    },
)
WORDS: Final = "the test fails because a list is read twice and then it is empty so we read it once and keep it".split()  # noqa: SIM905


def prose(size: int) -> str:
    """Return text of about so many characters that does not repeat itself."""
    chance = random.Random(size)
    made: list[str] = []
    while size > 0:
        made.append(" ".join(chance.choice(WORDS) for _ in range(12)) + ".\n")
        size -= len(made[-1])
    return "".join(made)


def best(work: Callable[[], Any], tries: int = 5) -> float:
    """Return the seconds of processor time that something takes, at best."""
    found = []
    for _ in range(tries):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def of_dialects() -> list[str]:
    """Measure each dialect on a call of 4 KB behind 4 KB of prose, and on four times as much."""
    lines = ["| dialect | us a KB | 4 times the text |", "|---|---|---|"]
    for name, dialect in sorted(DIALECTS.items()):
        using = grammar([dialect], (SHELL,))

        def one(size: int, dialect: Any = dialect) -> str:
            return prose(size) + str(dialect.render((ToolCall("c", "bash", {"command": prose(size)}),)))

        small, large = one(4_000), one(16_000)
        seconds = [best(partial(decode, each, using)) for each in (small, large)]
        lines.append(f"| {name} | {seconds[0] * 1e6 / len(small) * 1024:.0f} | {seconds[1] / seconds[0]:.1f} |")
    return lines


def read(events: Sequence[bytes], plan: Any) -> None:
    """Read and decode the events of an answer, as they come one by one."""
    reader, splitter = Reader(plan.profile.raw, None), Splitter(2**20)
    decoding = Decoding(plan, TurnBuilder())
    for each in events:
        for data in splitter.feed(each):
            decoding.feed(reader, reader.take(data))


def of_the_path() -> list[str]:
    """Measure the steps of a request, and of an answer's events."""
    raw, limits = orjson.dumps(BODY), Limits()
    settings, profiles = Settings(upstream="http://127.0.0.1:1"), load(())
    body = read_body(raw, limits)
    plan = make_plan(body, settings, profiles)
    said = text(2_000)
    plain, exact = (list(streamed(said, {"logprobs": logprobs})) for logprobs in (False, True))
    conversation = Conversation((SHELL,))
    right = Turn("assistant", calls=(ToolCall("c", "bash", {"command": prose(4_000)}),))
    wrong = Turn("assistant", calls=(ToolCall("c", "bash", {"command": prose(4_000), "timeout": "5"}),))
    megabyte = prose(1_000_000)
    chunks = (megabyte[at : at + 4_000] for at in range(0, len(megabyte), 4_000))
    joined = [b"data: " + orjson.dumps({"choices": [{"delta": {"content": each}}]}) + b"\n\n" for each in chunks]
    steps: dict[str, tuple[Callable[[], Any], int, str]] = {
        f"read a request of {len(raw) // 1024} KB": (lambda: read_body(raw, limits), 1, "us"),
        "understand it (client, profile, history, policy)": (lambda: make_plan(body, settings, profiles), 1, "us"),
        "write the question to the model server": (lambda: upstream_body(plan, frozenset(), Question()), 1, "us"),
        "an event of text": (lambda: read(plain, plan), len(plain), "us"),
        "an event of text with log-probabilities": (lambda: read(exact, plan), len(exact), "us"),
        "rules over a right call of 4 KB": (lambda: repair(right, conversation, RULES), 1, "us"),
        "rules over a call of 4 KB that is mended": (lambda: repair(wrong, conversation, RULES), 1, "us"),
        "an answer of 1 MB in events of 4 KB": (lambda: read(joined, plan), 1_000, "ms"),
    }
    lines = ["| step | takes |", "|---|---|"]
    for name, (work, count, unit) in steps.items():
        times = 1 if count > 100 else 50
        seconds = best(lambda work=work, times=times: [work() for _ in range(times)]) / times  # type: ignore[misc]
        lines.append(f"| {name} | {seconds / (1 if unit == 'ms' else count) * (1e3 if unit == 'ms' else 1e6):.0f} {unit} |")
    return lines


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    lines = [*of_the_path(), "", *of_dialects()]
    print("\n".join(lines))
    if given.write:
        given.write.write_text(with_between(given.write.read_text(), BEGIN, END, "\n".join(["", "", *lines, "", ""])))


if __name__ == "__main__":
    main()
