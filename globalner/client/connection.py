"""Where a service is and how to talk to it; what both clients share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from urllib.parse import urlsplit

from globalner.client.errors import ServiceUnreachableError
from globalner.client.retries import RetryPolicy
from globalner.client.wire import error_of
from globalner.errors import ConfigError, MissingExtraError

__all__ = ["Service", "http_library"]


@dataclass(frozen=True)
class Service:
    """A service.

    Attributes:
        url: Its address, such as `https://ner.example/models/a`.
        api_key: The key to send; None where none is asked for.
        timeout_s: How long to wait for one answer.
        retries: Whether and when to ask again.
        texts_per_request: Longer lists are sent in several requests.
        chars_per_request: Likewise, by the characters of all their texts.

    Raises:
        ConfigError: If the address is none.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 90.0
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    texts_per_request: int = 32
    chars_per_request: int = 400_000

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{self.url!r} is no address of a service; give one such as http://127.0.0.1:8000")
        if self.texts_per_request < 1 or self.chars_per_request < 1:
            raise ConfigError("texts_per_request and chars_per_request must be at least 1")

    def at(self, path: str) -> str:
        """The address of a route."""
        return self.url.rstrip("/") + path

    def wait_after_break_s(self, error: Exception, tried: int) -> float:
        """Seconds to wait before the next try, after a connection that broke in try number `tried`, from 1.

        Raises:
            ServiceUnreachableError: If that was the last one.
        """
        wait_s = self.retries.wait_after_break_s(tried)
        if wait_s is None:
            reason = error if str(error) else type(error).__name__
            raise ServiceUnreachableError(f"{self.url}: no answer after {tried} tries: {reason}") from error
        return wait_s

    def wait_after_refusal_s(self, status: int, headers: Mapping[str, str], body: bytes, tried: int) -> float:
        """Seconds to wait before the next try, after an answer other than 200 to try number `tried`, from 1.

        Raises:
            ServiceError: If that was the last one, or another would change nothing.
        """
        wait_s = self.retries.wait_after_answer_s(status, headers, tried)
        if wait_s is None:
            raise error_of(status, body)
        return wait_s


def http_library() -> ModuleType:
    """httpx.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import httpx
    except ImportError as error:
        raise MissingExtraError('the client needs httpx; install: pip install "globalner[client]"') from error
    return httpx
