"""Who may bring work: decided from the head of a request, before its body is read."""

from __future__ import annotations

import base64
import binascii
import math
import time
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from globalner_service.api_keys import ApiKeys
from globalner_service.errors import QueueFullError, RateLimitedError, ServiceError, UnauthorizedError, refuse
from globalner_service.settings import flag
from globalner_service.worker import ExtractionWorker

__all__ = ["KeyGate", "RateLimiter", "WorkGate", "key_name", "route_path"]

_OPEN_PATHS = frozenset({"/health", "/ready", "/metrics"})
_KEY_NAME = "key_name"


class KeyGate:
    """ASGI middleware that asks for an API key on every route but `/health`, `/ready` and `/metrics`.

    A key comes as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the password of HTTP Basic, which is how
    a browser sends it to the page.

    Args:
        app: The application inside.
        keys: The keys that open it; empty: everything is open.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeys) -> None:
        self.app, self.keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.keys or route_path(scope) in _OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = self.keys.name_of(_sent_key(headers))
        if name is None:
            people = "text/html" in headers.get("accept", "")
            message = "this server asks for an API key; send it as: Authorization: Bearer KEY"
            await refuse(UnauthorizedError(message, scheme="Basic" if people else "Bearer"), scope, receive, send)
            return
        scope.setdefault("state", {})[_KEY_NAME] = name
        await self.app(scope, receive, send)


class RateLimiter:
    """A bucket for each key: it holds one second's worth of requests, at least one, and fills all the time.

    Args:
        rate_per_s: Requests a second; None for no limit.
    """

    def __init__(self, rate_per_s: float | None) -> None:
        self._rate = rate_per_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, name: str | None) -> float:
        """Takes one request out of the bucket of a key: 0, or if it is empty the seconds until it is not."""
        if self._rate is None or name is None:
            return 0.0
        now, size = time.monotonic(), max(1.0, self._rate)
        level, since = self._buckets.get(name, (size, now))
        level = min(size, level + (now - since) * self._rate)
        missing = max(0.0, 1.0 - level)
        self._buckets[name] = (level if missing else level - 1.0, now)
        return missing / self._rate


@dataclass
class WorkGate:
    """ASGI middleware that refuses work by the rate of its key, by the requests inside, and by the state of the queue.

    Args:
        app: The application inside.
        worker: Knows whether it takes work.
        limiter: Counts the requests of each key.
        paths: Routes that bring work.
        max_requests: Requests that may be inside at once.
    """

    app: ASGIApp
    worker: ExtractionWorker
    limiter: RateLimiter
    paths: Collection[str]
    max_requests: int
    _inside: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request in or answers why not."""
        if scope["type"] != "http" or scope["method"] != "POST" or route_path(scope) not in self.paths:
            await self.app(scope, receive, send)
            return
        try:
            self._check(key_name(scope))
        except ServiceError as error:
            await refuse(error, scope, receive, send)
            return
        self._inside += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._inside -= 1

    def _check(self, name: str | None) -> None:
        wait_s = self.limiter.wait_s(name)
        if wait_s:
            message = f"too many requests with this key (server flag {flag('rate_limit_per_s')})"
            raise RateLimitedError(message, retry_after_s=math.ceil(wait_s))
        self.worker.check_open()
        if self._inside >= self.max_requests:
            raise QueueFullError(
                f"{self._inside} requests are inside; the limit is {self.max_requests} "
                f"(server flag {flag('max_concurrent_requests')})",
                retry_after_s=1,
            )


def key_name(scope: Scope) -> str | None:
    """Short name of the API key of a request; None where none was asked for."""
    name: str | None = scope.get("state", {}).get(_KEY_NAME)
    return name


def route_path(scope: Scope) -> str:
    """The path of a request without the part under which a proxy shows the server."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def _sent_key(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return headers.get("x-api-key", "")
