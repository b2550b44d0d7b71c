"""What routes ask for, as named types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from globalner_service.conversion import check_limits
from globalner_service.errors import UnknownModelError
from globalner_service.request_body import parse, read_json
from globalner_service.schemas import ExtractRequest
from globalner_service.settings import ServiceSettings
from globalner_service.worker import ExtractionWorker

__all__ = ["Call", "ServiceState", "Settings", "State", "Worker"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What one running app holds; it lies in `app.state.service`.

    Attributes:
        settings: How the server runs.
        worker: The thread with the model.
    """

    settings: ServiceSettings
    worker: ExtractionWorker

    @property
    def model_name(self) -> str | None:
        """Name of the served model; None while it loads."""
        if self.settings.served_name is not None:
            return self.settings.served_name
        return None if self.worker.extractor is None else self.worker.extractor.name


async def _state(request: Request) -> ServiceState:
    return cast(ServiceState, request.app.state.service)


State = Annotated[ServiceState, Depends(_state)]


async def _settings(state: State) -> ServiceSettings:
    return state.settings


async def _worker(state: State) -> ExtractionWorker:
    return state.worker


Settings = Annotated[ServiceSettings, Depends(_settings)]
Worker = Annotated[ExtractionWorker, Depends(_worker)]


async def _call(request: Request, state: State) -> ExtractRequest:
    state.worker.check_open()
    call = parse(await read_json(request, state.settings.request_timeout_s), ExtractRequest)
    check_limits(call, state.settings)
    if call.model is not None and call.model != state.model_name:
        raise UnknownModelError(
            f"model {call.model[:80]!r} is not served here; this server serves {state.model_name!r}"
        )
    return call


Call = Annotated[ExtractRequest, Depends(_call)]
"""The checked body of an extraction request; a server that takes no work refuses before reading it."""
