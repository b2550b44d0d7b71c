"""The client for programs that do other things meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from globalner.client.connection import Service, http_library
from globalner.client.wire import Mode, Reading, documents_of, headers_of, info_of, pages_of, request_of
from globalner.types import Document

if TYPE_CHECKING:
    import httpx

__all__ = ["AsyncClient"]


class AsyncClient:
    """A service, as if it were an `EntityExtractor` whose methods are awaited. Close it, or use it in an `async with`.

    Args:
        service: Its address, or all about it as a `Service`.
        api_key: The key to send, where the service asks for one and `service` does not say it.
        requests_at_once: How many requests of one long list may be under way.

    Raises:
        ConfigError: If the address is none.
        MissingExtraError: If httpx is not installed.
    """

    def __init__(self, service: str | Service, *, api_key: str | None = None, requests_at_once: int = 4) -> None:
        self.service = service if isinstance(service, Service) else Service(service, api_key=api_key)
        self._library = http_library()
        self._at_once = requests_at_once
        headers = headers_of(api_key or self.service.api_key)
        self._http: httpx.AsyncClient = self._library.AsyncClient(headers=headers, timeout=self.service.timeout_s)

    async def extract(
        self,
        texts: Sequence[str | Document],
        *,
        mode: Mode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = 1000,
    ) -> list[Document]:
        """The entities of texts; see `Client.extract`. The first request that fails ends the others."""
        reading = Reading(mode, threshold, labels, max_entities)
        pages = pages_of(
            texts,
            texts_per_request=self.service.texts_per_request,
            chars_per_request=self.service.chars_per_request,
        )
        room = asyncio.Semaphore(self._at_once)

        async def read(page: Sequence[Document]) -> list[Document]:
            async with room:
                return documents_of(page, await self._ask("POST", "/v1/extract", request_of(page, reading)))

        tasks = [asyncio.ensure_future(read(page)) for page in pages]
        try:
            return [document for found in await asyncio.gather(*tasks) for document in found]
        finally:
            for task in tasks:
                task.cancel()

    async def __call__(self, text: str | Document) -> Document:
        """The entities of one text, read as the model does by itself."""
        return (await self.extract([text]))[0]

    async def info(self) -> dict[str, Any]:
        """What is served; see `Client.info`."""
        return info_of(await self._ask("GET", "/info"))

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {} if body is None else {"Content-Type": "application/json"}
        tried = 0
        while True:
            tried += 1
            try:
                answer = await self._http.request(method, self.service.at(path), content=body, headers=headers)
            except self._library.TransportError as error:
                wait_s = self.service.wait_after_break_s(error, tried)
            else:
                if answer.status_code == 200:
                    return answer.content
                wait_s = self.service.wait_after_refusal_s(answer.status_code, answer.headers, answer.content, tried)
            await asyncio.sleep(wait_s)
