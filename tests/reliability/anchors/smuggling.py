"""Requests that two servers may read differently: what HTTP forbids, or leaves to whoever reads it (RFC 9112, RFC 9110).

Behind each stands a second request, `PROBE`; in some a third one is hidden, `HIDDEN`, that only a wrong reader finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.conftest import MODEL

BODY = b'{"model":"%s","messages":[{"role":"user","content":"go"}]}' % MODEL.encode()
SIZE = len(BODY)
HIDDEN = b"GET /v1/models?hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PROBE = b"GET /v1/models?probe HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
LINE = b"POST /v1/chat/completions HTTP/1.1"
RELAYED = b"POST /v1/completions HTTP/1.1"
"""A route on which toolmend reads no body: one that is not JSON is not refused for that."""
HOST = b"Host: 127.0.0.1"
JSON = b"Content-Type: application/json"
LENGTH = b"Content-Length: %d" % SIZE
CHUNKED = b"Transfer-Encoding: chunked"
ONE = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)


@dataclass(frozen=True)
class Case:
    """`right`: HTTP allows it, and every server should serve it.

    readings  bodies that a server may find in it: who accepts it must pass on one of these
    """

    group: str
    name: str
    data: bytes
    right: bool = False
    readings: tuple[bytes, ...] = (BODY,)


def request(*lines: bytes, body: bytes = BODY, line: bytes = LINE) -> bytes:
    """Write a request of these header lines, besides Host and Content-Type."""
    return b"\r\n".join([line, HOST, JSON, *lines, b"", b""]) + body


def chunked(body: bytes, *lines: bytes, line: bytes = LINE) -> bytes:
    """Write a request with a chunked body."""
    return request(CHUNKED, *lines, body=body, line=line)


def controls() -> Iterator[Case]:
    yield Case("right", "Content-Length", request(LENGTH), right=True)
    yield Case("right", "chunked", chunked(ONE), right=True)
    yield Case("right", "two chunks", chunked(b"5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (BODY[:5], SIZE - 5, BODY[5:])), right=True)


def both() -> Iterator[Case]:
    """Two ways to tell the length."""
    cut = b"0\r\n\r\n" + HIDDEN
    whole = b"Content-Length: %d" % len(cut)
    group = "Content-Length and Transfer-Encoding"
    yield Case(group, "length, then chunked", request(b"Content-Length: %d" % len(ONE), CHUNKED, body=ONE), readings=(BODY, ONE))
    yield Case(group, "chunked, then length", request(CHUNKED, b"Content-Length: %d" % len(ONE), body=ONE), readings=(BODY, ONE))
    yield Case(group, "chunks end before the length", request(whole, CHUNKED, body=cut, line=RELAYED), readings=(cut, b""))
    yield Case(group, "length ends before the chunks", request(b"Content-Length: 4", CHUNKED, body=ONE), readings=(BODY, ONE[:4]))
    yield Case(group, "HTTP/1.0", request(whole, CHUNKED, body=cut, line=RELAYED.replace(b"1.1", b"1.0")), readings=(cut, b""))
    for name, coding in (
        ("xchunked", b"Transfer-Encoding: xchunked"),
        ("space before the colon", b"Transfer-Encoding : chunked"),
        ("space before the name", b" Transfer-Encoding: chunked"),
        ("tab before the colon", b"Transfer-Encoding\t: chunked"),
        ("folded", b"Transfer-Encoding:\r\n chunked"),
        ("vertical tab", b"Transfer-Encoding: \x0bchunked"),
        ("bare CR", b"Transfer-Encoding: \rchunked"),
        ("NUL", b"Transfer-Encoding: chunked\0"),
        ("quoted", b'Transfer-Encoding: "chunked"'),
        ("identity", b"Transfer-Encoding: identity"),
        ("empty", b"Transfer-Encoding:"),
        ("behind a bare LF", b"X-A: b\nTransfer-Encoding: chunked"),
        ("behind a bare CR", b"X-A: b\rTransfer-Encoding: chunked"),
        ("named by Connection", b"Connection: Content-Length\r\nTransfer-Encoding: chunked"),
    ):
        yield Case(group, f"Transfer-Encoding, {name}", request(whole, coding, body=cut, line=RELAYED), readings=(cut, b""))
    yield Case(group, "Transfer_Encoding", request(whole, b"Transfer_Encoding: chunked", body=cut, line=RELAYED), readings=(cut,))


def codings() -> Iterator[Case]:
    group = "Transfer-Encoding"
    for name, coding, right in (
        ("CHUNKED", b"Transfer-Encoding: CHUNKED", True),
        ("a tab before it", b"Transfer-Encoding:\tchunked", True),
        ("chunked, identity", b"Transfer-Encoding: chunked, identity", False),
        ("identity, chunked", b"Transfer-Encoding: identity, chunked", False),
        ("gzip, chunked", b"Transfer-Encoding: gzip, chunked", False),
        ("chunked, chunked", b"Transfer-Encoding: chunked, chunked", False),
        ("chunked;q=1", b"Transfer-Encoding: chunked;q=1", False),
        ("twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", False),
        ("chunked and identity, two lines", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", False),
        ("a comma before it", b"Transfer-Encoding: ,chunked", False),
    ):
        yield Case(group, name, request(coding, body=ONE), right=right)
    yield Case(group, "HTTP/1.0", request(CHUNKED, body=ONE, line=LINE.replace(b"1.1", b"1.0")))


def lengths() -> Iterator[Case]:
    group = "Content-Length"
    for name, lines in (
        ("twice, the same", LENGTH + b"\r\n" + LENGTH),
        ("twice, different", LENGTH + b"\r\nContent-Length: 4"),
        ("a list of the same", b"Content-Length: %d, %d" % (SIZE, SIZE)),
        ("a list of different ones", b"Content-Length: %d, 4" % SIZE),
        ("plus", b"Content-Length: +%d" % SIZE),
        ("minus", b"Content-Length: -%d" % SIZE),
        ("hexadecimal", b"Content-Length: 0x%x" % SIZE),
        ("leading zeros", b"Content-Length: 000%d" % SIZE),
        ("underscore", b"Content-Length: %d_%d" % divmod(SIZE, 10)),
        ("a space within", b"Content-Length: %d %d" % divmod(SIZE, 10)),
        ("a fraction", b"Content-Length: %d.0" % SIZE),
        ("an exponent", b"Content-Length: %de0" % SIZE),
        ("empty", b"Content-Length:"),
        ("2 to the 64th more", b"Content-Length: %d" % (SIZE + 2**64)),
        ("digits of another script", b"Content-Length: " + "".join(chr(0x660 + int(each)) for each in str(SIZE)).encode()),
        ("folded", b"Content-Length:\r\n %d" % SIZE),
        ("space before the colon", b"Content-Length : %d" % SIZE),
        ("vertical tab", b"Content-Length: \x0b%d" % SIZE),
        ("NUL", b"Content-Length: %d\0" % SIZE),
        ("named by Connection", b"Connection: Content-Length\r\n" + LENGTH),
    ):
        yield Case(group, name, request(lines))
    length = b"Content-Length: %d" % len(HIDDEN)
    yield Case(group, "a request as the body", request(length, body=HIDDEN, line=RELAYED), readings=(HIDDEN,))
    hidden = b"GET /v1/models HTTP/1.1"
    yield Case(group, "GET with a body", request(length, body=HIDDEN, line=hidden), readings=(HIDDEN, b""))


def chunks() -> Iterator[Case]:
    group = "chunks"
    for name, size in (
        ("0x", b"0x%x" % SIZE),
        ("plus", b"+%x" % SIZE),
        ("minus", b"-%x" % SIZE),
        ("underscore", b"0_%x" % SIZE),
        ("a space before the size", b" %x" % SIZE),
        ("a space behind the size", b"%x " % SIZE),
        ("leading zeros", b"0000%x" % SIZE),
        ("forty leading zeros", b"0" * 40 + b"%x" % SIZE),
        ("2 to the 64th more", b"1%016x" % SIZE),
        ("no size", b""),
        ("not hexadecimal", b"%xg" % SIZE),
        ("an extension", b"%x;a=b" % SIZE),
        ("an extension with a bare LF", b"%x;a\nb" % SIZE),
        ("an extension with a bare CR", b"%x;a\rb" % SIZE),
        ("NUL behind the size", b"%x\0" % SIZE),
    ):
        yield Case(group, name, chunked(b"%s\r\n%s\r\n0\r\n\r\n" % (size, BODY)), right=name == "an extension")
    yield Case(group, "bare LF behind the size", chunked(b"%x\n%s\r\n0\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "bare LF behind the data", chunked(b"%x\r\n%s\n0\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "bare LF at the end", chunked(b"%x\r\n%s\r\n0\n\n" % (SIZE, BODY)))
    yield Case(group, "bare CR behind the size", chunked(b"%x\r%s\r\n0\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "no end of the data", chunked(b"%x\r\n%s0\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "two bytes in place of its end", chunked(b"%x\r\n%sXX0\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "more data than its size", chunked(b"%x\r\n%sX\r\n0\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "several zeros at the end", chunked(b"%x\r\n%s\r\n000\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "a length as a trailer", chunked(b"%x\r\n%s\r\n0\r\nContent-Length: 99\r\n\r\n" % (SIZE, BODY)))
    yield Case(group, "a trailer that is none", chunked(b"%x\r\n%s\r\n0\r\nnonsense\r\n\r\n" % (SIZE, BODY)))


def fields() -> Iterator[Case]:
    group = "header lines"
    for name, lines in (
        ("folded", b"X-A: b\r\n c"),
        ("bare LF", b"X-A: b\nX-B: c"),
        ("bare CR", b"X-A: b\rc"),
        ("NUL in a value", b"X-A: b\0c"),
        ("no colon", b"X-A"),
        ("no name", b": b"),
        ("a space in a name", b"X A: b"),
        ("a space before the colon", b"X-A : b"),
        ("a bracket in a name", b"X(A): b"),
        ("a byte above 127 in a name", b"X-\xe9: b"),
        ("DEL in a value", b"X-A: b\x7f"),
    ):
        yield Case(group, name, request(lines, LENGTH))
    yield Case(group, "all end with a bare LF", request(LENGTH, body=b"").replace(b"\r\n", b"\n") + BODY)
    yield Case(group, "the head ends with LF LF", request(LENGTH, body=b"").replace(b"\r\n\r\n", b"\n\n") + BODY)
    yield Case(
        group,
        "Upgrade: h2c",
        request(LENGTH, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    )
    yield Case(group, "Expect that nobody knows", request(LENGTH, b"Expect: miracle"))


def hosts() -> Iterator[Case]:
    group = "Host"
    for name, lines in (
        ("none", b""),
        ("twice, the same", HOST + b"\r\n" + HOST),
        ("twice, different", HOST + b"\r\nHost: other"),
        ("a space within", b"Host: 127.0.0.1 other"),
        ("with a path", b"Host: 127.0.0.1/other"),
        ("with @", b"Host: other@127.0.0.1"),
        ("a list", b"Host: 127.0.0.1, other"),
        ("space before the colon", b"Host : 127.0.0.1"),
        ("named by Connection", HOST + b"\r\nConnection: Host"),
    ):
        yield Case(group, name, request(LENGTH).replace(HOST + b"\r\n", lines + b"\r\n" if lines else b"", 1))


def targets() -> Iterator[Case]:
    group = "request line"
    for name, line in (
        ("HTTP/0.9", b"POST /v1/chat/completions HTTP/0.9"),
        ("HTTP/2.0", b"POST /v1/chat/completions HTTP/2.0"),
        ("HTTP/1.2", b"POST /v1/chat/completions HTTP/1.2"),
        ("HTTP/1.10", b"POST /v1/chat/completions HTTP/1.10"),
        ("HTTP/01.1", b"POST /v1/chat/completions HTTP/01.1"),
        ("http/1.1", b"POST /v1/chat/completions http/1.1"),
        ("no version", b"POST /v1/chat/completions"),
        ("a space at the end", LINE + b" "),
        ("two spaces", b"POST  /v1/chat/completions HTTP/1.1"),
        ("tabs", b"POST\t/v1/chat/completions\tHTTP/1.1"),
        ("a space in the target", b"POST /v1/chat/completions ?a HTTP/1.1"),
        ("a bare CR at the end", LINE + b"\r"),
        ("a bare LF at the end", LINE + b"\nX-A: b"),
        ("NUL in the target", b"POST /v1/chat/completions?\0 HTTP/1.1"),
        ("a byte above 127 in the target", b"POST /v1/chat/completions?\xe9 HTTP/1.1"),
        ("a fragment", b"POST /v1/chat/completions#a HTTP/1.1"),
        ("absolute form", b"POST http://127.0.0.1/v1/chat/completions HTTP/1.1"),
        ("absolute form, another host", b"POST http://other/v1/chat/completions HTTP/1.1"),
        ("a method in small letters", b"post /v1/chat/completions HTTP/1.1"),
        ("a method with a colon", b"PO:ST /v1/chat/completions HTTP/1.1"),
        ("CONNECT", b"CONNECT 127.0.0.1:80 HTTP/1.1"),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0"),
    ):
        yield Case(group, name, request(LENGTH, line=line), readings=(BODY, b"") if name == "CONNECT" else (BODY,))
    yield Case(group, "an empty line before it", b"\r\n" + request(LENGTH), right=True)
    yield Case(group, "a space before it", b" " + request(LENGTH))
    yield Case(group, "HTTP/0.9, only a target", b"GET /v1/models\r\n", readings=(b"",))


CASES = (*controls(), *both(), *codings(), *lengths(), *chunks(), *fields(), *hosts(), *targets())
