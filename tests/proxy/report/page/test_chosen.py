"""The page shows an example of each reason and the newest turns, and no more than it has room for."""

from __future__ import annotations

import random
from typing import Any

from proxy.record import Attempt, Final
from proxy.report.page.chosen import CHARACTERS, ROWS, TURNS, Choice, Chosen
from proxy.report.summary import summarise
from tests.proxy.report.made import START, counted, entry

ONE = entry()


def turn(number: int, **more: Any) -> dict[str, Any]:
    ts = f"2026-11-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00.000Z"
    return {**ONE, "turn": f"{number:016x}", "ts": ts, **more}


def chosen_of(*entries: dict[str, Any]) -> Chosen:
    choice = Choice()
    assert list(choice.watch(entries)) == list(entries)
    return choice.made()


def numbers(found: Chosen) -> list[int]:
    return [int(each.row.turn, 16) for each in found.shown]


def test_the_newest_and_one_of_each_reason() -> None:
    entries = [turn(at) for at in range(3 * TURNS)]
    entries[5] |= {"reason": "unknown-arguments"}
    found = chosen_of(*entries)
    assert found.turns == 3 * TURNS
    assert numbers(found) == [0, 5, *range(2 * TURNS + 2, 3 * TURNS)]


def test_the_order_of_files_does_not_matter_to_what_is_newest() -> None:
    entries = [turn(at) for at in range(2 * TURNS)]
    random.Random(1).shuffle(entries)
    shown = numbers(chosen_of(*entries))
    assert set(range(TURNS + 1, 2 * TURNS)) <= set(shown)
    assert len(shown) == TURNS


def test_the_page_is_bounded() -> None:
    raw = "".join(f"<{at}>" for at in range(4_000))
    attempts = [{"raw": raw, "error": raw, "came": {"reasoning": raw}} for _ in range(3)]
    found = chosen_of(*(turn(at, attempts=attempts) for at in range(2 * ROWS)))
    assert 0 < len(found.shown) < TURNS
    assert sum(each.size for each in found.shown) <= CHARACTERS
    assert found.rows <= ROWS + TURNS


def test_the_example_of_the_report_is_there_to_be_shown() -> None:
    choice = Choice()
    entries = [turn(at, reason=f"r{at % 30}") for at in range(900)]
    summary = summarise(choice.watch(entries))
    found = choice.made()
    assert all(found.place_of(cause.turn) is not None for cause in summary.causes)


def test_conversations_are_whole_and_the_last_one_is_first() -> None:
    found = chosen_of(*(turn(at, conversation=f"c{at % 3}") for at in range(30)), turn(31, conversation="c1"))
    assert [each.name for each in found.conversations] == ["c1", "c2", "c0"]
    assert [int(row.turn, 16) for row, _ in found.conversations[0].rows] == [*range(1, 30, 3), 31]
    places = [place for each in found.conversations for _, place in each.rows]
    assert sorted(place for place in places if place is not None) == list(range(31))


def test_a_turn_that_is_not_in_full_has_its_line() -> None:
    found = chosen_of(*(turn(at) for at in range(TURNS + 10)))
    (only,) = found.conversations
    assert [place is None for _, place in only.rows] == [False, *[True] * 10, *[False] * (TURNS - 1)]


def test_counts_are_counted_and_not_shown() -> None:
    choice = Choice()
    list(choice.watch([counted(5, at=START), ONE]))
    assert choice.made().turns == 1
    assert choice.figures.timeline().bins[0].all == 5


def test_turns_of_no_time_are_there() -> None:
    assert [each.row.ts for each in chosen_of(turn(1), {**ONE, "ts": "never"}).shown] == ["never", turn(1)["ts"]]


def test_a_size_counts_all_texts() -> None:
    found = chosen_of(entry(attempts=(Attempt("abc", error="de"),), final=Final("fgh")))
    assert found.shown[0].size == 8
