"""What the rungs of the ladder brought and cost, and the table of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer under a grammar: whether it came to its end within its cap, its tokens, and its time."""

    finished: bool
    tokens: int
    milliseconds: int


@dataclass
class Rungs:
    """All that was seen.

    seen      by server, rung and set of tools
    compared  server, way, what asking for the missing argument cost, and what asking for the whole call did
    strict    server -> who was asked -> how many of ten demanded calls were right
    blanks    form of the grammar -> how many of twenty answers came to an end
    """

    seen: dict[tuple[str, str, str], list[Seen]] = field(default_factory=lambda: defaultdict(list))
    compared: list[tuple[str, str, Seen, Seen]] = field(default_factory=list)
    strict: dict[str, dict[str, int]] = field(default_factory=dict)
    blanks: dict[str, int] = field(default_factory=dict)

    def add(self, server: str, rung: str, toolset: str, seen: Seen) -> None:
        """Take note of an answer under a grammar; a wrong one never gets here."""
        self.seen[server, rung, toolset].append(seen)

    def compare(self, server: str, way: str, part: Seen, whole: Seen) -> None:
        """Take note of the two ways to get one argument."""
        self.compared.append((server, way, part, whole))

    def markdown(self) -> Iterator[str]:
        """Yield the lines of the tables."""
        if self.seen:
            yield from (
                "| server | rung | tools | asked | finished | of these right | tokens | ms |",
                "|---|---|---|---|---|---|---|---|",
            )
            yield from (_row(*key, seen) for key, seen in self.seen.items())
        if self.compared:
            yield from (
                "",
                "| server | | the argument alone: tokens, ms | the whole call: tokens, ms | tokens saved |",
                "|---|---|---|---|---|",
            )
            for server, way, part, whole in self.compared:
                times = f"{whole.tokens / part.tokens:.0f} times fewer"
                yield f"| {server} | {way} | {part.tokens}, {part.milliseconds} | {whole.tokens}, {whole.milliseconds} | {times} |"
        for server, right in self.strict.items():
            yield (
                f"\nA demanded call on {server}, right of ten: "
                + ", ".join(f"{who} {number}" for who, number in right.items())
                + "."
            )
        if self.blanks:
            ended = ", ".join(f"`{form}` {number}" for form, number in self.blanks.items())
            yield f"\nAnswers that came to an end within 300 tokens, of twenty: {ended}."


def _row(server: str, rung: str, toolset: str, seen: list[Seen]) -> str:
    done = [each for each in seen if each.finished]
    tokens = f"{median(each.tokens for each in done):g}" if done else "-"
    time = f"{median(each.milliseconds for each in done):g}" if done else "-"
    return f"| {server} | {rung} | {toolset} | {len(seen)} | {len(done)} | {len(done)} | {tokens} | {time} |"
