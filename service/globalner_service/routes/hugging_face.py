"""`POST /hf`: the token-classification task as clients of the Hugging Face inference API ask for it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from globalner.types import Document
from globalner_service.conversion import check_limits
from globalner_service.dependencies import Settings, State, Worker, read_body
from globalner_service.errors import WORK_ERRORS, error_responses
from globalner_service.hugging_face import (
    HuggingFaceEntity,
    HuggingFaceRequest,
    options_of_call,
    render_groups,
    texts_of,
)
from globalner_service.waiting import wait_for_answer

__all__ = ["router"]

router = APIRouter(tags=["extract"])


@router.post(
    "/hf",
    response_model=list[HuggingFaceEntity] | list[list[HuggingFaceEntity]],
    responses=error_responses(*WORK_ERRORS),
    summary="Find entities, in the shape of the Hugging Face inference API",
)
async def hugging_face(request: Request, state: State, worker: Worker, settings: Settings) -> Response:
    """Answers one list of entities for one text, a list of lists for several; flat unless `parameters.mode` says."""
    call = await read_body(request, settings, HuggingFaceRequest)
    texts = texts_of(call)
    check_limits(texts, settings)
    options = options_of_call(call, worker.ready_extractor().labels.names)
    single = isinstance(call.inputs, str)
    job = state.job([Document(text) for text in texts], options, lambda found: render_groups(found, single=single))
    body = await wait_for_answer(worker.submit(job), settings.request_timeout_s, request.receive)
    return Response(body, media_type="application/json")
