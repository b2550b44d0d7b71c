"""What goes over the wire. Offsets: start inclusive, end exclusive, in the unit that the request asks for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from globalner_service.extractor import Mode
from globalner_service.offsets import OffsetUnit

__all__ = [
    "ErrorBody",
    "ErrorResponse",
    "ExtractOptions",
    "ExtractRequest",
    "ExtractResponse",
    "FoundEntity",
    "InfoResponse",
    "StatusResponse",
    "StreamError",
    "StreamItem",
    "StreamResult",
    "TextItem",
    "TextOrItem",
    "TextResult",
]

_REQUEST = ConfigDict(extra="forbid", frozen=True, strict=True)
_RESPONSE = ConfigDict(extra="forbid", frozen=True)


def _kind_of_text(value: object) -> str | None:
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else None


def _kind_of_threshold(value: object) -> str | None:
    if isinstance(value, dict):
        return "map"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else None


class TextItem(BaseModel):
    """A text that is already split into words."""

    model_config = _REQUEST

    text: str = Field(description="The text itself.", examples=["Rust Belt blues"])
    tokens: tuple[tuple[int, int], ...] | None = Field(
        default=None,
        description="Words as `[start, end]` in `offset_unit`, end exclusive, ascending and without overlap.",
        examples=[[[0, 4], [5, 9], [10, 15]]],
    )


TextOrItem = Annotated[
    Annotated[str, Tag("string")] | Annotated[TextItem, Tag("object")],
    Discriminator(
        _kind_of_text,
        custom_error_type="text_type",
        custom_error_message='Input should be a string or an object {"text": ..., "tokens": ...}',
    ),
]
_Probability = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
_Threshold = Annotated[
    Annotated[_Probability, Tag("number")] | Annotated[dict[str, _Probability], Tag("map")],
    Discriminator(
        _kind_of_threshold,
        custom_error_type="threshold_type",
        custom_error_message="Input should be a number between 0 and 1 or a map from label to such a number",
    ),
]


class ExtractOptions(BaseModel):
    """How to read texts."""

    model_config = _REQUEST

    model: str | None = Field(default=None, description="Name of the served model; may be left out.")
    mode: Mode | None = Field(
        default=None,
        description="`nested` keeps every entity above its threshold, `flat` the best set without overlap; left out: "
        "the model's own, which `/info` tells.",
    )
    threshold: _Threshold | None = Field(
        default=None,
        description="Score above which an entity counts: one number, or one per label; left out: the model's own.",
        examples=[0.5, {"ORG": 0.6}],
    )
    labels: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Only entities of these types.", examples=[["ORG", "PERSON"]]
    )
    offset_unit: OffsetUnit = Field(
        default="code_point",
        description="Unit of offsets, in and out: `code_point` (Python), `utf16` (JavaScript, Java), `byte` (UTF-8).",
    )
    max_entities: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Guard against floods: entities kept per text, highest scores first.",
    )


class _Texts(BaseModel):
    model_config = _REQUEST

    texts: tuple[TextOrItem, ...] = Field(
        description='Texts, each a string or `{"text": "...", "tokens": [[0, 4], ...]}`; each gets one result.',
        examples=[["Peking University is in Beijing."]],
    )


class ExtractRequest(ExtractOptions, _Texts):
    """Texts to read and how to read them."""


class FoundEntity(BaseModel):
    """An entity found in a text."""

    model_config = _RESPONSE

    start: int = Field(description="Offset of its first character, inclusive.")
    end: int = Field(description="Offset after its last character, exclusive.")
    label: str = Field(description="Its type.")
    text: str = Field(description="Its characters.")
    score: float = Field(description="Confidence between 0 and 1.")


class TextResult(BaseModel):
    """What was found in one text."""

    model_config = _RESPONSE

    entities: list[FoundEntity] = Field(description="Entities by start; they may nest and cross in mode `nested`.")
    windows: int = Field(description="Into how many overlapping windows the text was cut; nothing is left out.")
    limited: bool = Field(description="True if there were more than `max_entities`.")


class ExtractResponse(BaseModel):
    """One result for each text of the request, in order."""

    model_config = _RESPONSE

    model: str = Field(description="Name of the model that read the texts.")
    results: list[TextResult] = Field(description="Results in the order of the texts.")


class StreamItem(TextItem):
    """One line of a stream."""

    id: str | None = Field(default=None, description="Comes back with the result.")


class StreamResult(TextResult):
    """What was found in the text of one line."""

    id: str | None = Field(default=None, description="The `id` of the line, if it had one.")


class StatusResponse(BaseModel):
    """A sign of life."""

    model_config = _RESPONSE

    status: Literal["ok", "ready"] = Field(description="`ok`: the server lives; `ready`: it takes work.")


class InfoResponse(BaseModel):
    """What is served, and the limits in force."""

    model_config = _RESPONSE

    model: str | None = Field(description="Name of the served model; null while it loads.")
    version: str = Field(description="Version of globalner.")
    ready: bool = Field(description="Whether the server takes work now.")
    labels: list[str] | None = Field(description="Entity types that the model knows; null while it loads.")
    description: dict[str, object] | None = Field(
        description="Facts about the model, its `mode` among them; null while it loads."
    )
    limits: dict[str, int | float | None] = Field(
        description="Every limit in force, by the name of its flag; null where there is none."
    )


class ErrorBody(BaseModel):
    """What went wrong."""

    model_config = _RESPONSE

    type: str = Field(description="Kind of error, for programs.", examples=["invalid"])
    message: str = Field(description="What is wrong and what to do about it, for people.")


class ErrorResponse(BaseModel):
    """The one shape of every error."""

    model_config = _RESPONSE

    error: ErrorBody


class StreamError(ErrorResponse):
    """A line that could not be answered; the stream goes on, unless the error concerns the stream itself."""

    line: int = Field(description="Number of the line, from 1.")
    id: str | None = Field(default=None, description="The `id` of the line, if it could be read.")
