"""`/health`, `/ready`, `/info`, `/metrics`: how the server is, for orchestrators and people."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException

import globalner
from globalner_service.dependencies import Settings, State, Worker
from globalner_service.errors import NotReadyError, ServiceError, UnauthorizedError, error_responses
from globalner_service.schemas import InfoResponse, StatusResponse

__all__ = ["router"]

router = APIRouter(tags=["status"])


@router.get("/health", summary="Is the server alive?", responses=error_responses(ServiceError))
async def health() -> StatusResponse:
    """Answers as soon as the server listens, also while the model loads."""
    return StatusResponse(status="ok")


@router.get("/ready", summary="Does the server take work?", responses=error_responses(NotReadyError))
async def ready(worker: Worker) -> StatusResponse:
    """Answers 503 until the model is warm, while the server is stopping, and if its worker is dead."""
    worker.ready_extractor()
    return StatusResponse(status="ready")


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **error_responses(ServiceError)},
)
def metrics(request: Request, state: State) -> Response:
    """Counters, gauges and histograms; not found where they have a port of their own (`--metrics-port`)."""
    if state.settings.metrics_port is not None:
        raise HTTPException(404)
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(state.metrics.registry), headers={"Content-Type": content_type})


@router.get("/info", summary="What is served", responses=error_responses(UnauthorizedError, ServiceError))
async def info(state: State, worker: Worker, settings: Settings) -> InfoResponse:
    """The model, its labels, and the limits in force; fields about the model are null while it loads."""
    extractor = worker.extractor
    return InfoResponse(
        model=state.model_name,
        version=globalner.__version__,
        ready=worker.is_ready,
        labels=None if extractor is None else list(extractor.labels),
        description=None if extractor is None else _facts(extractor.description()),
        limits=settings.limits(),
    )


def _facts(description: Mapping[str, object]) -> dict[str, object]:
    """Leaves out what the answer says elsewhere; the model's own name may be a path that a served name hides."""
    return {key: value for key, value in description.items() if key not in ("name", "labels")}
