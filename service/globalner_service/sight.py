"""What is seen of every request: its id, its log line, its place in the metrics; and the headers of every answer."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from globalner_service.errors import HeaderTooLargeError, ServiceError, refuse, rejected_kind, service_error
from globalner_service.gate import key_name, route_path
from globalner_service.metrics import ServiceMetrics
from globalner_service.settings import flag

__all__ = ["DEFAULT_HEADERS", "Sight"]

access = logging.getLogger("globalner_service.access")
logger = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

DEFAULT_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer that does not set them itself."""


class Sight:
    """The outermost ASGI middleware.

    A request keeps the `X-Request-ID` that it brings, if that is short and plain, else it gets one; the answer and
    the log carry it. Failures that nobody foresaw are answered and logged here.

    Args:
        app: The application inside.
        metrics: Where requests are counted.
        routes: Paths that have a name of their own in the metrics; all others count as one.
        max_header_bytes: Largest head of a request that is let through.
    """

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, routes: Collection[str], max_header_bytes: int) -> None:
        self.app, self.metrics, self.routes, self.max_header_bytes = app, metrics, routes, max_header_bytes
        # A number behind what is random once: to ask the system for each request would hand the interpreter over.
        self._process, self._numbers = secrets.token_hex(10), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        scope.setdefault("state", {})
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else f"{self._process}{next(self._numbers):012x}"

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in DEFAULT_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._call(scope, receive, seen)
        except Exception as error:
            logger.error("a request failed", exc_info=error, extra={"request_id": request_id})
            if status:
                raise
            await refuse(service_error(error), scope, receive, seen)
        finally:
            self._note(scope, status, time.monotonic() - began, request_id)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_head(scope)
        except ServiceError as error:
            await refuse(error, scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check_head(self, scope: Scope) -> None:
        size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        size += sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self.max_header_bytes:
            raise HeaderTooLargeError(
                f"the head of the request has {size} bytes, over the limit of {self.max_header_bytes} "
                f"(server flag {flag('max_header_bytes')})"
            )

    def _note(self, scope: Scope, status: int, elapsed_s: float, request_id: str) -> None:
        path = route_path(scope)
        route = path if path in self.routes else "other"
        kind = rejected_kind(scope)
        self.metrics.requests.labels(route, status).inc()
        self.metrics.request_duration.labels(route).observe(elapsed_s)
        if kind is not None:
            self.metrics.rejected.labels(kind).inc()
        if access.isEnabledFor(logging.INFO):
            facts = {
                "request_id": request_id,
                "method": scope["method"][:20],
                "route": route,
                "status": status,
                "duration_ms": round(elapsed_s * 1000, 2),
                "error": kind,
                "key": key_name(scope),
            }
            access.info("request", extra={name: value for name, value in facts.items() if value is not None})
