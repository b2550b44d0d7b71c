"""The token-classification shape of the Hugging Face inference API: what its clients send, and what they expect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

from globalner.types import Document
from globalner_service.errors import InvalidRequestError
from globalner_service.extractor import Mode
from globalner_service.schemas import ExtractOptions

__all__ = ["HuggingFaceEntity", "HuggingFaceRequest", "options_of_call", "render_groups", "texts_of"]

_REQUEST = ConfigDict(extra="forbid", frozen=True, strict=True)


def _kind_of_inputs(value: object) -> str | None:
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list | tuple) else None


class HuggingFaceParameters(BaseModel):
    """How to read the texts; `mode`, `threshold` and `max_entities` are additions of this server."""

    model_config = _REQUEST

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = Field(
        default=None, description="Entities are always whole; `none`, a label a token, is not to be had."
    )
    ignore_labels: tuple[str, ...] | None = Field(default=None, description="Labels to leave out.")
    mode: Mode = Field(default="flat", description="`flat`, as clients of this shape expect, or `nested`.")
    threshold: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = Field(
        default=None, description="Score above which an entity counts; left out: the model's own."
    )
    max_entities: int = Field(default=1000, ge=1, le=100_000, description="Entities kept per text.")


class HuggingFaceOptions(BaseModel):
    """What the inference API's clients may say about it; it changes nothing here."""

    model_config = _REQUEST

    use_cache: bool = Field(default=True, description="Nothing is cached here.")
    wait_for_model: bool = Field(default=False, description="A server that is loading answers 503.")


class HuggingFaceRequest(BaseModel):
    """One text or several."""

    model_config = _REQUEST

    inputs: Annotated[
        Annotated[str, Tag("string")] | Annotated[tuple[str, ...], Tag("list")],
        Discriminator(
            _kind_of_inputs,
            custom_error_type="inputs_type",
            custom_error_message="Input should be a string or a list of strings",
        ),
    ] = Field(description="One text or several.", examples=["Peking University is in Beijing."])
    parameters: HuggingFaceParameters = Field(default=HuggingFaceParameters(), description="How to read them.")
    options: HuggingFaceOptions = Field(default=HuggingFaceOptions(), description="Taken and without effect.")


class HuggingFaceEntity(BaseModel):
    """An entity as the inference API names its parts; offsets in code points, end exclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity_group: str = Field(description="Its type.")
    score: float = Field(description="Confidence between 0 and 1.")
    word: str = Field(description="Its characters.")
    start: int = Field(description="Offset of its first character, inclusive.")
    end: int = Field(description="Offset after its last character, exclusive.")


_GROUPS = TypeAdapter(list[list[HuggingFaceEntity]])


def texts_of(call: HuggingFaceRequest) -> tuple[str, ...]:
    """The texts, whether one came or several."""
    return (call.inputs,) if isinstance(call.inputs, str) else call.inputs


def options_of_call(call: HuggingFaceRequest, labels: Sequence[str]) -> ExtractOptions:
    """The same wishes as the service's own route takes them.

    Raises:
        InvalidRequestError: If a label is unknown, or one label a token is asked for.
    """
    wanted = call.parameters
    if wanted.aggregation_strategy == "none":
        raise InvalidRequestError(
            "parameters.aggregation_strategy: 'none' asks for one label a token, but this model finds whole entities; "
            "use 'simple'"
        )
    ignored = wanted.ignore_labels or ()
    for label in ignored:
        # "O", no entity, is what clients of the inference API ignore by habit.
        if label not in labels and label != "O":
            raise InvalidRequestError(
                f"parameters.ignore_labels: unknown label {label[:80]!r}; there are: {', '.join(labels)}"
            )
    kept = tuple(label for label in labels if label not in ignored)
    if not kept:
        raise InvalidRequestError("parameters.ignore_labels leaves out every label there is")
    return ExtractOptions(
        mode=wanted.mode,
        threshold=wanted.threshold,
        labels=kept if ignored else None,
        max_entities=wanted.max_entities,
    )


def render_groups(documents: Sequence[Document], *, single: bool) -> bytes:
    """JSON: one list of entities for a single text, a list of such lists for several."""
    groups = [
        [
            HuggingFaceEntity(
                entity_group=entity.label,
                score=entity.score or 0.0,
                word=entity.text,
                start=entity.start,
                end=entity.end,
            )
            for entity in document.entities
        ]
        for document in documents
    ]
    whole = _GROUPS.dump_json(groups)
    return whole[1:-1] if single else whole
