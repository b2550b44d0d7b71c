"""What routes ask for, as named types."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from globalner.types import Document
from globalner_service.conversion import options_of
from globalner_service.errors import UnknownModelError
from globalner_service.gate import RateLimiter
from globalner_service.jobs import Job
from globalner_service.metrics import ServiceMetrics
from globalner_service.request_body import parse, read_json
from globalner_service.schemas import ExtractOptions
from globalner_service.settings import ServiceSettings
from globalner_service.worker import ExtractionWorker

__all__ = ["ServiceState", "Settings", "State", "Worker", "read_body"]

Schema = TypeVar("Schema", bound=BaseModel)

# Reading more than this would keep everybody else waiting.
_LARGE_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What one running app holds; it lies in `app.state.service`.

    Attributes:
        settings: How the server runs.
        worker: The threads with the model.
        metrics: What Prometheus sees.
        limiter: Counts the requests of each API key.
    """

    settings: ServiceSettings
    worker: ExtractionWorker
    metrics: ServiceMetrics = field(default_factory=ServiceMetrics)
    limiter: RateLimiter = field(default_factory=lambda: RateLimiter(None))

    @property
    def model_name(self) -> str | None:
        """Name of the served model; None while it loads."""
        if self.settings.served_name is not None:
            return self.settings.served_name
        return None if self.worker.extractor is None else self.worker.extractor.name

    def check_model(self, asked: str | None) -> None:
        """Looks whether a request means the model that is served.

        Raises:
            UnknownModelError: If it names another.
        """
        if asked is not None and asked != self.model_name:
            raise UnknownModelError(f"model {asked[:80]!r} is not served here; this server serves {self.model_name!r}")

    def job(
        self,
        documents: Sequence[Document],
        options: ExtractOptions,
        render: Callable[[Sequence[Document]], bytes],
    ) -> Job:
        """The work of one request, its time counted from now.

        Raises:
            NotReadyError: If the server takes no work.
            InvalidRequestError: If a label is unknown.
        """
        deadline = time.monotonic() + self.settings.request_timeout_s
        return Job(documents, options_of(options, self.worker.ready_extractor()), render, deadline)


async def _state(request: Request) -> ServiceState:
    return cast(ServiceState, request.app.state.service)


State = Annotated[ServiceState, Depends(_state)]


async def _settings(state: State) -> ServiceSettings:
    return state.settings


async def _worker(state: State) -> ExtractionWorker:
    return state.worker


Settings = Annotated[ServiceSettings, Depends(_settings)]
Worker = Annotated[ExtractionWorker, Depends(_worker)]


async def read_body(request: Request, settings: ServiceSettings, schema: type[Schema]) -> Schema:
    """The body of a request as a schema.

    Raises:
        ServiceError: See `read_json` and `parse`.
    """
    body = await read_json(request, settings.body_timeout_s)
    return await run_in_threadpool(parse, body, schema) if len(body) > _LARGE_BODY_BYTES else parse(body, schema)
