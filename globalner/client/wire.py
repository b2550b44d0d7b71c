"""What goes between a client and a service: requests from arguments, documents from answers. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from globalner.client.errors import ServiceError
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["Mode", "Reading", "documents_of", "error_of", "headers_of", "info_of", "pages_of", "request_of"]

Mode = Literal["nested", "flat"]


@dataclass(frozen=True)
class Reading:
    """How texts are to be read; None: as the model does by itself. See `EntityExtractor.extract`."""

    mode: Mode | None = None
    threshold: float | Mapping[str, float] | None = None
    labels: Collection[str] | None = None
    max_entities: int = 1000

    def fields(self) -> dict[str, object]:
        """The fields of a request, those that are None left out.

        Raises:
            DataError: If `labels` is a text.
        """
        if isinstance(self.labels, str):
            raise DataError(f"labels must be a list of labels; got the text {self.labels!r}")
        threshold = dict(self.threshold) if isinstance(self.threshold, Mapping) else self.threshold
        labels = None if self.labels is None else list(self.labels)
        given = {"mode": self.mode, "threshold": threshold, "labels": labels, "max_entities": self.max_entities}
        return {name: value for name, value in given.items() if value is not None}


def headers_of(api_key: str | None) -> dict[str, str]:
    """Headers of every request."""
    return {"Accept": "application/json", **({} if api_key is None else {"Authorization": f"Bearer {api_key}"})}


def pages_of(
    texts: Sequence[str | Document], *, texts_per_request: int, chars_per_request: int
) -> list[list[Document]]:
    """The texts in order, in lists that one request may hold; a text that is too long stands alone."""
    pages: list[list[Document]] = []
    chars = 0
    for text in texts:
        document = Document(text) if isinstance(text, str) else text
        full = not pages or len(pages[-1]) == texts_per_request or chars + len(document.text) > chars_per_request
        if full:
            pages.append([])
            chars = 0
        pages[-1].append(document)
        chars += len(document.text)
    return pages


def request_of(page: Sequence[Document], reading: Reading) -> bytes:
    """The body of a request.

    Raises:
        DataError: If a text cannot be sent, because it holds half a surrogate pair.
    """
    texts = [
        document.text if document.tokens is None else {"text": document.text, "tokens": document.tokens}
        for document in page
    ]
    try:
        return json.dumps({"texts": texts, **reading.fields()}, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"a text holds half a surrogate pair ({error.object[error.start]!r}) and is no Unicode"
        ) from error


def documents_of(page: Sequence[Document], body: bytes) -> list[Document]:
    """The documents of a request with the entities of its answer, and all that they carried before.

    Raises:
        ServiceError: If the answer is not one of this service.
    """
    try:
        results = json.loads(body)["results"]
        return [_document(*pair) for pair in zip(page, results, strict=True)]
    except (ValueError, KeyError, TypeError, DataError) as error:
        raise ServiceError(f"its answer is not understood: {error}", status=200, kind="") from error


def info_of(body: bytes) -> dict[str, Any]:
    """The answer of `/info`.

    Raises:
        ServiceError: If it is not a JSON object.
    """
    try:
        return dict(json.loads(body))
    except (ValueError, TypeError) as error:
        raise ServiceError(f"its answer is not understood: {error}", status=200, kind="") from error


def error_of(status: int, body: bytes) -> ServiceError:
    """The error of an answer; one that is not in the shape of the service is shown as far as it fits a line."""
    try:
        error = json.loads(body)["error"]
        return ServiceError(str(error["message"]), status=status, kind=str(error["type"]))
    except (ValueError, KeyError, TypeError):
        return ServiceError(repr(body[:200].decode("utf-8", "replace")), status=status, kind="")


def _document(document: Document, result: Mapping[str, Any]) -> Document:
    return Document(
        document.text,
        entities=tuple(
            Entity(one["start"], one["end"], one["label"], one["text"], one["score"]) for one in result["entities"]
        ),
        id=document.id,
        tokens=document.tokens,
        extra=document.extra,
        windows=result["windows"],
        limited=result["limited"],
    )
