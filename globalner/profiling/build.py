"""From a recipe to what is profiled. Neither data nor weights are read: time and memory do not depend on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from globalner.config import (
    ModelConfig,
    NativeShapeConfig,
    PieceTokenizerConfig,
    PretrainedEncoderConfig,
    PretrainRecipe,
    Recipe,
)
from globalner.encoders import Attention, NativeEncoderConfig, NativeEncoderForMaskedLM, describe_pretrained
from globalner.errors import ConfigError
from globalner.model import GlobalPointerModel, check_encoder
from globalner.model.adaptation import adapt_encoder, set_attention_implementation
from globalner.model.build import model_config
from globalner.model.native_shape import native_shape
from globalner.profiling.counterpart import counterpart_config
from globalner.profiling.subject import MaskedSubject, SpanSubject, Subject
from globalner.types import LabelSet

__all__ = ["Plan", "longest_tokens", "plan_profile"]

_CHARACTERS = 8000
_ABSENT = ("_name_or_path", "dtype", "torch_dtype")


Model = TypeVar("Model", bound=PreTrainedModel)


@dataclass(frozen=True)
class Plan:
    """What a recipe says of the model that is profiled.

    Attributes:
        recipe: The recipe.
        encoder: Configuration of its encoder.
        types: Number of entity types, where it has any.
        notes: What was assumed.
    """

    recipe: Recipe | PretrainRecipe
    encoder: PreTrainedConfig
    types: int
    notes: tuple[str, ...] = ()

    @property
    def window_tokens(self) -> int:
        """The longest window that the recipe trains on."""
        return self.recipe.data.window_tokens

    def against(self, attention: Attention) -> Plan:
        """The same with another encoder of our own, about as large.

        Raises:
            ConfigError: If the encoder is none of our own, or has that attention already.
        """
        if not isinstance(self.encoder, NativeEncoderConfig):
            raise ConfigError(
                f"against {attention}: only a native encoder can be compared with another attention, and this one is a "
                f"{self.encoder.model_type}"
            )
        if self.encoder.attention == attention:
            raise ConfigError(f"against {attention}: the encoder of the recipe has this attention itself; name another")
        return Plan(self.recipe, counterpart_config(self.encoder, attention), self.types)

    def subject(self, device: torch.device) -> Subject:
        """The model with random weights, on a device.

        Raises:
            ConfigError: If the encoder cannot be had as the recipe wants it.
            MissingExtraError: If there is LoRA in the recipe and no peft.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if isinstance(self.recipe, PretrainRecipe):
                assert isinstance(self.encoder, NativeEncoderConfig)
                model = NativeEncoderForMaskedLM(self.encoder)
                return MaskedSubject(_ready(model, device), rate=self.recipe.masking.rate)
            return _span_subject(self.recipe, self.encoder, self.types, device)


def plan_profile(recipe: Recipe | PretrainRecipe, *, types: int) -> Plan:
    """Looks up the encoder that a recipe describes.

    Args:
        recipe: The recipe; its data are not needed.
        types: Number of entity types.

    Raises:
        ConfigError: If the encoder's name leads nowhere, or it cannot have the attention of the recipe.
        CheckpointError: If it has no tokenizer, without which it could not be trained.
    """
    encoder = recipe.model.encoder
    if isinstance(encoder, PretrainedEncoderConfig):
        assert isinstance(recipe.model, ModelConfig)
        check_encoder(recipe.model)
        config, _ = describe_pretrained(encoder.name, revision=encoder.revision)
        return Plan(recipe, config, types)
    assert isinstance(encoder, NativeShapeConfig)
    vocabulary, note = _vocabulary(recipe)
    return Plan(recipe, native_shape(encoder, vocab_size=vocabulary, pad_token_id=0), types, (note,))


def longest_tokens(encoder: PreTrainedModel) -> int | None:
    """The longest text that an encoder has positions for; None for no limit."""
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            # Families after RoBERTa count positions from behind the padding token's id.
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    longest: int | None = getattr(encoder.config, "max_position_embeddings", None)
    return longest


def _vocabulary(recipe: Recipe | PretrainRecipe) -> tuple[int, str]:
    tokenizer = recipe.tokenizer if isinstance(recipe, PretrainRecipe) else None
    if isinstance(tokenizer, PieceTokenizerConfig):
        return tokenizer.vocabulary_size, f"vocabulary: {tokenizer.vocabulary_size:,} tokens, as the recipe has at most"
    return _CHARACTERS, f"vocabulary: {_CHARACTERS:,} tokens are assumed, since it comes of the texts"


def _span_subject(recipe: Recipe, encoder: PreTrainedConfig, types: int, device: torch.device) -> SpanSubject:
    described = recipe.model.encoder
    portable = {name: value for name, value in encoder.to_dict().items() if name not in _ABSENT}
    labels = LabelSet(tuple(f"TYPE{number}" for number in range(types)))
    config = model_config(recipe.model, recipe.data, portable, labels)
    config.max_span_tokens = recipe.training.max_span_tokens
    model = GlobalPointerModel(config)
    set_attention_implementation(described, model.encoder)
    adapt_encoder(described, model.encoder)
    untouched = not isinstance(described, PretrainedEncoderConfig) or (
        described.lora is None and described.trainable_layers is None
    )
    samples = recipe.model.head.dropout_samples
    return SpanSubject(_ready(model, device), dropout_samples=samples, known=untouched)


def _ready(model: Model, device: torch.device) -> Model:
    """In fp32 whatever its configuration says, as in training."""
    model.float().train()  # type: ignore[no-untyped-call]
    model.to(device)  # type: ignore[arg-type]  # typed for quantised models only
    return model
