"""The tables that SQL is asked over: `turns`, `attempts` and `counts`, each column with what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LINES: Final = """
create temp table journal_lines as
select json, filename as file
from read_ndjson_objects($files, ignore_errors = true, filename = true, maximum_object_size = 16777216, union_by_name = true)
where json ->> '$.level' is null or json ->> '$.event' is null
"""
"""Every line is read once. One that is no JSON is null. Lines of the log, which may stand between, are none of ours."""

SKIPPED: Final = """
select count(*) filter (json is null),
       count(*) filter (json is not null and json ->> '$.outcome' is null and (json ->> '$.kind') is distinct from 'turns')
from journal_lines
"""
"""How many lines are no JSON (torn ones, too), and how many are JSON, but no turns and no counts of turns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, its expression over a line of the journal, and what it means."""

    name: str
    sql: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """A view, what its rows come from, and what one of them is."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    source: str

    def definition(self) -> str:
        """Return the statement that makes the view."""
        columns = ",\n  ".join(f'{each.sql} as "{each.name}"' for each in self.columns)
        return f"create temp view {self.name} as select\n  {columns}\nfrom {self.source}"


def _text(name: str, path: str, meaning: str, of: str = "json") -> Column:
    return Column(name, f"{of} ->> '$.{path}'", meaning)


def _number(name: str, path: str, kind: str, meaning: str, of: str = "json") -> Column:
    return Column(name, f"try_cast({of} ->> '$.{path}' as {kind})", meaning)


def _names(name: str, path: str, meaning: str) -> Column:
    return Column(name, f"coalesce(try_cast(json -> '$.{path}' as varchar[]), [])", meaning)


def _each(name: str, path: str, meaning: str) -> Column:
    return Column(name, f"coalesce(json ->> '$.{path}', [])", meaning)


def _whole(name: str, path: str, meaning: str) -> Column:
    return Column(name, f"json -> '$.{path}'", meaning)


_WHEN: Final = Column("ts", "try_cast(replace(json ->> '$.ts', 'Z', '') as timestamp)", "when it ended, UTC")
_TURN: Final = (
    _text("turn", "turn", "its id"),
    _text("conversation", "conversation", "hash that turns of one conversation share"),
    _text("client", "client", "how the client talks"),
    _text("model", "model", "as the client named it"),
)
_ATTEMPT: Final = (
    _text("raw", "raw", "exact text as the model wrote it", "attempt"),
    _text("ending", "ending", "stop, length, cut or unsure", "attempt"),
    _text("problem", "problem", "reason code; empty: nothing was wrong", "attempt"),
    _text("rung", "rung", "what was asked for; empty: the turn itself, for the first time", "attempt"),
    _number("http", "http", "integer", "status", "attempt"),
    _text("error", "error", "words of an error that came in place of an answer", "attempt"),
    _number("prompt_tokens", "usage.prompt", "bigint", "tokens sent", "attempt"),
    _number("completion_tokens", "usage.completion", "bigint", "tokens written", "attempt"),
    _number("seconds", "seconds", "double", "from the question to the end of its answer", "attempt"),
    _text("finish_reason", "came.finish", "as the server said", "attempt"),
    _text("reasoning", "came.reasoning", "what the server set apart", "attempt"),
)

TURNS: Final = Table(
    "turns",
    "a turn that was not right as it came",
    (
        _WHEN,
        *_TURN,
        _text("outcome", "outcome", "what became of it"),
        _text("class", "class", "whose fault it was"),
        _text("reason", "reason", "what was wrong"),
        Column("attempts", "coalesce(json_array_length(json, '$.attempts'), 0)", "how many questions it took"),
        _names("repairs", "repairs", "rules that changed it, in order"),
        _names("healed", "healed", "steps that changed its history"),
        _each("engine_faults", "engine[*].kind", "what the server's own parsers got wrong"),
        _each("calls", "final.calls[*].name", "tools that the client was given calls of"),
        _number("prompt_tokens", "usage.prompt", "bigint", "tokens sent, all attempts"),
        _number("completion_tokens", "usage.completion", "bigint", "tokens written, all attempts"),
        _number("extra_tokens", "usage.extra", "bigint", "what asking again cost"),
        _number("seconds", "timings.total", "double", "from the request to the end of the reply"),
        _text("raw", "attempts[0].raw", "what the model wrote first"),
        _text("text", "final.text", "text that the client got"),
        _whole("final", "final", "all that the client got, JSON"),
        _text("dialect", "dialect", "how the tools were told to the model"),
        _text("profile", "profile", "which profile was chosen"),
        _text("mode", "mode", "repair, observe or off"),
        _number("messages", "request.messages", "integer", "messages in the request"),
        _number("stream", "request.stream", "boolean", "whether a stream was asked for"),
        _text("upstream", "upstream", "base URL of the model server"),
        Column("file", "file", "where the line stands"),
        Column("record", "json", "the whole record, JSON"),
    ),
    "journal_lines where json ->> '$.outcome' is not null",
)

ATTEMPTS: Final = Table(
    "attempts",
    "a question to the model, and what came of it",
    (_WHEN, *_TURN, Column("number", "number", "which of the turn's, from 1"), *_ATTEMPT),
    """(
  select json, unnest(json -> '$.attempts[*]') as attempt, generate_subscripts(json -> '$.attempts[*]', 1) as number
  from journal_lines where json ->> '$.outcome' is not null
)""",
)

COUNTS: Final = Table(
    "counts",
    "turns of a minute, right or not, of one client, model, profile and mode",
    (
        _WHEN,
        Column("since", "try_cast(replace(json ->> '$.since', 'Z', '') as timestamp)", "from when on they were counted, UTC"),
        *(_text(name, name, f"the {name}", "row") for name in ("client", "model", "profile", "mode")),
        _number("turns", "count.turns", "bigint", "how many", "row"),
        _number("called", "count.called", "bigint", "those with a call, or meant to have one", "row"),
        _number("wrong_before", "count.wrong_before", "bigint", "those whose call was wrong as it came", "row"),
        _number("wrong_after", "count.wrong_after", "bigint", "those whose call was wrong as the client got it", "row"),
        _number("completion", "count.completion", "bigint", "tokens written", "row"),
        _number("extra", "count.extra", "bigint", "tokens that asking again cost", "row"),
        _number("seconds", "count.seconds", "double", "time that they took", "row"),
        _number("extra_seconds", "count.extra_seconds", "double", "time that asking again took", "row"),
        Column("outcomes", "row -> '$.count.outcomes'", "how many of each outcome, JSON"),
    ),
    "(select json, unnest(json -> '$.counts[*]') as row from journal_lines where json ->> '$.kind' = 'turns')",
)

TABLES: Final = (TURNS, ATTEMPTS, COUNTS)

EXAMPLES: Final = (
    (
        "which reason costs most, by model",
        "select model, class, reason, count(*) as turns, sum(extra_tokens) as tokens from turns "
        "group by all order by tokens desc limit 10",
    ),
    (
        "how often each rung helped",
        "select rung, count(*) as asked, count(*) filter (problem = '') as helped from attempts where number > 1 group by all",
    ),
    (
        "tool call error rate by day and model, before and after",
        "select ts::date as day, model, sum(wrong_before) / sum(called) as before, sum(wrong_after) / sum(called) as after "
        "from counts group by all having sum(called) > 0 order by all",
    ),
)
"""What is asked, and how."""
