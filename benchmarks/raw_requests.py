"""Requests as bytes, and ways to break them: the same seed gives the same bytes."""

from __future__ import annotations

import json
import random

__all__ = ["broken_request", "good_request"]

_BODIES: tuple[tuple[bytes, object], ...] = (
    (
        b"/v1/extract",
        {"texts": ["Mara Lindqvist joined the University of Lisbon.", {"text": "ab", "tokens": [[0, 1]]}]},
    ),
    (b"/v1/extract", {"texts": ["北京大学"], "mode": "flat", "threshold": {"ORG": 0.6}, "offset_unit": "byte"}),
    (b"/hf", {"inputs": ["Ana Reis"], "parameters": {"aggregation_strategy": "simple"}}),
)
_PATHS = (b"/health", b"/ready", b"/info", b"/metrics", b"/", b"/docs", b"/openapi.json", b"/page/page.js", b"/nothing")
_LINES = (
    b"Content-Length: 5",
    b"Content-Length: 999999999999999999999",
    b"Content-Length: -1",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Expect: 100-continue",
    b"Connection: close",
    b"Connection: upgrade",
    b"Upgrade: websocket",
    b"Content-Type: text/plain",
    b"Content-Encoding: gzip",
    b"Host: y",
    b"Authorization: Basic AAAA",
    b"X-Request-ID: \x01",
    b" folded: line",
    b"X-Bomb: " + b"y" * 20_000,
)
_PIECES = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b" ",
    b":",
    b"0\r\n\r\n",
    b"\\ud800",
    b"[" * 500,
    b'{"a":' * 300,
    b"-1",
)


def good_request(random_: random.Random) -> bytes:
    """A request that the service answers with 200 or 404."""
    if random_.random() < 0.3:
        return b"GET " + random_.choice(_PATHS) + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    if random_.random() < 0.2:
        lines = b"".join(json.dumps({"text": f"Ana {number}"}).encode() + b"\n" for number in range(5))
        return _post(b"/v1/extract/stream", b"application/x-ndjson", lines, chunked=random_.random() < 0.5)
    path, value = random_.choice(_BODIES)
    return _post(path, b"application/json", json.dumps(value).encode(), chunked=random_.random() < 0.3)


def broken_request(random_: random.Random) -> bytes:
    """A request with a few changes, or nothing but noise."""
    if random_.random() < 0.05:
        return random_.randbytes(random_.randrange(1, 2000))
    data = good_request(random_)
    for _ in range(random_.choice((0, 1, 1, 2, 3, 8))):
        data = random_.choice((_flip, _insert, _delete, _repeat, _cut, _add_line, _splice))(data, random_)
    return data or b"\r\n"


def _post(path: bytes, media_type: bytes, body: bytes, *, chunked: bool) -> bytes:
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: " + media_type + b"\r\n"
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    parts = [body[:10], body[10:]]
    return (
        head
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts)
        + b"0\r\n\r\n"
    )


def _place(data: bytes, random_: random.Random) -> int:
    return random_.randrange(len(data)) if data else 0


def _flip(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + bytes([random_.randrange(256)]) + data[at + 1 :]


def _insert(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + random_.choice(_PIECES) + data[at:]


def _delete(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + data[at + random_.randrange(1, 20) :]


def _repeat(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + data[at : at + random_.randrange(1, 50)] * random_.randrange(2, 20) + data[at:]


def _cut(data: bytes, random_: random.Random) -> bytes:
    return data[: _place(data, random_)]


def _add_line(data: bytes, random_: random.Random) -> bytes:
    first, end, rest = data.partition(b"\r\n")
    return first + end + random_.choice(_LINES) + b"\r\n" + rest


def _splice(data: bytes, random_: random.Random) -> bytes:
    other = good_request(random_)
    return data[: _place(data, random_)] + other[_place(other, random_) :]
