"""The client for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from globalner.client.connection import Service, http_library
from globalner.client.wire import Mode, Reading, documents_of, headers_of, info_of, pages_of, request_of
from globalner.types import Document

if TYPE_CHECKING:
    import httpx

__all__ = ["Client"]


class Client:
    """A service, as if it were an `EntityExtractor`. Threads may share it; close it, or use it in a `with`.

    Args:
        service: Its address, or all about it as a `Service`.
        api_key: The key to send, where the service asks for one and `service` does not say it.

    Raises:
        ConfigError: If the address is none.
        MissingExtraError: If httpx is not installed.
    """

    def __init__(self, service: str | Service, *, api_key: str | None = None) -> None:
        self.service = service if isinstance(service, Service) else Service(service, api_key=api_key)
        self._library = http_library()
        headers = headers_of(api_key or self.service.api_key)
        self._http: httpx.Client = self._library.Client(headers=headers, timeout=self.service.timeout_s)

    def extract(
        self,
        texts: Sequence[str | Document],
        *,
        mode: Mode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = 1000,
    ) -> list[Document]:
        """The entities of texts; arguments are those of `EntityExtractor.extract`.

        Returns:
            Documents in the order given, offsets in code points, end exclusive.

        Raises:
            ServiceError: If the service refuses, after all tries where it makes sense to try again.
            ServiceUnreachableError: If no answer comes.
            DataError: If a text or `labels` cannot be sent.
        """
        reading = Reading(mode, threshold, labels, max_entities)
        pages = pages_of(
            texts,
            texts_per_request=self.service.texts_per_request,
            chars_per_request=self.service.chars_per_request,
        )
        found: list[Document] = []
        for page in pages:
            found += documents_of(page, self._ask("POST", "/v1/extract", request_of(page, reading)))
        return found

    def __call__(self, text: str | Document) -> Document:
        """The entities of one text, read as the model does by itself."""
        return self.extract([text])[0]

    def info(self) -> dict[str, Any]:
        """What is served: model, labels, limits.

        Raises:
            ServiceError: If the service refuses.
            ServiceUnreachableError: If no answer comes.
        """
        return info_of(self._ask("GET", "/info"))

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {} if body is None else {"Content-Type": "application/json"}
        tried = 0
        while True:
            tried += 1
            try:
                answer = self._http.request(method, self.service.at(path), content=body, headers=headers)
            except self._library.TransportError as error:
                wait_s = self.service.wait_after_break_s(error, tried)
            else:
                if answer.status_code == 200:
                    return answer.content
                wait_s = self.service.wait_after_refusal_s(answer.status_code, answer.headers, answer.content, tried)
            time.sleep(wait_s)
