"""What a recipe may say of an encoder that comes with its weights."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from globalner.config.section import Count, Dropout, Rate, Section, Text, wrong

__all__ = ["Attention", "LoraConfig", "PretrainedEncoderConfig"]

Attention = Literal["causal", "bidirectional", "half", "half_heads", "half_layers"]


def _names_or_auto(value: object) -> object:
    """Refuses in one sentence what would fail both branches of a union."""
    named = isinstance(value, list) and value and all(isinstance(name, str) and name for name in value)
    if value == "auto" or named:
        return value
    raise PydanticCustomError("names_or_auto", "must be auto, or a list of names such as [q_proj, v_proj]")


class LoraConfig(Section):
    """Low-rank additions to the encoder's matrices, which are trained in their place."""

    rank: Count = Field(default=16, description="Rank of what is added to each matrix.")
    alpha: Rate = Field(default=32.0, description="What is added is multiplied by alpha / rank.")
    dropout: Dropout = Field(default=0.0, description="Share of what goes into the additions dropped in training.")
    targets: Annotated[Literal["auto"] | list[Text], BeforeValidator(_names_or_auto)] = Field(
        default="auto",
        description="Last names of the matrices that get an addition; auto: all linear ones inside the layers.",
    )


class PretrainedEncoderConfig(Section):
    """An encoder with weights: from a model hub, a folder, or an installed package."""

    kind: Literal["pretrained"] = Field(description="pretrained: an encoder that comes with its weights.")
    name: Text = Field(description="Hub name, folder, or package:MODULE/PATH for a folder inside an installed package.")
    revision: Text | None = Field(default=None, description="Branch, tag or commit of a hub model; null: the default.")
    attention_implementation: Text | None = Field(
        default=None, description="Attention that transformers is asked for (eager, sdpa, ...); null: its own choice."
    )
    attention: Attention | None = Field(
        default=None,
        description=(
            "What each token of a decoder-only encoder sees: causal (itself and those before), bidirectional (all), "
            "half or half_heads (half of the heads back, half ahead), half_layers (layers take turns); null: its own."
        ),
    )
    trainable_layers: int | None = Field(
        default=None,
        ge=0,
        description="How many of the encoder's last layers are trained; 0: none, only the head; null: all of it.",
    )
    lora: LoraConfig | None = Field(
        default=None, description="Train low-rank additions and the head only (extra lora); null: train the weights."
    )

    @model_validator(mode="after")
    def _something_to_add_to(self) -> Self:
        if self.lora is not None and self.trainable_layers == 0:
            raise wrong("trainable_layers", "0 leaves no layer for lora; use 1 or more, null, or no lora")
        return self
