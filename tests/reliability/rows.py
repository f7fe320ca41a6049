"""The plan: 64 rows, what is done in each, and the figure to reach."""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """What is done, and what is asked."""

    what: str
    asked: str


ROWS: Final[dict[str, Row]] = {
    "L1": Row(
        "200 paced streams at once",
        "at most 80 us CPU an event, nothing lost, p99 between events at most 20 ms above direct",
    ),
    "L2": Row(
        "streams as fast as they go",
        "at most 20 us CPU an event, bytes as the model server sent them",
    ),
    "L3": Row(
        "whole answers, 11 tools, 16 at once",
        "at most 500 us CPU a request, no answer but 200, p99 at most 3 times direct",
    ),
    "L4": Row(
        "500, 1,000 and 2,000 idle streams",
        "at most 64 KB of memory a stream",
    ),
    "L5": Row(
        "time to the first byte",
        "median at most 2 ms above direct, p99 15 ms",
    ),
    "L6": Row(
        "20 streams of 100 KB arguments in pieces of 4 characters",
        "at most 1 MB of memory and 0.5 s CPU a stream",
    ),
    "L7": Row(
        "twice as many as may be served",
        "503 within 50 ms with Retry-After; all others finish",
    ),
    "L8": Row(
        "30 minutes of mixed traffic, 10 % aborts, 5 % mends",
        "memory grows at most 1 MB in 10 minutes after the first 5; no wrong answer",
    ),
    "L9": Row(
        "5 times 2,000 connect, read, kill",
        "no stream upstream after 1 s",
    ),
    "L10": Row(
        "50 schemas at once that are slow to check",
        "p99 of a check at most 250 ms; what is too much is skipped and counted",
    ),
    "L11": Row(
        "200 clients before a model server that takes 5 s",
        "those without a place get 503 after 5 s; memory flat",
    ),
    "F1": Row(
        "a client goes: in mid-stream, while text is held, while it is asked again, in the queue, waiting for a whole answer",
        "the model server is told within 1 s, 100 of 100",
    ),
    "F2": Row(
        "the model server's connection is reset after any number of bytes",
        "an error, no [DONE], no part of a call delivered, at every cut",
    ),
    "F3": Row(
        "an answer ends without finish_reason and [DONE]",
        "told as a failure, and recorded, 100 %",
    ),
    "F4": Row(
        "[DONE] without finish_reason; errors in mid-stream and before the first token",
        "passed on as errors, not mended",
    ),
    "F5": Row(
        "a stream in slices of any size, with every form of line SSE knows",
        "the same events for every cut; the SDK reads all",
    ),
    "F6": Row(
        "silence before the first byte and in mid-stream",
        "given up at its time, within 10 %",
    ),
    "F7": Row(
        "60 s of arguments that are held",
        "at most 12 s between two signs of life",
    ),
    "F8": Row(
        "4xx and 5xx, HTML, nothing",
        "status, body and headers as they came; nothing asked twice",
    ),
    "F9": Row(
        "refused, unknown and half-open connections",
        "502 or 504 within 3.5 s, tried twice at most",
    ),
    "F10": Row(
        "connections that the model server closes when they are used again",
        "0 errors of 1,000; nothing asked twice",
    ),
    "F11": Row(
        "a model server that fails always, 100 clients",
        "at most 1.2 times as many questions, and 3",
    ),
    "F12": Row(
        "a model that is always wrong, 100 clients",
        "at most 2 more questions a turn; at once at most max(3, 20 %)",
    ),
    "F13": Row(
        "tokens of three questions",
        "the sum exact, and each of them",
    ),
    "F14": Row(
        "20 calls, cut at every byte, told as length and not",
        "no cut call delivered",
    ),
    "F15": Row(
        "SIGTERM with 50 streams; twice; SIGKILL",
        "50 of 50 finish; exit 0",
    ),
    "F16": Row(
        "100 clients that read 1 KB a second",
        "at most 512 KB of memory each; the model server waits",
    ),
    "F17": Row(
        "the process that checks schemas is killed, or hangs",
        "answered within 0.7 s; another within 1 s",
    ),
    "F18": Row(
        "the model server restarts under traffic",
        "served again within 2 s",
    ),
    "F19": Row(
        "few descriptors, little memory",
        "requests are refused, nothing crashes",
    ),
    "H1": Row(
        "requests that two servers read differently",
        "none reaches the model server twice or changed",
    ),
    "H2": Row(
        "the same bytes to nginx and haproxy",
        "nothing accepted here that both refuse",
    ),
    "H3": Row(
        "headers of one hop, of cookies, of proxies",
        "none passes either way",
    ),
    "H4": Row(
        "heads and bodies that drip",
        "cut at 15 s and 30 s; others' p99 at most 20 ms more",
    ),
    "H5": Row(
        "bodies that are bombs",
        "413, 415 or 400; at most 150 MB more; the loop is not blocked",
    ),
    "H6": Row(
        "22 hostile answers of a model server",
        "502 or an error; no header of theirs but those on the list",
    ),
    "H7": Row(
        "schemas that point elsewhere",
        "nothing is fetched",
    ),
    "H8": Row(
        "patterns that take for ever",
        "answered within 0.7 s; the loop is not blocked",
    ),
    "H9": Row(
        "schemas that are bombs; 1,000 different ones a second",
        "the checker's memory at most 512 MB; ours flat",
    ),
    "H10": Row(
        "answers that are made to be slow to read",
        "at most 200 ms CPU each, linear",
    ),
    "H11": Row(
        "every scanner at n and 4n",
        "at most 5 times the time",
    ),
    "H12": Row(
        "parsers under a fuzzer, 60 s each",
        "no crash, no hang",
    ),
    "H13": Row(
        "2,000 mutated requests",
        "no 5xx of ours",
    ),
    "H14": Row(
        "60 transcripts with calls that are quoted",
        "no call made",
    ),
    "H15": Row(
        "advice made of hostile names",
        "at most 300 characters of them, no control characters",
    ),
    "H16": Row(
        "members that name other servers",
        "no connection elsewhere",
    ),
    "H17": Row(
        "keys that are wrong in every way",
        "401, all alike; times differ by less than their spread",
    ),
    "H18": Row(
        "what is reached from outside",
        "loopback only; 404 and 403; at most 200 series after 10,000 models",
    ),
    "H19": Row(
        "numbers out of bounds",
        "400, or bounded, within 100 ms",
    ),
    "H20": Row(
        "what is installed",
        "no known fault; at most 25 packages",
    ),
    "D1": Row(
        "200 answers with nothing to mend",
        "byte for byte",
    ),
    "D2": Row(
        "1,000 turns of 0 to 8 calls, cut anywhere",
        "each once, in order",
    ),
    "D3": Row(
        "500 mended calls",
        "valid, and what was right as it was",
    ),
    "D4": Row(
        "100 clients with secrets of their own",
        "none sees another's",
    ),
    "D5": Row(
        "40 secrets in every place",
        "0 in any sink from headers, queries and errors; at least 95 % of shapes in bodies",
    ),
    "D6": Row(
        'the same with `journal_bodies = "off"`',
        "not a byte of theirs",
    ),
    "D7": Row(
        "names that forge log lines",
        "one record is one line",
    ),
    "D8": Row(
        "a full, read-only or vanished journal",
        "no request fails; drops are counted; it goes on when it can",
    ),
    "D9": Row(
        "killed 100 times while it writes",
        "at most one torn line each; readers never fail",
    ),
    "D10": Row(
        "4 processes write 600 records each",
        "2,400, none torn",
    ),
    "D11": Row(
        "rotation under load",
        "nothing lost",
    ),
    "D12": Row(
        "a journal that cannot be written for a minute",
        "at most 1,000 records or 16 MB wait; counted",
    ),
    "D13": Row(
        "permissions",
        "0600 and 0700; no link is followed",
    ),
    "D14": Row(
        "a record of every way a turn can end",
        "one each, its cause right, with its tokens",
    ),
}

NOT_HERE: Final[dict[str, str]] = {
    "D5": "core dumps, which hold a process's memory as it is",
    "D8": "EIO, which takes a device that fails",
    "F14": "a real vLLM whose parser rewrites `finish_reason`: that is imitated",
    "F19": "jumps of the system's clock: it is not ours to set, and all waits are by the monotonic one",
    "H20": "the databases of known faults, which `make audit` asks, cannot be reached from here",
}
"""Rows, or parts of them, that cannot be tested here, and why."""
