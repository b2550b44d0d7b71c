"""Broken, slow and greedy clients on real connections: the one shape of errors, a cut, and a server that goes on."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from globalner_service import ServiceSettings
from globalner_service.http_protocol import guarded_protocol

POST = b"POST /v1/extract HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


CLOSING = POST + b"Connection: close\r\n"


def asking(text: bytes, head: bytes = POST) -> bytes:
    """A whole request for the entities of a text."""
    body = b'{"texts": ["%s"]}' % text
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Wire:
    """Raw connections to one server."""

    def __init__(self, url: str) -> None:
        self.address = (urlsplit(url).hostname, urlsplit(url).port)

    def open(self, data: bytes = b"") -> socket.socket:
        connection = socket.create_connection(self.address, timeout=20)
        connection.sendall(data)
        return connection

    def ask(self, data: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with self.open(data) as connection:
            return read_all(connection)

    def works(self) -> bool:
        return self.ask(asking(b"Bern", CLOSING)).startswith(b"HTTP/1.1 200")


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def error_of(answer: bytes, status: int) -> dict[str, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), answer[:300]
    assert b"application/json" in head
    assert b"nosniff" in head
    error = json.loads(body)["error"]
    assert set(error) == {"type", "message"}
    return error


@pytest.fixture(scope="module")
def wire(spawn_server) -> Iterator[Wire]:
    timeouts = {"header_timeout_s": 0.4, "body_timeout_s": 0.4, "keep_alive_timeout_s": 0.6}
    process, url = spawn_server(**timeouts, max_connections=40)
    yield Wire(url)
    process.terminate()
    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("data", "status", "kind"),
    [
        (b"\x00\xff\x16\x03\x01garbage\r\n\r\n", 400, "bad_http"),
        (b"GET\r\n\r\n", 400, "bad_http"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_http"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_http"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "bad_http"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, "bad_http"),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_http"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", 400, "bad_http"),
        (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "header_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Bomb: y\r\n" * 20_000 + b"\r\n", 431, "header_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Bomb: " + b"y" * 20_000 + b"\r\n", 431, "header_too_large"),
        (POST + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n{}", 400, "bad_http"),
        (POST + b"Content-Length: 5, 50\r\n\r\n{}", 400, "bad_http"),
        (POST + b"Content-Length: -1\r\n\r\n{}", 400, "bad_http"),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: gzip\r\n\r\n{}", 400, "bad_http"),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "bad_http"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400, "bad_http"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: " + b"y" * 50_000, 431, "header_too_large"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;ext=" + b"y" * 50_000, 431, "header_too_large"),
        (POST + b"Content-Length: 99\r\n\r\n{}", 408, "body_timeout"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", 408, "body_timeout"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 408, "header_timeout"),
        (b"G", 408, "header_timeout"),
    ],
)
def test_broken_or_unfinished_http_is_answered_in_the_one_shape_and_cut(wire, data, status, kind):
    assert error_of(wire.ask(data), status)["type"] == kind
    assert wire.works()


def test_a_head_that_trickles_is_cut_in_spite_of_every_byte(wire):
    began = time.monotonic()
    with wire.open() as connection:
        try:
            for byte in POST * 10:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass
    assert time.monotonic() - began < 6
    assert wire.works()


def test_a_connection_that_says_nothing_is_closed(wire):
    assert wire.ask(b"") == b""
    head = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    began = time.monotonic()
    assert wire.ask(head).startswith(b"HTTP/1.1 200"), "and closed when its time as an idle one is over"
    assert time.monotonic() - began < 3


def test_a_chunked_body_that_never_ends_is_cut(wire):
    began = time.monotonic()
    with wire.open(POST + b"Transfer-Encoding: chunked\r\n\r\n") as connection:
        try:
            while time.monotonic() - began < 30:
                connection.sendall(b"8\r\n        \r\n" * 100)
        except OSError:
            pass
    assert time.monotonic() - began < 20
    assert wire.works()


def test_a_body_for_a_route_that_reads_none_is_cut(wire):
    began = time.monotonic()
    with wire.open(b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        try:
            while time.monotonic() - began < 30:
                connection.sendall(b"1\r\n \r\n")
                time.sleep(0.02)
        except OSError:
            pass
    assert time.monotonic() - began < 10


def test_http_1_0_and_pipelining_and_a_head_in_pieces(wire):
    assert wire.ask(b"GET /health HTTP/1.0\r\n\r\n").split(b" ")[1] == b"200"
    closing = asking(b"Bern", CLOSING)
    assert wire.ask(asking(b"Bern") * 5 + closing).count(b"HTTP/1.1 200") == 6
    with wire.open() as connection:
        for at in range(0, len(closing), 7):
            connection.sendall(closing[at : at + 7])
        assert read_all(connection).count(b"HTTP/1.1 200") == 1


def test_a_broken_request_behind_whole_ones_is_answered_after_them(wire):
    whole = asking(b"Bern")
    for broken in (b"GET\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
        answers = wire.ask(whole * 3 + broken + whole).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200"] * 3 + [b"400"]
        error_of(b"HTTP/1.1 " + answers[-1], 400)


def test_many_requests_at_once_on_one_connection_are_answered_in_turn(wire):
    paths = [b"/health", b"/nothing", b"/metrics"] * 300
    asked = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
    answer = wire.ask(asked + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404", b"200"] * 300 + [b"200"]


@pytest.mark.parametrize("size", [1, 10, 10_000])
def test_an_offer_of_another_protocol_loses_no_body_and_no_further_request(wire, size):
    """Clients in Java offer HTTP/2 so, with their first body."""
    offer = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    body = b'{"texts": ["%s"]}' % (b"Bern " * size)
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    whole = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    closing = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = wire.ask(offer + whole + offer + chunked + offer + b"Content-Length: 0\r\n\r\n" + closing)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"422", b"200"]


def test_what_comes_behind_a_body_is_not_taken_for_a_header(wire):
    body = b"13\r\n" + b'{"texts": ["Bern"]}' + b"\r\n0\r\nX-Request-ID: forged\r\nContent-Type: text/plain\r\n\r\n"
    answer = wire.ask(POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"forged" not in answer


@pytest.fixture(scope="module")
def patient(spawn_server) -> Wire:
    return Wire(spawn_server(slow_s=2.0, header_timeout_s=0.3, keep_alive_timeout_s=1.2)[1])


def test_a_connection_whose_body_came_after_its_refusal_stays_open_as_others_do(patient):
    with patient.open(b"POST /v1/extract HTTP/1.1\r\nHost: x\r\nContent-Type: x\r\nContent-Length: 4\r\n\r\n") as one:
        assert one.recv(65536).startswith(b"HTTP/1.1 415")
        one.sendall(b"abcd")
        time.sleep(0.7)
        one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"HTTP/1.1 200" in read_all(one)


def test_a_request_right_behind_a_late_body_is_not_cut_as_idle(patient):
    with patient.open(b"POST /v1/extract HTTP/1.1\r\nHost: x\r\nContent-Type: x\r\nContent-Length: 4\r\n\r\n") as one:
        assert one.recv(65536).startswith(b"HTTP/1.1 415")
        one.sendall(b"abcd" + asking(b"slow", CLOSING))
        assert b"HTTP/1.1 200" in read_all(one)


def test_of_what_comes_before_its_turn_little_is_read():
    async def never(_scope, _receive, _send):
        await asyncio.Event().wait()

    async def read() -> tuple[int, bool]:
        made = guarded_protocol(ServiceSettings(model="unused"), Mock())
        protocol = made(config=Config(never), server_state=ServerState(), app_state={})
        protocol.connection_made(Mock(is_closing=lambda: False))
        protocol.data_received(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 8000)
        await asyncio.sleep(0)
        waiting = len(protocol.pipeline)
        protocol.connection_lost(None)
        return waiting, protocol.transport.pause_reading.called

    waiting, paused = asyncio.run(read())
    assert waiting < 200
    assert paused


def test_who_leaves_with_a_further_request_behind_takes_the_first_along(patient, until):
    patient.open(asking(b"slow") * 2).close()
    metrics = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    until(lambda: b'globalner_rejected_total{reason="disconnected"} 1.0' in patient.ask(metrics))


def test_expect_100_is_refused_before_the_body_is_sent(wire):
    answer = wire.ask(POST + b"Expect: 100-continue\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n")
    assert error_of(answer, 413)["type"] == "too_large"


def test_an_upgrade_is_not_taken_for_anything_else(wire):
    ask = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert wire.ask(ask).startswith(b"HTTP/1.1 200")


def test_connections_are_bounded(wire):
    time.sleep(0.7)
    held = [wire.open() for _ in range(39)]
    assert wire.works()
    held.append(wire.open())
    error = error_of(wire.ask(b""), 503)
    assert error["type"] == "too_many_connections"
    assert "--max-connections" in error["message"]
    for connection in held:
        connection.close()
    time.sleep(0.2)
    assert wire.works()


def test_refusals_outside_any_request_are_counted(wire):
    wire.ask(b"GET\r\n\r\n")
    answer = wire.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").decode()
    (count,) = [line for line in answer.splitlines() if line.startswith('globalner_rejected_total{reason="bad_http"}')]
    assert float(count.split()[-1]) >= 1
