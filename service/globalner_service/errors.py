"""Everything that can go wrong, mapped once to a status and to the one shape `{"error": {"type", "message"}}`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from globalner.errors import DataError
from globalner_service.schemas import ErrorBody, ErrorResponse

__all__ = [
    "BodyTimeoutError",
    "InvalidRequestError",
    "MediaTypeError",
    "NotReadyError",
    "OutOfTimeError",
    "QueueFullError",
    "ServiceError",
    "TooLargeError",
    "UnknownModelError",
    "error_responses",
    "install_error_handlers",
    "response_to",
]


class ServiceError(Exception):
    """A request that gets an error as its answer.

    Args:
        message: What is wrong and what the caller can do about it.
        retry_after_s: Whole seconds after which a new try makes sense; becomes the header `Retry-After`.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    kind: ClassVar[str] = "internal"
    summary: ClassVar[str] = "The server failed; its log says why."

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class UnknownModelError(ServiceError):
    """The request names a model that this server does not serve."""

    status = HTTPStatus.NOT_FOUND
    kind = "not_found"
    summary = "No such route, or a model that is not served here."


class BodyTimeoutError(ServiceError):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    kind = "body_timeout"
    summary = "The body did not arrive in time."


class TooLargeError(ServiceError):
    """The request is over a limit.

    Args:
        what: The finding, such as `the request holds 40 texts`.
        limit: Value of the limit.
        flag: Command line flag of the server that changes it.
    """

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    kind = "too_large"
    summary = "Too many texts, too long a text, or too large a body; names the limit and its flag."

    def __init__(self, what: str, *, limit: int, flag: str) -> None:
        super().__init__(f"{what}, over the limit of {limit} (server flag {flag})")


class MediaTypeError(ServiceError):
    """The body is not declared as plain JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    kind = "unsupported_media_type"
    summary = "The body is not declared as `application/json`."


class InvalidRequestError(ServiceError):
    """The body cannot be understood, or a value in it is not allowed."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "invalid"
    summary = "Not JSON, an unknown field, or a value that is not allowed; says where."


class QueueFullError(ServiceError):
    """As much work is waiting as may wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "queue_full"
    summary = "Too much work is waiting; `Retry-After` says when to come back."


class NotReadyError(ServiceError):
    """The model is loading, the server is stopping, or its worker is dead."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "not_ready"
    summary = "The model is loading, or the server is stopping."


class OutOfTimeError(ServiceError):
    """The answer was not ready before the deadline."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "out_of_time"
    summary = "No answer within the time limit."


def response_to(error: ServiceError) -> JSONResponse:
    """The answer that tells the caller of an error."""
    headers = None if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return _response(error.status, error.kind, error.message, headers)


def error_responses(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The errors of a route as FastAPI documents them."""
    return {int(error.status): {"model": ErrorResponse, "description": error.summary} for error in errors}


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of the app, its router and its handlers answer in the one shape."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(DataError, _on_data_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_exception)


def _response(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = ErrorResponse(error=ErrorBody(type=kind, message=message))
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


async def _on_service_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return response_to(error)


async def _on_data_error(_request: Request, error: Exception) -> JSONResponse:
    return response_to(InvalidRequestError(str(error)))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{status.phrase}: {request.method} {request.url.path[:200]}; the routes are listed at /docs"
    return _response(status, status.phrase.lower().replace(" ", "_"), message, dict(error.headers or {}))


async def _on_disconnect(_request: Request, _error: Exception) -> JSONResponse:
    return _response(HTTPStatus.BAD_REQUEST, "disconnected", "the connection ended before the body was complete")


async def _on_exception(_request: Request, _error: Exception) -> JSONResponse:
    return response_to(ServiceError("the server failed on this request; its log says why"))
