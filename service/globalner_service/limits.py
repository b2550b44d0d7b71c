"""The limit on the size of a body, enforced while it streams in: before any of it is parsed."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from globalner_service.errors import TooLargeError, refuse
from globalner_service.gate import route_path
from globalner_service.settings import flag

__all__ = ["BodyLimit"]


class BodyLimit:
    """ASGI middleware that answers 413 to a body over the limit.

    A declared size is refused at once. What arrives is counted as well, so that a chunked body or a wrong
    `Content-Length` gets no further.

    Args:
        app: The application inside.
        max_bytes: Largest body that is let through.
        unlimited: Routes that read endless bodies and bound what they hold by themselves.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, unlimited: Collection[str] = ()) -> None:
        self.app, self.max_bytes, self.unlimited = app, max_bytes, unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in self.unlimited:
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            await refuse(self._error(f"the body has {declared[:20]} bytes"), scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_bytes:
                raise self._error("the body has more bytes than allowed")
            return message

        await self.app(scope, counted, send)

    def _error(self, what: str) -> TooLargeError:
        return TooLargeError(what, limit=self.max_bytes, flag=flag("max_body_bytes"))
