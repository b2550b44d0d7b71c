"""From the request to what the worker takes, and from documents to the answer. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from globalner.errors import DataError
from globalner.types import Document, LabelSet
from globalner_service.errors import InvalidRequestError, TooLargeError
from globalner_service.extractor import Extractor
from globalner_service.offsets import OffsetUnit, from_code_points, to_code_points
from globalner_service.schemas import ExtractOptions, ExtractResponse, FoundEntity, TextItem, TextResult
from globalner_service.settings import ServiceSettings, flag

if TYPE_CHECKING:
    from globalner.extractor import ReadingOptions

__all__ = ["check_limits", "document_of", "documents_of", "options_of", "response_of", "result_of"]


def check_limits(texts: Sequence[str | TextItem], settings: ServiceSettings) -> None:
    """Refuses too many or too long texts.

    Raises:
        TooLargeError: Naming the limit and its flag.
    """
    if len(texts) > settings.max_texts:
        raise TooLargeError(f"the request holds {len(texts)} texts", limit=settings.max_texts, flag=flag("max_texts"))
    for number, item in enumerate(texts):
        chars = len(item.text if isinstance(item, TextItem) else item)
        if chars > settings.max_text_chars:
            raise TooLargeError(
                f"texts[{number}] has {chars} characters", limit=settings.max_text_chars, flag=flag("max_text_chars")
            )


def documents_of(texts: Sequence[str | TextItem], unit: OffsetUnit) -> list[Document]:
    """The texts as documents, word offsets in code points.

    Raises:
        InvalidRequestError: If word offsets do not fit their text.
    """
    return [document_of(item, unit, f"texts[{number}].tokens") for number, item in enumerate(texts)]


def document_of(item: str | TextItem, unit: OffsetUnit, place: str) -> Document:
    """One text as a document; `place` names its word offsets in messages.

    Raises:
        InvalidRequestError: If word offsets do not fit the text.
    """
    if isinstance(item, str):
        return Document(item)
    try:
        spans = None if item.tokens is None else tuple(to_code_points(item.text, item.tokens, unit))
        return Document(item.text, tokens=spans)
    except (DataError, ValueError) as error:
        raise InvalidRequestError(f"{place}: {error}") from error


def options_of(request: ExtractOptions, extractor: Extractor) -> ReadingOptions:
    """How to read the texts.

    Raises:
        InvalidRequestError: If a label is unknown; the message lists those there are.
    """
    threshold = request.threshold
    _check_labels("labels", request.labels or (), extractor.labels)
    if isinstance(threshold, dict):
        _check_labels("threshold", tuple(threshold), extractor.labels)
    return extractor.reading_options(
        mode=request.mode,
        threshold=threshold,
        labels=None if request.labels is None else frozenset(request.labels),
        max_entities=request.max_entities,
    )


def response_of(model: str, documents: Sequence[Document], unit: OffsetUnit) -> ExtractResponse:
    """The answer for documents that a model has read, offsets in `unit`."""
    return ExtractResponse(model=model, results=[result_of(document, unit) for document in documents])


def result_of(document: Document, unit: OffsetUnit) -> TextResult:
    """What was found in one text, offsets in `unit`."""
    spans = from_code_points(document.text, [(entity.start, entity.end) for entity in document.entities], unit)
    return TextResult(
        entities=[
            FoundEntity(start=start, end=end, label=entity.label, text=entity.text, score=entity.score or 0.0)
            for entity, (start, end) in zip(document.entities, spans, strict=True)
        ],
        windows=document.windows or 0,
        limited=document.limited,
    )


def _check_labels(field: str, labels: Sequence[str], known: LabelSet) -> None:
    for label in labels:
        if label not in known:
            raise InvalidRequestError(f"{field}: unknown label {_short(label)}; there are: {', '.join(known)}")


def _short(label: str) -> str:
    return repr(label if len(label) <= 80 else label[:77] + "...")
