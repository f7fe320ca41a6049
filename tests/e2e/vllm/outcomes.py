"""The table a run leaves behind: what each case became, with vLLM's own parser and through toolmend."""

from __future__ import annotations

from collections.abc import Iterator

ALONE, THROUGH = "vLLM's parser alone", "through toolmend"
Table = dict[tuple[str, str], dict[str, dict[str, str]]]
"""(server, case) -> column -> way (whole, stream) -> what was wrong; empty text is right."""

HEAD = """# On a real vLLM

Texts from `tests/corpus`, said token by token by a real vLLM 0.32 server (a tiny model that says what a test tells it to),
whole and streamed. First what vLLM's own parser makes of each, then what a client gets through toolmend. The server `plain`
runs without parser flags, and then vLLM refuses tools. Made by `tests/e2e/vllm`; run it again with
`make e2e-vllm`.

"""


def markdown(rows: Table) -> Iterator[str]:
    """Yield the lines of the table."""
    yield from ("| server | right alone | right through toolmend |", "|---|---|---|")
    for name in dict.fromkeys(server for server, _ in rows):
        of = [columns for (server, _), columns in rows.items() if server == name]
        yield f"| {name} | {_count(of, ALONE)} | {_count(of, THROUGH)} |"
    yield from ("", f"| server | case | {ALONE} | {THROUGH} |", "|---|---|---|---|")
    for (server, case), columns in rows.items():
        yield f"| {server} | {case} | {_cell(columns.get(ALONE))} | {_cell(columns.get(THROUGH))} |"


def _count(of: list[dict[str, dict[str, str]]], column: str) -> str:
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
