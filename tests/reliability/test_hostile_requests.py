"""Requests that two servers on one way read differently: where one request ends, and whose the next one is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.reliability.raw import connected
from tests.reliability.shared import BODY_SECONDS, Shared

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = b'{"input":"first"}'
PROBE_BODY = b'{"input":"probe"}'
Say = Callable[[str], None]

LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"11\r\n" + BODY + b"\r\n0\r\n\r\n"
SMUGGLED = b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" + (
    b'{"input":"smuggled"}'
)
PROBE = b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n" + (
    b"Content-Length: 17\r\n\r\n" + PROBE_BODY
)


def asks(
    *headers: str | bytes, body: bytes = BODY, line: str | bytes = "POST /v1/embeddings HTTP/1.1", host: str | None = "127.0.0.1"
) -> bytes:
    """Write a request with these headers as they are."""
    lines = [line, *([f"Host: {host}"] if host is not None else []), "Content-Type: application/json", *headers]
    return b"".join(each.encode() + b"\r\n" if isinstance(each, str) else each + b"\r\n" for each in lines) + b"\r\n" + body


def sized(value: str | bytes) -> bytes:
    return asks(b"Content-Length: " + (value.encode() if isinstance(value, str) else value))


def coded(value: str | bytes, *more: str) -> bytes:
    return asks(b"Transfer-Encoding: " + (value.encode() if isinstance(value, str) else value), *more, body=CHUNKS)


def chunked(body: bytes) -> bytes:
    return asks(CHUNKED, body=body)


def target(line: str | bytes) -> bytes:
    return asks(LENGTH, line=line)


REFUSED: dict[str, bytes] = {
    "CL and TE": asks(LENGTH, CHUNKED, body=CHUNKS),
    "TE and CL": asks(CHUNKED, LENGTH, body=CHUNKS),
    "CL 0 and TE, a request behind": asks("Content-Length: 0", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
    "CL 4 and TE, a request inside": asks("Content-Length: 4", CHUNKED, body=b"7f\r\n" + SMUGGLED + b"\r\n0\r\n\r\n"),
    "CL twice, different": asks(LENGTH, "Content-Length: 3"),
    "CL twice, the same": asks(LENGTH, LENGTH),
    "CL a list": sized("17, 17"),
    "CL +": sized("+17"),
    "CL -": sized("-1"),
    "CL hexadecimal": sized("0x11"),
    "CL underscore": sized("1_7"),
    "CL fraction": sized("17.0"),
    "CL exponent": sized("17e0"),
    "CL empty": sized(""),
    "CL Arabic digits": sized("\u0661\u0667"),
    "CL superscript": sized("\u00b9\u2077"),
    "CL NUL": sized(b"17\x00"),
    "CL vertical tab": sized(b"17\x0b"),
    "CL two numbers": sized("1 7"),
    "CL beyond 64 bits": sized("18446744073709551633"),
    "CL blank before colon": asks(b"Content-Length : 17"),
    "CL tab before colon": asks(b"Content-Length\t: 17"),
    "CL folded": asks(b"Content-Length:\r\n 17"),
    "CL behind a folded header": asks(b"X-A: b\r\n Content-Length: 17", LENGTH),
    "first header folded": asks(LENGTH).replace(b"\r\nHost", b"\r\n Host", 1),
    "TE gzip, chunked": coded("gzip, chunked"),
    "TE chunked, gzip": coded("chunked, gzip"),
    "TE chunked, chunked": coded("chunked, chunked"),
    "TE chunked, identity": coded("chunked, identity"),
    "TE identity": coded("identity"),
    "TE xchunked": coded("xchunked"),
    "TE chunked with a parameter": coded("chunked;q=1"),
    "TE quoted": coded('"chunked"'),
    "TE in quotes of another kind": coded("'chunked'"),
    "TE vertical tab": coded(b"\x0bchunked"),
    "TE NUL": coded(b"chunked\x00"),
    "TE with a comma": coded("chunked,"),
    "TE with a comma in front": coded(",chunked"),
    "TE empty": coded(""),
    "TE twice": coded("chunked", "Transfer-Encoding: identity"),
    "TE twice, the other first": coded("identity", "Transfer-Encoding: chunked"),
    "TE twice, chunked both": coded("chunked", CHUNKED),
    "TE blank before colon": asks(b"Transfer-Encoding : chunked", body=CHUNKS),
    "TE blank before colon, and CL": asks(b"Transfer-Encoding : chunked", LENGTH, body=CHUNKS),
    "TE behind NUL": asks(b"\x00Transfer-Encoding: chunked", body=CHUNKS),
    "TE folded": asks(b"Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "TE over 1.0": asks(CHUNKED, body=CHUNKS, line="POST /v1/embeddings HTTP/1.0"),
    "TE and CL over 1.0": asks(CHUNKED, LENGTH, body=CHUNKS, line="POST /v1/embeddings HTTP/1.0"),
    "chunk size +": chunked(b"+11\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size -": chunked(b"-11\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size 0x": chunked(b"0x11\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size underscore": chunked(b"1_1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size blank in front": chunked(b" 11\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size empty": chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size only an extension": chunked(b";a=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size NUL": chunked(b"11\x00\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": chunked(b"10000000000000011\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size of 100 digits": chunked(b"F" * 100 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size Arabic digits": chunked("\u0661\u0661".encode() + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size bare LF": chunked(b"11\n" + BODY + b"\n0\n\n"),
    "chunk size bare CR": chunked(b"11\rX\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension with LF": chunked(b"11;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension with CR": chunked(b"11;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension hides a request": chunked(b"0;\n" + b"xx\r\n4c\r\n0\r\n\r\n" + SMUGGLED),
    "chunk longer than its size": chunked(b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk without its end": chunked(b"11\r\n" + BODY + b"0\r\n\r\n"),
    "chunk ended by LF": chunked(b"11\r\n" + BODY + b"\n0\r\n\r\n"),
    "chunk ended by other bytes": chunked(b"11\r\n" + BODY + b"XX0\r\n\r\n"),
    "trailer folded": chunked(b"11\r\n" + BODY + b"\r\n0\r\nX-A: b\r\n c\r\n\r\n"),
    "trailer without colon": chunked(b"11\r\n" + BODY + b"\r\n0\r\nX-A\r\n\r\n"),
    "trailer that names a length": chunked(b"11\r\n" + BODY + b"\r\n0\r\nContent-Length: 5\r\n\r\n"),
    "trailer that names a coding": chunked(b"11\r\n" + BODY + b"\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"),
    "bare LF everywhere": asks(LENGTH, body=b"").replace(b"\r\n", b"\n") + BODY,
    "bare LF between headers": asks(b"X-A: b\n" + LENGTH.encode()),
    "bare CR between headers": asks(b"X-A: b\r" + LENGTH.encode()),
    "bare CR in a value": asks(LENGTH, b"X-A: b\rc"),
    "NUL in a value": asks(LENGTH, b"X-A: b\x00c"),
    "NUL in a name": asks(LENGTH, b"X\x00A: b"),
    "name with a blank": asks(LENGTH, b"X A: b"),
    "name that is not ASCII": asks(LENGTH, "X-\u00c4: b"),
    "name empty": asks(LENGTH, b": b"),
    "no colon": asks(LENGTH, b"X-A"),
    "Host twice": asks(LENGTH, "Host: evil.example"),
    "Host twice, the same": asks(LENGTH, "Host: 127.0.0.1"),
    "no Host": asks(LENGTH, host=None),
    "two Hosts in one": asks(LENGTH, host="127.0.0.1, evil.example"),
    "Host with a user": asks(LENGTH, host="127.0.0.1@evil.example"),
    "Host with a path": asks(LENGTH, host="127.0.0.1/evil"),
    "Host elsewhere": asks(LENGTH, host="evil.example"),
    "HTTP/0.9": target("POST /v1/embeddings HTTP/0.9"),
    "HTTP/0.9, simple": b"GET /v1/models\r\n\r\n",
    "HTTP/1.2": target("POST /v1/embeddings HTTP/1.2"),
    "HTTP/1.10": target("POST /v1/embeddings HTTP/1.10"),
    "HTTP/1": target("POST /v1/embeddings HTTP/1"),
    "HTTP/+1.1": target("POST /v1/embeddings HTTP/+1.1"),
    "HTTP/2.0": target("POST /v1/embeddings HTTP/2.0"),
    "http/1.1": target("POST /v1/embeddings http/1.1"),
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tabs in the line": target("POST\t/v1/embeddings\tHTTP/1.1"),
    "a blank in the target": target("POST /v1/embeddings /x HTTP/1.1"),
    "a NUL in the target": target(b"POST /v1/embeddings\x00 HTTP/1.1"),
    "a blank before the method": target(" POST /v1/embeddings HTTP/1.1"),
    "a method in lower case": target("post /v1/embeddings HTTP/1.1"),
    "a method with a colon": target("PO:ST /v1/embeddings HTTP/1.1"),
    "absolute form": target("POST http://127.0.0.1/v1/embeddings HTTP/1.1"),
    "absolute form, elsewhere": target("POST http://evil.example/v1/embeddings HTTP/1.1"),
    "authority form": target("POST 127.0.0.1:80 HTTP/1.1"),
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "no leading slash": target("POST v1/embeddings HTTP/1.1"),
    "a line of 9 KB": target("POST /v1/embeddings?" + "a" * 9_000 + " HTTP/1.1"),
    "a header of 9 KB": asks(LENGTH, "X-A: " + "a" * 9_000),
    "200 headers": asks(LENGTH, *(f"X-{at}: b" for at in range(200))),
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "nothing but NUL": bytes(1_000),
}
"""None of these reaches the model server, and what stands behind it is not read."""

ONCE: dict[str, bytes] = {
    "as it should be": asks(LENGTH),
    "chunked, as it should be": asks(CHUNKED, body=CHUNKS),
    "CL with zeros in front": sized("00000017"),
    "CL with blanks around": sized(b" \t17 \t"),
    "TE Chunked": coded("Chunked"),
    "TE with blanks around": coded(b"  chunked  "),
    "chunk size with zeros in front": chunked(b"00000000000000000011\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension": chunked(b'11;a=b;c="d e"\r\n' + BODY + b"\r\n0;e\r\n\r\n"),
    "chunks of one byte": chunked(b"".join(b"1\r\n%c\r\n" % each for each in BODY) + b"0\r\n\r\n"),
    "empty lines in front": b"\r\n\r\n" + asks(LENGTH),
    "two blanks in the line": target("POST  /v1/embeddings HTTP/1.1"),
    "names with underscores": asks(LENGTH, "Content_Length: 3", "Transfer_Encoding: chunked"),
    "a coding that only looks like one": asks(LENGTH, "X-Transfer-Encoding: chunked", "Transfer-Encoding2: chunked"),
    "Expect": asks(LENGTH, "Expect: 100-continue"),
    "another method in a header": asks(LENGTH, "X-HTTP-Method-Override: DELETE", "X-Original-URL: /pause"),
}
"""These are odd, and lawful. Each reaches the model server once, as it is, and so does what stands behind it."""

UNREAD: dict[str, bytes] = {
    "GET with a body that is a request": b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    + f"Content-Length: {len(SMUGGLED)}\r\n\r\n".encode()
    + SMUGGLED,
    "GET with chunks that are a request": b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    + f"{len(SMUGGLED):x}\r\n".encode()
    + SMUGGLED
    + b"\r\n0\r\n\r\n",
    "a route that is none, its body a request": asks(
        f"Content-Length: {len(SMUGGLED)}", line="POST /pause HTTP/1.1", body=SMUGGLED
    ),
    "a body that is refused, and a request": asks(f"Content-Length: {len(SMUGGLED)}", "Content-Encoding: gzip", body=SMUGGLED),
    "a body that is a request": asks(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
}
"""Bodies that are requests themselves. None of them is taken for one."""

Asked = list[bytes]


async def sent(shared: Shared, data: bytes, at: int) -> tuple[Asked, bytes]:
    """Send a request and a probe behind it, cut in two at a place. Return what reached the model server, and the answers.

    Whoever waits for the end of the connection waits in vain where it is kept: TimeoutError.
    """
    shared.forget()
    reader, writer = await connected(shared.url)
    try:
        for piece in filter(None, ((data + PROBE)[:at], (data + PROBE)[at:])):
            writer.write(piece)
            await asyncio.sleep(0.005)
        async with asyncio.timeout(5):
            answer = await reader.read()
        return shared.asked, answer
    except ConnectionError:
        return shared.asked, b""
    finally:
        writer.close()


def cuts(data: bytes) -> tuple[int, ...]:
    """Places in the head, at its end but one, and behind the body."""
    head = data.find(b"\r\n\r\n") + 3 if b"\r\n\r\n" in data else len(data) - 1
    return 0, head // 2, head, len(data)


@pytest.mark.row("H1")
async def test_what_is_read_in_two_ways_reaches_nobody(shared: Shared, reached: Say) -> None:
    kept, passed = [], []
    for name, data in REFUSED.items():
        for at in cuts(data):
            try:
                asked, answer = await sent(shared, data, at)
            except TimeoutError:
                asked, answer = shared.asked, b""
                kept.append(name)
            passed += [(name, each) for each in asked]
            assert answer[9:12] in (b"400", b"403", b"505", b""), (name, answer)
    reached(f"{len({name for name, _ in passed})} of {len(REFUSED)} odd requests reached the model server")
    assert passed == []
    assert kept == []


@pytest.mark.row("H1")
async def test_what_is_odd_and_lawful_arrives_once_as_it_is(shared: Shared, reached: Say) -> None:
    wrong = []
    for name, data in ONCE.items():
        for at in cuts(data):
            asked, answer = await sent(shared, data, at)
            if asked != [BODY, PROBE_BODY] or answer.count(b"HTTP/1.1 200 OK") != 2:
                wrong.append((name, at, asked))
    reached(f"{len(ONCE) - len({name for name, *_ in wrong})} of {len(ONCE)} that are odd and lawful arrived once, as they are")
    assert wrong == []


@pytest.mark.row("H1")
async def test_a_body_is_never_taken_for_a_request(shared: Shared) -> None:
    for name, data in UNREAD.items():
        for at in cuts(data):
            asked, _ = await sent(shared, data, at)
            assert b'{"input":"smuggled"}' not in asked, name
            assert asked.count(PROBE_BODY) <= 1, name


@pytest.mark.row("H1")
async def test_a_body_that_goes_wrong_later_ends_with_its_time(shared: Shared, reached: Say) -> None:
    """aiohttp does not tell a handler that waits for the rest of a body that the rest is no HTTP: limits.body_seconds does."""

    async def late(data: bytes) -> bytes:
        reader, writer = await connected(shared.url)
        writer.write(data[: data.index(b"\r\n\r\n") + 4])
        await asyncio.sleep(0.05)
        writer.write(data[data.index(b"\r\n\r\n") + 4 :] + PROBE)
        async with asyncio.timeout(BODY_SECONDS + 5):
            answer = await reader.read()
        writer.close()
        return answer

    bad = {name: data for name, data in REFUSED.items() if name.startswith(("chunk", "trailer"))}
    answers = await asyncio.gather(*map(late, bad.values()))
    assert {answer[9:12] for answer in answers} <= {b"400", b"408"}
    reached(f"{len(shared.asked)} of {len(bad)} whose body goes wrong after its beginning")
    assert shared.asked == []
