"""Delta debugging keeps what is needed together, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.replay.ddmin import ddmin


@given(
    st.integers(0, 24).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, max(size - 1, 0)), max_size=size)))
)
async def test_exactly_what_is_needed_is_kept(drawn: tuple[int, set[int]]) -> None:
    size, needed = drawn
    tried = 0

    async def fails(part: tuple[int, ...]) -> bool:
        nonlocal tried
        tried += 1
        assert list(part) == sorted(part)
        return needed <= set(part)

    assert await ddmin(range(size), fails) == tuple(sorted(needed))
    assert tried <= size * size + 4 * size + 1


@given(st.sets(st.integers(0, 11), min_size=1).map(frozenset), st.sets(st.integers(0, 11), min_size=1).map(frozenset))
async def test_none_that_is_kept_can_be_left_out(one: frozenset[int], other: frozenset[int]) -> None:
    """Either of two sets will do, which is not monotonous in their parts: what is left is minimal by each single unit."""

    async def fails(part: tuple[int, ...]) -> bool:
        return one <= set(part) or other <= set(part)

    found = await ddmin(range(12), fails)
    assert await fails(found)
    for place in range(len(found)):
        assert not await fails(found[:place] + found[place + 1 :])
