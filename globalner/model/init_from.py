"""Going on from a model of one's own: it must be what the recipe describes, and it gives what it has learnt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from globalner.config import HeadConfig, ModelConfig, NativeEncoderConfig
from globalner.encoders import NativeEncoderConfig as NativeEncoderShape
from globalner.encoders import count_unknown_characters, describe_pretrained, read_encoder_config
from globalner.errors import CheckpointError, ConfigError
from globalner.model.checkpoint import load_description, load_model
from globalner.model.config import GlobalPointerConfig
from globalner.model.model import GlobalPointerModel
from globalner.model.native_shape import native_shape
from globalner.types import LabelSet

__all__ = ["all_labels", "check_init_from", "encoder_description", "init_from_notes", "load_init_from"]

_SHAPE = {
    "hidden_size": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
}
# What a native encoder may be besides; shown where it is not the plain one.
_NATIVE = (
    "attention",
    "normalizer",
    "normalizer_tokens",
    "feature_map",
    "num_features",
    "chunk_size",
    "key_size",
    "rotary",
    "scale",
    "entropy_clamp_tokens",
    "bias",
    "norm",
    "norm_placement",
)
_TOKENS = {"vocabulary": "vocab_size", "positions": "max_position_embeddings"}
_SHOWN_CHARACTERS = 5


def check_init_from(model: ModelConfig) -> None:
    """Makes sure that `model.init_from`, where there is one, is what the recipe describes; no weights are read.

    Raises:
        ConfigError: If encoder, tokenizer or head differ; the message shows both.
        CheckpointError: If there is no such model, or a file of it is missing or damaged.
    """
    if model.init_from is None:
        return
    try:
        config, tokenizer = load_description(model.init_from)
    except CheckpointError as error:
        raise CheckpointError(f"model.init_from: {error}") from error
    if isinstance(model.encoder, NativeEncoderConfig):
        lowered = {"lowercase": _lowers(tokenizer)}
        _refuse_other_shape(model, _saved_shape(config) | lowered, _native_shape(model.encoder))
        return
    shape, own = describe_pretrained(model.encoder.name, revision=model.encoder.revision)
    _refuse_other_shape(model, _saved_shape(config), _encoder_shape(shape))
    if different := _different_parts(tokenizer, own):
        raise ConfigError(
            f"model.init_from: {model.init_from} has another tokenizer ({len(tokenizer)} tokens) than the recipe's "
            f"encoder {model.encoder.name} ({len(own)} tokens); they differ in: {', '.join(different)}. "
            "Name the encoder that the model was made with"
        )


def load_init_from(model: ModelConfig) -> tuple[GlobalPointerModel, PreTrainedTokenizerFast]:
    """The model to go on from, after `check_init_from`, and its tokenizer.

    Raises:
        ConfigError, CheckpointError: As `check_init_from`, and for the weights.
    """
    check_init_from(model)
    assert model.init_from is not None
    try:
        return load_model(model.init_from)
    except CheckpointError as error:
        raise CheckpointError(f"model.init_from: {error}") from error


def all_labels(known: LabelSet, wanted: LabelSet) -> LabelSet:
    """The labels that a model knows, in its order, and behind them those that are new."""
    return LabelSet((*known, *(label for label in wanted if label not in known)))


def encoder_description(model: ModelConfig, config: GlobalPointerConfig) -> dict[str, Any]:
    """The encoder of the model to go on from, with the recipe's dropout where the recipe has one: it is no shape."""
    dropout = {"dropout": model.encoder.dropout} if isinstance(model.encoder, NativeEncoderConfig) else {}
    return {**(config.encoder or {}), **dropout}


def init_from_notes(
    model: ModelConfig, known: LabelSet, wanted: LabelSet, tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]
) -> tuple[str, ...]:
    """What the user should know: new labels, labels that the data lack, characters that the tokenizer does not know."""
    name = model.init_from
    new, absent = [label for label in wanted if label not in known], [label for label in known if label not in wanted]
    notes = [f"goes on from {name}; new labels: {', '.join(new) or 'none'}"]
    if absent:
        notes.append(
            f"labels of {name} that no training document has: {', '.join(absent)}; they stay in the model, but it "
            "learns that these texts hold none of them"
        )
    unknown = count_unknown_characters(tokenizer, texts) if isinstance(model.encoder, NativeEncoderConfig) else None
    if unknown:
        shown = [repr(character) for character, _ in unknown.most_common(_SHOWN_CHARACTERS)]
        more = ", ..." if len(unknown) > len(shown) else ""
        notes.append(
            f"{unknown.total():,} characters of the training texts ({len(unknown)} different ones: "
            f"{', '.join(shown)}{more}) are not in the tokenizer of {name} and are read as [UNK]"
        )
    return tuple(notes)


def _refuse_other_shape(model: ModelConfig, saved: Mapping[str, object], encoder: Mapping[str, object]) -> None:
    asked = {**encoder, **_head_shape(model.head)}
    different = [key for key in {**saved, **asked} if saved.get(key) != asked.get(key)]
    if different:
        raise ConfigError(
            f"model.init_from: {model.init_from} is not what the recipe describes, see {', '.join(different)}: it has "
            f"{_shown(saved)}; the recipe asks for {_shown(asked)}. Describe the model's own encoder and head in the "
            "recipe, or start without init_from"
        )


def _saved_shape(config: GlobalPointerConfig) -> dict[str, object]:
    shape = _encoder_shape(read_encoder_config(config.encoder or {}))
    return {**shape, "head": config.head_kind, "head_size": config.head_size, "rotary": config.rotary}


def _lowers(tokenizer: PreTrainedTokenizerFast) -> bool:
    normalizer = tokenizer.backend_tokenizer.normalizer
    return normalizer is not None and bool(normalizer.normalize_str("A") == "a")


def _encoder_shape(encoder: PreTrainedConfig) -> dict[str, object]:
    sizes: dict[str, object] = {key: getattr(encoder, name, None) for key, name in _SHAPE.items()}
    if isinstance(encoder, NativeEncoderShape):
        plain = NativeEncoderShape()
        special = {
            "encoder_rotary" if name == "rotary" else name: getattr(encoder, name)
            for name in _NATIVE
            if getattr(encoder, name) != getattr(plain, name)
        }
        return {"encoder": "native", **sizes, "convolution_width": encoder.convolution_width, **special}
    return {"encoder": encoder.model_type, **sizes} | {key: getattr(encoder, n, None) for key, n in _TOKENS.items()}


def _native_shape(encoder: NativeEncoderConfig) -> dict[str, object]:
    # Without a size of the vocabulary: it comes from the texts, or here from the model.
    shape = _encoder_shape(native_shape(encoder, vocab_size=1, pad_token_id=None))
    return {**shape, "lowercase": encoder.lowercase}


def _head_shape(head: HeadConfig) -> dict[str, object]:
    return {"head": head.kind, "head_size": head.head_size, "rotary": head.rotary}


def _different_parts(one: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast) -> list[str]:
    """Sections of tokenizer.json that differ; padding and truncation are settings of a call."""
    ours, theirs = (json.loads(tokenizer.backend_tokenizer.to_str()) for tokenizer in (one, other))
    parts = {**ours, **theirs}.keys() - {"padding", "truncation"}
    return sorted(part for part in parts if ours.get(part) != theirs.get(part))


def _shown(shape: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key} {str(value).lower() if isinstance(value, bool) else value}"
        for key, value in shape.items()
        if value is not None
    )
