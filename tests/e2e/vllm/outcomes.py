"""The tables a run leaves behind: what each case became, with vLLM's own parser and through toolmend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cases import ASKED, KINDS, load, unplayable
from named import named
from written import Record

ALONE, THROUGH, TURN = "vLLM's parser alone", "through toolmend", "turn"
Columns = dict[str, dict[str, str]]
"""Column -> way (whole, stream) -> what was wrong, where empty text is right; of TURN: the id of the turn."""
Table = dict[tuple[str, str], Columns]
"""(server, case) -> columns."""

HEAD = """# On a real vLLM

Texts from `tests/corpus`, said token by token by a real vLLM 0.32 server (a tiny model that says what a test tells it to),
whole and streamed. First what vLLM's own parser makes of each, then what a client gets through toolmend. The server `plain`
runs without parser flags, and then vLLM refuses tools. Made by `tests/e2e/vllm`; run it again with
`make e2e-vllm`.

"""

ALL_TEXTS = """## All texts

vLLM's parser alone, and what a client gets through toolmend; *asked again* are those of the latter for which the model was
asked once more, because only it could know. It is asked in words: what it then says stands in the script, too. What asking under
a grammar brings is measured with random weights ([ladder.md](ladder.md)).
"""

KINDS_OF_WRONG = {
    "text": "calls right, text not",
    "wrong": "calls wrong, but parseable",
    "invented": "calls wrong, but parseable",
    "let through": "calls wrong, but parseable",
    "not JSON": "arguments no JSON",
    "call lost": "call lost",
    "HTTP 400": "refused",
}
"""What is wrong, as tests/e2e/vllm/judge.py says it -> column. *Let through* is a call that no client can run as it is."""


def markdown(rows: Table, records: dict[str, Record]) -> Iterator[str]:
    """Yield the lines of the tables. `records` are the journal's, by turn."""
    yield from ("| server | right alone | right through toolmend |", "|---|---|---|")
    for name, of in _by_server(rows):
        yield f"| {name} | {_count(of, ALONE)} | {_count(of, THROUGH)} |"
    yield from ("", *_parsers(rows, records))
    yield from ("", *named(rows, records))
    yield from ("", "## Texts", "", "Those that were chosen to show what happens, of the many above.", "")
    yield from (f"| server | case | {ALONE} | {THROUGH} |", "|---|---|---|---|")
    for (server, case), columns in rows.items():
        if case in KINDS[server].chosen:
            yield f"| {server} | {case} | {_cell(columns.get(ALONE))} | {_cell(columns.get(THROUGH))} |"


def _parsers(rows: Table, records: dict[str, Record]) -> Iterator[str]:
    """Yield what became of all texts, per server and way."""
    wrongs = list(dict.fromkeys(KINDS_OF_WRONG.values()))
    yield ALL_TEXTS
    yield f"| server | way | texts | right alone | {' | '.join(wrongs)} | right through toolmend | of these asked again |"
    yield f"|---|---|---|---|{'---|' * len(wrongs)}---|---|"
    for name, of in _by_server(rows):
        for way in ("whole", "stream"):
            became = Counter(KINDS_OF_WRONG.get(each[ALONE][way].partition(":")[0], "right") for each in of if ALONE in each)
            told = [each for each in of if THROUGH in each]
            right = [each for each in told if not each[THROUGH][way]]
            again = sum(len(records.get(each[TURN][way], {}).get("attempts", ())) > 1 for each in right)
            cells = [
                name,
                way,
                len(of),
                became["right"],
                *(became[wrong] for wrong in wrongs),
                f"{len(right)} of {len(told)}",
                again,
            ]
            yield f"| {' | '.join(map(str, cells))} |"
    asked = [f"`{case}` ({why})" for case, why in ASKED.items()]
    yield from ("", f"Asked about, though nothing is wrong with the text: {', '.join(asked)}.")
    left = [
        f"`{case}` ({name})"
        for name, kind in KINDS.items()
        for case, text in load(kind.dialect).items()
        if unplayable(kind, text)
    ]
    yield from ("", f"Not played, since the server stops at the end token in the middle of the text: {', '.join(left)}.")


def _by_server(rows: Table) -> Iterator[tuple[str, list[Columns]]]:
    for name in dict.fromkeys(server for server, _ in rows):
        yield name, [columns for (server, _), columns in rows.items() if server == name]


def _count(of: list[Columns], column: str) -> str:
    ran = [columns[column] for columns in of if column in columns]
    return f"{sum(not any(ways.values()) for ways in ran)} of {len(ran)}" if ran else "-"


def _cell(ways: dict[str, str] | None) -> str:
    if ways is None:
        return "-"
    if not any(ways.values()):
        return "right"
    if len(set(ways.values())) == 1:
        return _quiet(next(iter(ways.values())))
    return "; ".join(f"{way}: {_quiet(wrong)}" for way, wrong in ways.items())


def _quiet(wrong: str, longest: int = 90) -> str:
    """Make a text fit a table cell."""
    if not wrong:
        return "right"
    head, colon, rest = wrong.partition(": ")
    rest = rest if len(rest) <= longest else rest[:longest] + " ..."
    return f"{head}{colon}" + (f"`{rest}`" if rest else "").replace("|", "\\|").replace("\n", " ")
