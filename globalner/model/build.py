"""From the description in a recipe to a model and its tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from globalner.config import DataConfig, ModelConfig, NativeEncoderConfig, PretrainedEncoderConfig
from globalner.encoders import NativeEncoder, build_character_tokenizer, check_attention, load_pretrained
from globalner.errors import ConfigError
from globalner.model.adaptation import adapt_encoder, attention_of, set_attention_implementation
from globalner.model.config import GlobalPointerConfig
from globalner.model.init_from import all_labels, encoder_description, init_from_notes, load_init_from
from globalner.model.model import GlobalPointerModel
from globalner.model.native_shape import native_shape
from globalner.types import LabelSet

__all__ = ["BuiltModel", "build_model", "model_config"]


@dataclass(frozen=True)
class BuiltModel:
    """A model ready to be trained.

    Attributes:
        model: Encoder and head, the head fresh unless the recipe goes on from a model.
        tokenizer: Its fast tokenizer.
        notes: What the user should know: weights of the encoder's checkpoint that are not used, and the like.
    """

    model: GlobalPointerModel
    tokenizer: PreTrainedTokenizerFast
    notes: tuple[str, ...] = field(default=())


def build_model(
    model: ModelConfig, data: DataConfig, labels: LabelSet, texts: Iterable[str], *, max_span_tokens: int | None = None
) -> BuiltModel:
    """Builds what a recipe describes.

    Args:
        model: Encoder, head, and perhaps the model to go on from, whose labels then stand first.
        data: Windows, boundary and alignment, which are stored in the model.
        labels: Entity types of the training documents.
        texts: Training texts, from which a native encoder's tokenizer is built.
        max_span_tokens: Longest entity in tokens; None for no limit.

    Raises:
        ConfigError: If the encoder's name leads nowhere, the windows are longer than it can read, it cannot have the
            attention or the adapters of the recipe, or the model to go on from is another than the recipe describes.
        CheckpointError: If the weights did not all load.
    """
    if model.init_from is not None:
        built = _going_on(model, data, labels, texts)
    else:
        encoder, tokenizer, notes = _encoder(model.encoder, texts)
        config = model_config(model, data, _portable(encoder.config.to_dict()), labels)
        built = BuiltModel(GlobalPointerModel.with_encoder(config, encoder), tokenizer, notes)
    built.model.config.max_span_tokens = max_span_tokens
    longest = getattr(built.model.encoder.config, "max_position_embeddings", None)
    if longest is not None and data.window_tokens > longest:
        raise ConfigError(f"data.window_tokens is {data.window_tokens}, but the encoder reads at most {longest} tokens")
    check_attention(built.model.encoder, built.model.config.attention)
    return replace(built, notes=(*built.notes, *adapt_encoder(model.encoder, built.model.encoder)))


def _going_on(model: ModelConfig, data: DataConfig, labels: LabelSet, texts: Iterable[str]) -> BuiltModel:
    known, tokenizer = load_init_from(model)
    old = known.config.label_set
    config = model_config(model, data, encoder_description(model, known.config), all_labels(old, labels))
    config.thresholds = known.config.thresholds
    built = GlobalPointerModel.going_on_from(config, known)
    set_attention_implementation(model.encoder, built.encoder)
    return BuiltModel(built, tokenizer, init_from_notes(model, old, labels, tokenizer, texts))


def model_config(
    model: ModelConfig, data: DataConfig, encoder: Mapping[str, Any], labels: LabelSet
) -> GlobalPointerConfig:
    """The configuration of the model that a recipe describes.

    Args:
        model: Encoder and head.
        data: Windows, boundary, alignment and mode.
        encoder: What the configuration of the encoder gives as `to_dict()`.
        labels: Entity types.
    """
    return GlobalPointerConfig(
        encoder=dict(encoder),
        attention=attention_of(model.encoder),
        labels=list(labels),
        head_kind=model.head.kind,
        head_size=model.head.head_size,
        rotary=model.head.rotary,
        dropout=model.head.dropout,
        initial_logit=model.head.initial_logit,
        boundary=data.boundary,
        alignment=data.alignment,
        mode=data.mode,
        window_tokens=data.window_tokens,
        overlap_tokens=data.overlap_tokens,
        context=data.context,
        context_tokens=data.context_tokens,
    )


def _encoder(
    encoder: PretrainedEncoderConfig | NativeEncoderConfig, texts: Iterable[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast, tuple[str, ...]]:
    if isinstance(encoder, NativeEncoderConfig):
        return _native_encoder(encoder, texts)
    loaded = load_pretrained(
        encoder.name, revision=encoder.revision, attention_implementation=encoder.attention_implementation
    )
    notes: tuple[str, ...] = ()
    if loaded.unused_weights:
        notes = (
            f"{len(loaded.unused_weights)} weights of the checkpoint are not used: {loaded.unused_weights[0]}, ...",
        )
    return loaded.encoder, loaded.tokenizer, notes


def _native_encoder(
    encoder: NativeEncoderConfig, texts: Iterable[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast, tuple[str, ...]]:
    tokenizer = build_character_tokenizer(texts, min_count=encoder.min_count, lowercase=encoder.lowercase)
    shape = native_shape(encoder, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    return NativeEncoder(shape), tokenizer, (f"native encoder over {len(tokenizer)} characters",)


def _portable(description: dict[str, Any]) -> dict[str, Any]:
    """Without the folder that the encoder was loaded from: it means nothing on another machine."""
    return {name: value for name, value in description.items() if name != "_name_or_path"}
