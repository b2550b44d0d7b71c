"""HTTP on one connection, made safe for an open network: slow or broken clients are answered in our shape and cut."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar, Literal

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from globalner_service.schemas import ErrorBody, ErrorResponse
from globalner_service.settings import ServiceSettings, flag
from globalner_service.sight import DEFAULT_HEADERS

__all__ = ["GuardedProtocol", "guarded_protocol"]

logger = logging.getLogger(__name__)

# After an answer that came before the end of what the client sends: cut at once, it could lose the answer.
_LINGER_S = 3.0
# The parser cannot be stopped at the end of a request: this much may hold requests that have to wait for their turn.
_PIECE_BYTES = 4096


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on what a client can do slowly or without end, and on connections.

    One further request on a connection may be read while the one before it waits for its answer.

    Attributes:
        settings: Limits of time, of a head and of connections; set by `guarded_protocol`.
        count: Told the kind of each error that never became a request.
    """

    settings: ClassVar[ServiceSettings]
    count: ClassVar[Callable[[str], None]]

    _place: Literal["between", "head", "body"] = "between"
    _held_bytes: int = 0
    _got_on: bool = False
    _skipped_body: bytes = b""
    _resuming: bool = False
    _refused: bool = False
    _late_refusal: Callable[[], None] | None = None
    _watched: str = ""
    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock for the first head, or answers that there are too many connections."""
        super().connection_made(transport)
        self._unread = bytearray()
        self._unanswered: deque[RequestResponseCycle] = deque()
        limit = self.settings.max_connections
        if len(self.connections) > limit:
            message = f"{limit} connections are open (server flag {flag('max_connections')})"
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_connections", message)
            self.transport.close()
            return
        self._watch("head")

    def data_received(self, data: bytes) -> None:
        """Reads what came; anything that cannot be HTTP is answered with 400 and cut."""
        if self._refused or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._unread += data
        self._read()
        self._watch_state()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells the requests that wait for an answer, and stops all clocks."""
        super().connection_lost(exc)
        for cycle in self._unanswered:
            _disconnect(cycle)
        self._watch("")
        self.resume_writing()
        self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        """The client does not take what was written: it has so long to go on."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.settings.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client goes on."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if not self._resuming:
            self._place = "head"
            self._unset_keepalive_if_required()
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        if not self._resuming:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. What comes behind a chunked body is none: it could claim what was never checked."""
        if self._place == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The end of a head.

        Raises:
            ValueError: If the request is not of HTTP/1.0 or 1.1, or does not name one host where it has to.
        """
        if self._resuming:
            return
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
            raise ValueError("a head that no server has to take")
        super().on_headers_complete()
        self._unanswered.append(self.cycle)
        self._place, self._got_on = "body", True
        self._skipped_body = _body_framing(self.headers) if self.parser.should_upgrade() else b""

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._got_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        if self._skipped_body:
            return
        self._place, self._got_on = "between", True
        super().on_message_complete()
        if self.cycle.response_complete:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """Goes on with what came in the meantime, and watches what is left of the connection."""
        self._unanswered.popleft()
        super().on_response_complete()
        if self._late_refusal is not None and not self._unanswered:
            self._late_refusal()
        elif not self._refused and not self.transport.is_closing():
            self._read()
            self._watch_state()

    def _read(self) -> None:
        while self._unread and not self._refused and not self.pipeline:
            piece = bytes(self._unread[:_PIECE_BYTES])
            del self._unread[:_PIECE_BYTES]
            self._got_on = False
            try:
                self._feed(piece)
            except httptools.HttpParserError:
                logger.debug("bytes that are no HTTP", exc_info=True)
                self._refuse(HTTPStatus.BAD_REQUEST, "bad_http", "the request is not valid HTTP/1.1")
            self._check_held(len(piece))
        if self._unread and not self._refused:
            self.flow.pause_reading()

    def _feed(self, piece: bytes) -> None:
        """Reads a request that offers another protocol as one that does not; the parser itself would skip its body."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as stop:
            self._unread[:0] = piece[stop.args[0] :]
            self.parser = httptools.HttpRequestParser(self)
            if self._skipped_body:
                head = b"POST / HTTP/1.1\r\nhost: x\r\n" + self._skipped_body + b"\r\n"
                self._resuming, self._skipped_body = True, b""
                self.parser.feed_data(head)
                self._resuming = False

    def _check_held(self, arrived: int) -> None:
        """Bounds what the parser keeps to itself: a head, and what stands around the pieces of a body."""
        self._held_bytes = 0 if self._got_on else self._held_bytes + arrived
        if self._held_bytes > self.settings.max_header_bytes and not self._refused:
            text = f"the head of the request is over the limit (server flag {flag('max_header_bytes')})"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "header_too_large", text)

    def _watch_state(self) -> None:
        if self._refused:
            return
        idle = self._place == "between" and self.timeout_keep_alive_task is not None
        if self._place == "body" and self.cycle.response_complete:
            self._watch("rest")
        elif self._place == "body" or self._unanswered or idle:
            self._watch("")
        else:
            self._watch("head")

    def _watch(self, what: str) -> None:
        """One clock for the head of a request and for the rest of a body that nobody reads; it is not wound again."""
        if what == self._watched:
            return
        self._watched = what
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if what:
            after_s = self.settings.header_timeout_s if what == "head" else _LINGER_S
            self._timer = self.loop.call_later(after_s, self._out_of_time, what)

    def _out_of_time(self, what: str) -> None:
        self._timer = None
        if what == "head" and self._place == "head":
            limit = f"{self.settings.header_timeout_s:g} s (server flag {flag('header_timeout_s')})"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "header_timeout", f"the head did not arrive within {limit}")
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, kind: str, message: str) -> None:
        """Answers outside any request, after those before it; what comes after that is thrown away."""
        self._refused = True
        self._unread.clear()
        type(self).count(kind)
        begun = self._give_up_body()
        if begun:
            self.transport.close()
        elif self._unanswered:
            self._late_refusal = lambda: self._answer_refusal(status, kind, message)
        else:
            self._answer_refusal(status, kind, message)

    def _give_up_body(self) -> bool:
        """Takes the request whose body is broken away from the app; says whether its answer has begun already."""
        if self._place != "body":
            return False
        if self.cycle in self._unanswered:
            self._unanswered.remove(self.cycle)
        if self.pipeline:
            self.pipeline.popleft()
        _disconnect(self.cycle)
        return self.cycle.response_started

    def _answer_refusal(self, status: HTTPStatus, kind: str, message: str) -> None:
        if self.transport.is_closing():
            return
        body = ErrorResponse(error=ErrorBody(type=kind, message=message)).model_dump_json()
        headers = {
            **DEFAULT_HEADERS,
            "Content-Type": "application/json",
            "Content-Length": str(len(body.encode())),
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        self.transport.write("\r\n".join([*lines, "", body]).encode())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._watch("rest")


def _disconnect(cycle: RequestResponseCycle) -> None:
    """The app is told that the client is gone, and its answer, if any, is not sent."""
    cycle.disconnected = True
    cycle.message_event.set()


def _body_framing(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The headers that say where a body ends; empty if there is none."""
    framing = (b"content-length", b"transfer-encoding")
    lines = [b"%s: %s\r\n" % (name, value) for name, value in headers if name in framing]
    return b"".join(lines)


def guarded_protocol(settings: ServiceSettings, count: Callable[[str], None]) -> type[GuardedProtocol]:
    """The protocol under these settings; `count` is told the kind of each error that never became a request."""
    return type("ServiceProtocol", (GuardedProtocol,), {"settings": settings, "count": staticmethod(count)})
