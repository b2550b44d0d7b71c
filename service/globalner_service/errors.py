"""Everything that can go wrong, mapped once to a status and to the one shape `{"error": {"type", "message"}}`."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from globalner.errors import DataError
from globalner_service.schemas import ErrorBody, ErrorResponse

__all__ = [
    "WORK_ERRORS",
    "BodyTimeoutError",
    "DisconnectedError",
    "HeaderTooLargeError",
    "InvalidRequestError",
    "MediaTypeError",
    "NotReadyError",
    "OutOfTimeError",
    "QueueFullError",
    "RateLimitedError",
    "ServiceError",
    "TooLargeError",
    "UnauthorizedError",
    "UnknownModelError",
    "error_body",
    "error_responses",
    "install_error_handlers",
    "refuse",
    "rejected_kind",
    "service_error",
]


_KIND = "error_kind"


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

    def headers(self) -> dict[str, str]:
        """Headers of the answer beside the usual ones."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


class DisconnectedError(ServiceError):
    """The client has gone; nobody reads this answer, but it is counted."""

    status = HTTPStatus.BAD_REQUEST
    kind = "disconnected"
    summary = "The request is not HTTP, or its connection ended too early."


class UnauthorizedError(ServiceError):
    """The request brings no API key, or a wrong one.

    Args:
        message: What is missing and how to send it.
        scheme: How a client may bring its key: `Bearer`, or `Basic` for people with a browser.
    """

    status = HTTPStatus.UNAUTHORIZED
    kind = "unauthorized"
    summary = "No API key, or a wrong one."

    def __init__(self, message: str, *, scheme: str = "Bearer") -> None:
        super().__init__(message)
        self.scheme = scheme

    def headers(self) -> dict[str, str]:
        """Asks for the key."""
        return {"WWW-Authenticate": f'{self.scheme} realm="globalner"'}


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


class HeaderTooLargeError(ServiceError):
    """The head of the request is over its limit."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    kind = "header_too_large"
    summary = "The head of the request is too large; names the limit and its flag."


class RateLimitedError(ServiceError):
    """The key has asked more often than it may."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "rate_limited"
    summary = "Too many requests with this key; `Retry-After` says when to come back."


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


WORK_ERRORS: tuple[type[ServiceError], ...] = (
    DisconnectedError,
    UnauthorizedError,
    UnknownModelError,
    BodyTimeoutError,
    TooLargeError,
    MediaTypeError,
    InvalidRequestError,
    QueueFullError,
    HeaderTooLargeError,
    ServiceError,
    NotReadyError,
    OutOfTimeError,
)
"""What a route that brings work may answer."""


def error_body(error: ServiceError) -> ErrorResponse:
    """An error in the one shape."""
    return ErrorResponse(error=ErrorBody(type=error.kind, message=error.message))


async def refuse(error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request with an error, from outside the routes."""
    await _response_to(error, scope)(scope, receive, send)


def rejected_kind(scope: Mapping[str, Any]) -> str | None:
    """The `type` of the error that a request was answered with, if it was."""
    kind: str | None = scope.get("state", {}).get(_KIND)
    return kind


def service_error(error: Exception) -> ServiceError:
    """Any exception as the error that its caller gets to see; what is unforeseen stays inside."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, DataError):
        return InvalidRequestError(str(error))
    if isinstance(error, ClientDisconnect):
        return DisconnectedError("the connection ended before the body was complete")
    return ServiceError("the server failed on this request; its log says why")


def error_responses(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The errors of a route as FastAPI documents them."""
    return {int(error.status): {"model": ErrorResponse, "description": error.summary} for error in errors}


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of the app, its router and its handlers answer in the one shape."""
    for kind in (ServiceError, DataError, ClientDisconnect):
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def _response(
    scope: MutableMapping[str, Any], status: int, body: ErrorResponse, headers: Mapping[str, str]
) -> JSONResponse:
    scope.setdefault("state", {})[_KIND] = body.error.type
    return JSONResponse(body.model_dump(), status_code=status, headers=dict(headers))


def _response_to(error: ServiceError, scope: MutableMapping[str, Any]) -> JSONResponse:
    return _response(scope, error.status, error_body(error), error.headers())


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    return _response_to(service_error(error), request.scope)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{status.phrase}: {request.method[:20]} {request.url.path[:200]}; the routes are listed at /docs"
    body = ErrorResponse(error=ErrorBody(type=status.phrase.lower().replace(" ", "_"), message=message))
    return _response(request.scope, status, body, error.headers or {})
