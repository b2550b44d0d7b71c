"""What a recipe may say: strict, frozen models. A key that is not here is an error; values are taken as they are."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from globalner.config.native_encoder import NativeEncoderConfig, refuse_long_chunks
from globalner.config.pretrained_encoder import LoraConfig, PretrainedEncoderConfig
from globalner.config.section import Count, Dropout, Rate, Section, Text, wrong

__all__ = [
    "DataConfig",
    "EncoderConfig",
    "HeadConfig",
    "LoraConfig",
    "ModelConfig",
    "NativeEncoderConfig",
    "PretrainedEncoderConfig",
    "Recipe",
    "TrainingConfig",
    "recipe_schema",
]

SPECIAL_TOKENS = 2
"""Tokens of a window that are not text: one before it, one after it."""


def _count_or_auto(value: object) -> object:
    """Refuses in one sentence what would fail both branches of a union."""
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise PydanticCustomError("count_or_auto", "must be a whole number of at least 1, or auto")


def _values_as_text(value: object) -> object:
    """Numbers, truth values and lists of them as they are written on the command line: 2, true, 3,4."""
    if not isinstance(value, dict):
        return value
    return {name: _as_text(one) for name, one in value.items()}


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, int) else value


TextByName = Annotated[dict[Text, str], BeforeValidator(_values_as_text)]


class DataConfig(Section):
    """Where the documents are and how they are cut into windows."""

    train: Text = Field(description="File of training documents; a relative path is tried against several folders.")
    dev: Text = Field(description="File of development documents: after each epoch they decide which model is best.")
    test: Text | None = Field(default=None, description="File of test documents, read once after training, or null.")
    format: Text = Field(default="auto", description="Format of the files; auto looks at their content.")
    format_options: TextByName = Field(
        default_factory=dict, description="Options of the format by name, as in scheme: IOB1 (globalner data formats)."
    )
    encoding: Text = Field(default="utf-8", description="Encoding of the files, a name that Python knows.")
    window_tokens: int = Field(
        default=256, ge=8, description="Longest piece of text given to the encoder, in tokens, special tokens included."
    )
    overlap_tokens: int = Field(default=64, ge=0, description="Tokens that neighbouring windows of a long text share.")
    context: Literal["none", "document"] = Field(
        default="none",
        description="Whether the encoder also sees the texts of the same document that stand around a text.",
    )
    context_tokens: int = Field(default=64, ge=0, description="Most tokens of such neighbours on each side.")
    boundary: Literal["word", "token"] = Field(
        default="word", description="Whether an entity starts and ends where words do, or at any token."
    )
    alignment: Literal["report", "expand", "split", "characters"] = Field(
        default="report",
        description="Entities with an edge inside a token: report leaves them out of training; expand learns the whole "
        "tokens; split cuts tokens between letters, digits and other characters; characters around each character.",
    )
    mode: Literal["nested", "flat"] = Field(
        default="nested", description="Whether entities may lie in each other; flat: the best set without overlap."
    )

    @model_validator(mode="after")
    def _windows_advance(self) -> Self:
        longest = self.window_tokens - SPECIAL_TOKENS - 1
        if self.overlap_tokens > longest:
            raise wrong(
                "overlap_tokens",
                f"{self.overlap_tokens} leaves windows of {self.window_tokens} tokens, {SPECIAL_TOKENS} of them "
                f"special, no room to advance; use at most {longest}, or a larger window_tokens",
            )
        return self


EncoderConfig = Annotated[PretrainedEncoderConfig | NativeEncoderConfig, Field(discriminator="kind")]


class HeadConfig(Section):
    """The span scorer on top of the encoder."""

    kind: Literal["efficient_global_pointer", "global_pointer"] = Field(
        default="efficient_global_pointer",
        description="efficient_global_pointer shares one span scorer among all types; global_pointer has one a type.",
    )
    head_size: Count = Field(default=64, description="Width of queries and keys; even where rotary is true.")
    rotary: bool = Field(default=True, description="Whether scores know the distance between first and last token.")
    dropout: Dropout = Field(default=0.0, description="Share of the encoder's output dropped in training.")
    dropout_samples: Count = Field(
        default=1, description="How many times the output is dropped and scored anew in each step; losses are averaged."
    )
    initial_logit: float = Field(
        default=-4.0,
        allow_inf_nan=False,
        description="What an efficient_global_pointer adds to all scores at first, as a logit: few spans are entities.",
    )

    @model_validator(mode="after")
    def _pairs_rotate(self) -> Self:
        if self.rotary and self.head_size % 2:
            raise wrong(
                "head_size",
                f"{self.head_size} is odd, but rotary position turns pairs of values; "
                f"use {self.head_size + 1}, or rotary: false",
            )
        return self


class ModelConfig(Section):
    """Encoder and head."""

    encoder: EncoderConfig = Field(description="What turns tokens into vectors.")
    head: HeadConfig = Field(default_factory=HeadConfig, description="What turns vectors into scores of spans.")
    init_from: Text | None = Field(
        default=None,
        description="Folder or hub name of a globalner model of this shape to go on from, or null: a fresh head.",
    )


class TrainingConfig(Section):
    """How the model learns."""

    epochs: Count = Field(default=5, description="Passes over the training documents.")
    batch_size: Annotated[Count | Literal["auto"], BeforeValidator(_count_or_auto)] = Field(
        default="auto",
        description="Windows in one step; auto: 32, or as few as it takes to make 512 steps of a small set.",
    )
    encoder_learning_rate: Rate = Field(
        default=2e-5, description="Peak learning rate of the encoder; from scratch it is best set far higher."
    )
    head_learning_rate: Rate = Field(default=1e-3, description="Peak learning rate of the head.")
    layer_decay: float = Field(
        default=1.0, gt=0.0, le=1.0, description="Factor of the encoder's rate from a layer to the one below; 1: none."
    )
    weight_decay: float = Field(
        default=0.01, ge=0.0, allow_inf_nan=False, description="Decay of weights; biases and norms have none."
    )
    warmup_fraction: float = Field(
        default=0.1, ge=0.0, le=1.0, description="Share of all steps over which the learning rates rise from 0."
    )
    clip_norm: Rate = Field(default=1.0, description="Longest gradient of a step; a longer one is shortened to it.")
    average_decay: float = Field(
        default=0.0,
        ge=0.0,
        lt=1.0,
        description="Share of old weights in a running average that is kept; 0: no average.",
    )
    adversarial_norm: float = Field(
        default=0.0,
        ge=0.0,
        description="Length of the step against the embeddings that each batch is tried on; 0: none.",
    )
    tagging_weight: float = Field(
        default=0.0,
        ge=0.0,
        allow_inf_nan=False,
        description="Weight of a second loss while learning: which words are in entities of which type; 0: none.",
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="Arithmetic of the encoder and head."
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="Where all randomness starts.")
    tune_threshold: bool = Field(
        default=True, description="Whether the score above which a span counts is chosen on dev; false: 0.5."
    )
    cache: Literal["auto", "off"] = Field(
        default="auto",
        description="Whether the windows of a large training set are kept on disk for the next time; off: in memory.",
    )
    max_span_tokens: Count | None = Field(
        default=None, description="Longest entity in tokens that is learnt and found; null: no limit."
    )


class Recipe(Section):
    """Everything that decides a training run."""

    name: Text = Field(description="Short name; the run's folder is named after it.")
    description: str = Field(default="", description="What the recipe is for, in a sentence.")
    data: DataConfig = Field(description="Documents and windows.")
    model: ModelConfig = Field(description="Encoder and head.")
    training: TrainingConfig = Field(default_factory=TrainingConfig, description="How the model learns.")

    @model_validator(mode="after")
    def _chunks_fit_the_windows(self) -> Self:
        if isinstance(self.model.encoder, NativeEncoderConfig):
            refuse_long_chunks(self.model.encoder, self.data.window_tokens)
        return self

    @model_validator(mode="after")
    def _token_vectors_learn(self) -> Self:
        encoder = self.model.encoder
        frozen = isinstance(encoder, PretrainedEncoderConfig) and (encoder.lora or encoder.trainable_layers is not None)
        if self.training.adversarial_norm and frozen:
            raise wrong(
                "training.adversarial_norm",
                "pushes the encoder's token vectors along their gradient, and with lora or trainable_layers they have "
                "none; use 0",
            )
        return self


def recipe_schema() -> dict[str, object]:
    """The JSON Schema of a recipe, for editors and other tools."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}
