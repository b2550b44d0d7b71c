"""What a recipe for pretraining may say: text, tokenizer, masking, encoder, and how it learns."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from globalner.config.native_encoder import NativeShapeConfig, refuse_long_chunks
from globalner.config.section import Count, Rate, Section, Text

__all__ = [
    "CharacterTokenizerConfig",
    "EvaluationConfig",
    "GivenTokenizerConfig",
    "MaskedModelConfig",
    "MaskingConfig",
    "PieceTokenizerConfig",
    "PretrainDataConfig",
    "PretrainEncoderConfig",
    "PretrainRecipe",
    "PretrainTrainingConfig",
    "TokenizerConfig",
    "pretrain_recipe_schema",
]


def _list_of_one(value: object) -> object:
    return [value] if isinstance(value, str) else value


Files = Annotated[list[Text], Field(min_length=1), BeforeValidator(_list_of_one)]


class PretrainDataConfig(Section):
    """Plain text, and the windows that it fills."""

    train: Files = Field(
        description="Text file or list of them, .gz too; relative paths are tried against several folders."
    )
    heldout: Files = Field(description="Text file or list of them that is never trained on; it is evaluated on.")
    unit: Literal["line", "paragraph"] = Field(
        default="line", description="What [a:b] behind a path counts: lines, or paragraphs with empty lines between."
    )
    window_tokens: int = Field(
        default=128, ge=8, description="Tokens of a training window, special tokens included; short records share one."
    )


class CharacterTokenizerConfig(Section):
    """Each character is a token."""

    kind: Literal["character"] = Field(description="character: each character is a token.")
    lowercase: bool = Field(default=False, description="Whether letters are lowered.")
    min_count: Count = Field(default=2, description="Characters seen fewer times share one unknown token.")


class PieceTokenizerConfig(Section):
    """Words fall into pieces that are learnt from the text."""

    kind: Literal["wordpiece", "unigram"] = Field(
        description="wordpiece, unigram: words fall into pieces that are learnt from the text."
    )
    vocabulary_size: int = Field(
        default=8000, ge=16, description="Most tokens of the vocabulary, special tokens and single characters included."
    )
    lowercase: bool = Field(default=False, description="Whether letters are lowered.")
    min_count: Count = Field(default=10, description="Characters seen fewer times are left to the unknown token.")


class GivenTokenizerConfig(Section):
    """A tokenizer that is there already."""

    kind: Literal["pretrained"] = Field(description="pretrained: a fast tokenizer that is there already.")
    name: Text = Field(description="Hub name, folder, or package:MODULE/PATH for a folder inside an installed package.")


TokenizerConfig = Annotated[
    CharacterTokenizerConfig | PieceTokenizerConfig | GivenTokenizerConfig, Field(discriminator="kind")
]


class MaskingConfig(Section):
    """Which tokens are hidden, for the model to find."""

    rate: float = Field(
        default=0.15, gt=0.0, lt=1.0, description="Share of tokens to find: 80 % masked, 10 % random, 10 % as they are."
    )
    mean_span_words: float = Field(
        default=1.0,
        ge=1.0,
        le=20.0,
        description="Mean number of neighbouring words hidden together, drawn geometrically; 1: each word by itself.",
    )


class PretrainEncoderConfig(NativeShapeConfig):
    """The shape of the encoder; its weights start smaller the more layers there are, unless it says otherwise."""

    initialization: Literal["fan_in", "truncated_normal"] = Field(
        default="truncated_normal",
        description="Numbers to start with; truncated_normal: smaller in deep encoders, as GAU-alpha.",
    )


class MaskedModelConfig(Section):
    """The encoder, under a head that finds hidden tokens."""

    encoder: PretrainEncoderConfig = Field(description="What turns tokens into vectors.")


class PretrainTrainingConfig(Section):
    """How the model learns."""

    epochs: Count = Field(default=1, description="Passes over the text, where tokens is null.")
    tokens: Count | None = Field(default=None, description="Tokens to see before training ends; null: as epochs says.")
    batch_size: Count = Field(default=64, description="Windows in one step.")
    optimizer: Literal["adamw", "lamb"] = Field(
        default="adamw", description="adamw, or lamb: Adam whose steps are as long as the weights are."
    )
    learning_rate: Rate = Field(default=1e-3, description="Peak learning rate.")
    weight_decay: float = Field(
        default=0.01, ge=0.0, allow_inf_nan=False, description="Decay of weights; biases and norms have none."
    )
    warmup_fraction: float = Field(
        default=0.1, ge=0.0, le=1.0, description="Share of all steps over which the learning rate rises from 0."
    )
    clip_norm: Rate = Field(default=1.0, description="Longest gradient of a step; a longer one is shortened to it.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(default="fp32", description="Arithmetic of encoder and head.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Where all randomness starts.")


class EvaluationConfig(Section):
    """How the held-out text is read."""

    every_steps: Count = Field(default=500, description="Steps between evaluations; each leaves a checkpoint.")
    lengths: list[Annotated[int, Field(ge=8)]] = Field(
        default=[128, 256, 512, 1024], min_length=1, description="Lengths in tokens at which accuracy is measured."
    )
    tokens: Count | None = Field(
        default=65536, description="Tokens read at each length, evenly taken from the held-out text; null: all."
    )


class PretrainRecipe(Section):
    """Everything that decides a pretraining run."""

    kind: Literal["pretrain"] = Field(description="pretrain: tells this recipe from one of `globalner train`.")
    name: Text = Field(description="Short name; the run's folder is named after it.")
    description: str = Field(default="", description="What the recipe is for, in a sentence.")
    data: PretrainDataConfig = Field(description="Text and windows.")
    tokenizer: TokenizerConfig = Field(description="What turns text into tokens.")
    masking: MaskingConfig = Field(default_factory=MaskingConfig, description="Which tokens are hidden.")
    model: MaskedModelConfig = Field(description="The encoder.")
    training: PretrainTrainingConfig = Field(
        default_factory=PretrainTrainingConfig, description="How the model learns."
    )
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig, description="How the held-out text is read.")

    @model_validator(mode="after")
    def _chunks_fit_the_windows(self) -> Self:
        refuse_long_chunks(self.model.encoder, self.data.window_tokens)
        return self


def pretrain_recipe_schema() -> dict[str, object]:
    """The JSON Schema of a recipe for pretraining, for editors and other tools."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PretrainRecipe.model_json_schema()}
