"""`POST /v1/extract`: texts in, entities out."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from globalner_service.conversion import documents_of, options_of, response_of
from globalner_service.dependencies import Call, Settings, State, Worker
from globalner_service.errors import (
    BodyTimeoutError,
    InvalidRequestError,
    MediaTypeError,
    NotReadyError,
    OutOfTimeError,
    QueueFullError,
    ServiceError,
    TooLargeError,
    UnknownModelError,
    error_responses,
)
from globalner_service.schemas import ExtractResponse

__all__ = ["router"]

router = APIRouter(tags=["extract"])

_ERRORS = error_responses(
    UnknownModelError,
    BodyTimeoutError,
    TooLargeError,
    MediaTypeError,
    InvalidRequestError,
    QueueFullError,
    ServiceError,
    NotReadyError,
    OutOfTimeError,
)


@router.post("/v1/extract", response_model=ExtractResponse, responses=_ERRORS, summary="Find entities in texts")
async def extract(call: Call, state: State, worker: Worker, settings: Settings) -> Response:
    """Finds the entities of each text. One result comes back for each text, in order; nothing is cut silently."""
    options = options_of(call, worker.ready_extractor().labels)
    documents = await run_in_threadpool(documents_of, call)
    answer = worker.submit(documents, options, settings.request_timeout_s)
    try:
        found = await asyncio.wait_for(asyncio.wrap_future(answer), settings.request_timeout_s)
    except TimeoutError:
        raise OutOfTimeError(
            f"no answer within {settings.request_timeout_s:g} s; send fewer or shorter texts"
        ) from None
    body = await run_in_threadpool(
        lambda: response_of(state.model_name or "", found, call.offset_unit).model_dump_json()
    )
    return Response(body, media_type="application/json")
