"""HTTP on one connection, made safe for an open network: slow or broken clients are answered in our shape and cut."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from globalner_service.schemas import ErrorBody, ErrorResponse
from globalner_service.settings import ServiceSettings, flag
from globalner_service.sight import DEFAULT_HEADERS

__all__ = ["GuardedProtocol", "guarded_protocol"]

logger = logging.getLogger(__name__)

# After an answer that came before the end of what the client sends: cut at once, it could lose the answer.
_LINGER_S = 3.0


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol with a time limit on everything that a client can do slowly, and a limit on connections.

    Attributes:
        settings: Time limits and the limit on connections; set by `guarded_protocol`.
        count: Told the kind of each error that never became a request.
    """

    settings: ClassVar[ServiceSettings]
    count: ClassVar[Callable[[str], None]]

    _refused: bool = False
    _watched: str = ""
    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock for the first head, or answers that there are too many connections."""
        super().connection_made(transport)
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
        try:
            super().data_received(data)
        except Exception:
            logger.debug("bytes that are no HTTP", exc_info=True)
            self.send_400_response("")
        if not self._refused:
            self._watch_state(arrived=True)

    def on_response_complete(self) -> None:
        """Watches what is left of the connection."""
        super().on_response_complete()
        self._watch_state(arrived=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops all clocks."""
        super().connection_lost(exc)
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

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's own words
        """Answers what is no HTTP; uvicorn calls it while it handles the parser's error, which knows the status."""
        error = sys.exception()
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        if hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            text = f"the head of the request is over the limit (server flag {flag('max_header_bytes')})"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "header_too_large", text)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "bad_http", "the request is not valid HTTP/1.1")

    def _watch_state(self, *, arrived: bool) -> None:
        state = self.conn.their_state
        if state is h11.IDLE and (arrived or self._watched == "head"):
            self._watch("head")
        elif state is h11.SEND_BODY and self.conn.our_state in (h11.DONE, h11.MUST_CLOSE):
            self._watch("rest")
        else:
            self._watch("")

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
        if what == "head" and self.conn.trailing_data[0]:
            limit = f"{self.settings.header_timeout_s:g} s (server flag {flag('header_timeout_s')})"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "header_timeout", f"the head did not arrive within {limit}")
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, kind: str, message: str) -> None:
        """Answers outside any request, if an answer can still be begun; what comes after that is thrown away."""
        self._refused = True
        type(self).count(kind)
        if self.cycle is not None and not self.cycle.response_complete:
            # The app must not answer the same request once more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE) or self.transport.is_closing():
            self.transport.close()
        else:
            body = ErrorResponse(error=ErrorBody(type=kind, message=message)).model_dump_json().encode()
            headers = {
                **DEFAULT_HEADERS,
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "close",
            }
            start = h11.Response(status_code=status, headers=list(headers.items()), reason=status.phrase.encode())
            for event in (start, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self._watch("rest")


def guarded_protocol(settings: ServiceSettings, count: Callable[[str], None]) -> type[GuardedProtocol]:
    """The protocol under these settings; `count` is told the kind of each error that never became a request."""
    return type("ServiceProtocol", (GuardedProtocol,), {"settings": settings, "count": staticmethod(count)})
