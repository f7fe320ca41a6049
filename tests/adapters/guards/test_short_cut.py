"""Tokens that wait are looked at as if each had been looked at alone: the watch against one that never waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.guards.cycles import BLOCK, Cycles, LineBlocks
from adapters.guards.floods import Blanks, SameToken, SpecialTokens
from adapters.guards.repeat import CALL, TEXT, Repeat
from adapters.guards.watch import Watch


class Patientless:
    """All guards, each told of each token."""

    def __init__(self) -> None:
        self.tokens = 0
        self.same, self.marks, self.blanks, self.cycles, self.lines = (
            SameToken(),
            SpecialTokens(),
            Blanks(),
            Cycles(),
            LineBlocks(),
        )

    def take(self, token: str, *, inside: bool) -> Repeat | None:
        rope = CALL if inside else TEXT
        self.tokens += 1
        found = self.same.take(token, rope)
        pieces = [token[at : at + BLOCK] for at in range(0, len(token), BLOCK)]
        for piece in pieces:
            found = (
                found
                or self.marks.take(piece, self.tokens)
                or self.blanks.take(piece, rope, token=len(pieces) == 1)
                or self.cycles.take(piece, self.tokens, rope)
                or self.lines.take(piece, self.tokens, rope)
            )
        return found


TOKENS = st.one_of(
    st.sampled_from(
        ["a", " the", " ", "\n", "  ", ".\n", "<", "<pad>", "<|x|>", "[INST]", "word", "é", "", "x" * 70, "\n\n", "7"]
    ),
    st.text(max_size=6),
)
RUNS = st.lists(st.tuples(st.lists(TOKENS, min_size=1, max_size=6), st.integers(1, 900), st.booleans()), min_size=1, max_size=4)


@given(RUNS)
def test_waiting_changes_nothing(runs: list[tuple[list[str], int, bool]]) -> None:
    watch, other = Watch(), Patientless()
    for unit, times, inside in runs:
        for token in unit * times:
            wanted = other.take(token, inside=inside)
            found = watch.take(token, token=True, inside=inside)
            if wanted is None and found is None:
                continue
            assert found == wanted
            return
