"""A stream of texts: lines are read, answered side by side, and written in order, never many of them at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from globalner.types import Document
from globalner_service.conversion import check_limits, document_of, result_of
from globalner_service.dependencies import ServiceState
from globalner_service.errors import (
    DisconnectedError,
    QueueFullError,
    ServiceError,
    TooLargeError,
    error_body,
    service_error,
)
from globalner_service.gate import key_name
from globalner_service.line_reader import LineReader
from globalner_service.request_body import parse
from globalner_service.schemas import ExtractOptions, StreamError, StreamItem, StreamResult
from globalner_service.waiting import wait_for_answer

__all__ = ["NDJSON", "StreamAnswer"]

NDJSON = "application/x-ndjson"
_LOOK_AGAIN_S = 0.02

Answers = asyncio.Queue[asyncio.Task[bytes] | None]


@dataclass(frozen=True)
class _Line:
    """One line on its way: its number from 1, and what it says or why it cannot be read."""

    number: int
    content: bytes | ServiceError


class StreamAnswer(Response):
    """Reads the request and writes the answer at the same time.

    When as many lines are being worked on as one request may hold texts, or the client does not take its answers,
    nothing more is read: that is how a fast client feels a slow server.

    Args:
        request: The request; nothing of its body may have been read.
        state: What the app holds.
        options: How to read the texts.
    """

    media_type = NDJSON

    def __init__(self, request: Request, state: ServiceState, options: ExtractOptions) -> None:
        super().__init__(media_type=NDJSON, headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._state, self._options = state, options
        self._key = key_name(request.scope)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        settings = self._state.settings
        reader = LineReader(receive, max_line_bytes=settings.max_body_bytes, timeout_s=settings.body_timeout_s)
        answers: Answers = asyncio.Queue(settings.max_texts)
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(reader, answers, group))
                while (answer := await answers.get()) is not None:
                    line = await answer + b"\n"
                    await send({"type": "http.response.body", "body": line, "more_body": True})
                reading.cancel()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except* DisconnectedError as errors:
            self._state.metrics.rejected.labels(DisconnectedError.kind).inc(len(errors.exceptions))

    async def _read(self, reader: LineReader, answers: Answers, group: asyncio.TaskGroup) -> None:
        """Starts the work of each line; ends the stream where it cannot go on."""
        number = 0

        async def put(content: bytes | ServiceError) -> None:
            await answers.put(group.create_task(self._answer(_Line(number, content))))

        try:
            async for content in reader.lines():
                number += 1
                if isinstance(content, TooLargeError) or content.strip():
                    await self._keep_rate(first=number == 1)
                    await put(content)
                if self._state.worker.draining:
                    break
        except DisconnectedError:
            raise
        except ServiceError as error:
            number += 1
            await put(error)
        await answers.put(None)
        await reader.left()
        raise DisconnectedError("the client left before its stream was answered")

    async def _keep_rate(self, *, first: bool) -> None:
        """A stream waits where a single request would be refused; its first line came with the request."""
        while not first and (wait_s := self._state.limiter.wait_s(self._key)):
            await asyncio.sleep(wait_s)

    async def _answer(self, line: _Line) -> bytes:
        """The result or the error of one line."""
        item: StreamItem | None = None
        try:
            if isinstance(line.content, ServiceError):
                raise line.content
            item = parse(line.content, StreamItem)
            check_limits([item], self._state.settings)
            document = document_of(item, self._options.offset_unit, "tokens")
            return await self._read_text(document, item.id)
        except Exception as error:
            seen = service_error(error)
            self._state.metrics.rejected.labels(seen.kind).inc()
            name = None if item is None else item.id
            failed = StreamError(error=error_body(seen).error, line=line.number, id=name)
            return failed.model_dump_json(exclude_none=True).encode()

    async def _read_text(self, document: Document, name: str | None) -> bytes:
        """Waits for room in the queue, up to the time limit of a request."""

        def render(found: Sequence[Document]) -> bytes:
            result = result_of(found[0], self._options.offset_unit)
            return StreamResult(**dict(result), id=name).model_dump_json(exclude_none=True).encode()

        deadline = time.monotonic() + self._state.settings.request_timeout_s
        while True:
            job = self._state.job([document], self._options, render)
            try:
                return await wait_for_answer(self._state.worker.submit(job), self._state.settings.request_timeout_s)
            except QueueFullError:
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_LOOK_AGAIN_S)
