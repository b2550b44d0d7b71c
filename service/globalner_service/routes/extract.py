"""`POST /v1/extract`: texts in, entities out."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from globalner.types import Document
from globalner_service.conversion import check_limits, documents_of, response_of
from globalner_service.dependencies import Settings, State, Worker, read_body
from globalner_service.errors import WORK_ERRORS, error_responses
from globalner_service.schemas import ExtractRequest, ExtractResponse
from globalner_service.waiting import wait_for_answer

__all__ = ["router"]

router = APIRouter(tags=["extract"])


@router.post(
    "/v1/extract",
    response_model=ExtractResponse,
    responses=error_responses(*WORK_ERRORS),
    summary="Find entities in texts",
)
async def extract(request: Request, state: State, worker: Worker, settings: Settings) -> Response:
    """Finds the entities of each text. One result comes back for each text, in order; nothing is cut silently."""
    call = await read_body(request, settings, ExtractRequest)
    check_limits(call.texts, settings)
    state.check_model(call.model)
    documents = await run_in_threadpool(documents_of, call.texts, call.offset_unit)

    def render(found: Sequence[Document]) -> bytes:
        return response_of(state.model_name or "", found, call.offset_unit).model_dump_json().encode()

    answer = worker.submit(state.job(documents, call, render))
    body = await wait_for_answer(answer, settings.request_timeout_s, request.receive)
    return Response(body, media_type="application/json")
