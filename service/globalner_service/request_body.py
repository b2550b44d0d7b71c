"""Reading and understanding a JSON body, with messages that say what is wrong and where."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from globalner_service.errors import BodyTimeoutError, InvalidRequestError, MediaTypeError

__all__ = ["check_media_type", "parse", "parse_values", "read_json"]

Schema = TypeVar("Schema", bound=BaseModel)

_SHOWN_ERRORS = 3
_SHOWN_CHARS = 80
_UNION_TAGS = {"string", "object", "number", "map", "list"}


async def read_json(request: Request, timeout_s: float) -> bytes:
    """The body of a request that says it is JSON in UTF-8.

    Raises:
        MediaTypeError: If the headers say something else.
        BodyTimeoutError: If the body is not complete in time.
        TooLargeError: From the body limit around the app.
    """
    check_media_type(request, "application/json")
    try:
        async with asyncio.timeout(timeout_s):
            return await request.body()
    except TimeoutError:
        raise BodyTimeoutError(f"the body was not complete after {timeout_s:g} s") from None


def parse(body: bytes, schema: type[Schema]) -> Schema:
    """A body as a schema.

    Raises:
        InvalidRequestError: If it is not UTF-8, not JSON, nested too deeply, or does not fit the schema.
    """
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise InvalidRequestError(_explain(error.errors(include_url=False), schema)) from error


def parse_values(values: Mapping[str, object], schema: type[Schema]) -> Schema:
    """Values that are read already as a schema.

    Raises:
        InvalidRequestError: If they do not fit it.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise InvalidRequestError(_explain(error.errors(include_url=False), schema)) from error


def check_media_type(request: Request, *expected: str) -> None:
    """Looks at what the headers say of the body.

    Raises:
        MediaTypeError: If it is said to be anything but one of `expected`, in UTF-8 and not encoded further.
    """
    content_type = request.headers.get("content-type", "")
    media_type, _, parameters = content_type.partition(";")
    charset = dict(part.strip().partition("=")[::2] for part in parameters.lower().split(";")).get("charset", "utf-8")
    if media_type.strip().lower() not in expected or charset.strip("\"' ") not in ("utf-8", "utf8"):
        sent = f"Content-Type {content_type[:_SHOWN_CHARS]!r}" if content_type else "no Content-Type"
        raise MediaTypeError(f"the request has {sent}; send UTF-8 with the header Content-Type: {expected[0]}")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise MediaTypeError(f"Content-Encoding {encoding[:_SHOWN_CHARS]!r} is not understood; send the body as it is")


def _explain(errors: Sequence[ErrorDetails], schema: type[BaseModel]) -> str:
    shown = [_explain_one(error, schema) for error in errors[:_SHOWN_ERRORS]]
    more = len(errors) - len(shown)
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)


def _explain_one(error: ErrorDetails, schema: type[BaseModel]) -> str:
    place = _path(error["loc"])
    if error["type"] == "json_invalid":
        return f"the body is not valid JSON: {_context(error, 'error')}"
    if error["type"] == "extra_forbidden":
        known = f"; known fields: {', '.join(schema.model_fields)}" if len(error["loc"]) == 1 else ""
        return f"{place}: unknown field{known}"
    if error["type"] == "missing":
        return f"{place}: this field is required"
    message = error["msg"][:1].lower() + error["msg"][1:]
    value = error["input"]
    shown = f"; got {_short(value)}" if isinstance(value, str | int | float | None) else ""
    return f"{place}: {message}{shown}" if place else f"the body: {message}{shown}"


def _path(location: tuple[int | str, ...]) -> str:
    """`("texts", 3, "object", "tokens", 0)` -> `texts[3].tokens[0]`: tags of unions are no part of what was sent."""
    path = ""
    for depth, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not (depth and part in _UNION_TAGS):
            path += f".{part[:_SHOWN_CHARS]}" if path else part[:_SHOWN_CHARS]
    return path


def _context(error: ErrorDetails, key: str) -> object:
    context: Mapping[str, object] = error.get("ctx", {})
    return context.get(key, error["msg"])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + "..."
