"""`POST /v1/extract/stream`: texts in, entities out, a line each, for as long as the client likes."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from pydantic_core import from_json
from starlette.datastructures import QueryParams

from globalner_service.conversion import options_of
from globalner_service.dependencies import State, Worker
from globalner_service.errors import WORK_ERRORS, InvalidRequestError, error_responses
from globalner_service.request_body import check_media_type, parse_values
from globalner_service.schemas import ExtractOptions
from globalner_service.stream import NDJSON, StreamAnswer

__all__ = ["router"]

router = APIRouter(tags=["extract"])

_JSON_VALUES = frozenset({"threshold", "max_entities"})


@router.post(
    "/v1/extract/stream",
    response_class=Response,
    responses=error_responses(*WORK_ERRORS),
    summary="Find entities in a stream of texts",
)
async def stream(request: Request, state: State, worker: Worker) -> Response:
    """Reads one `{"text": ...}` a line and writes one result or error a line, in order, while it reads.

    How to read them stands in the query: the fields of `ExtractOptions`, `labels` once for each label, `threshold`
    as a number or as JSON `{"ORG": 0.6}`. A client should take answers while it sends; one that does not is read
    only as far as its unread answers fit into the buffers of the connection.
    """
    check_media_type(request, NDJSON, "application/ndjson", "application/jsonl")
    options = parse_values(_query_values(request.query_params), ExtractOptions)
    state.check_model(options.model)
    options_of(options, worker.ready_extractor())
    return StreamAnswer(request, state, options)


def _query_values(query: QueryParams) -> Mapping[str, object]:
    values: dict[str, object] = {}
    for name in query:
        given = query.getlist(name)
        if name == "labels":
            values[name] = tuple(given)
        elif len(given) > 1:
            raise InvalidRequestError(f"{name[:80]}: given {len(given)} times in the query; give it once")
        else:
            values[name] = _json_or_text(given[0]) if name in _JSON_VALUES else given[0]
    return values


def _json_or_text(value: str) -> object:
    """What cannot be read as JSON stays a text, which the schema then refuses with a message that shows it."""
    try:
        return from_json(value)
    except ValueError:
        return value
