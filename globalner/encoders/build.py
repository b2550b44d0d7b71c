"""From the description of an encoder to the encoder, without weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from globalner.encoders.native import NativeEncoder
from globalner.encoders.native_config import NativeEncoderConfig
from globalner.errors import ConfigError

__all__ = ["drop_pooler", "encoder_from_config", "read_encoder_config"]


def encoder_from_config(description: Mapping[str, Any]) -> PreTrainedModel:
    """An encoder with fresh weights.

    Args:
        description: What the encoder's configuration gives as `to_dict()`; `model_type` says which it is.

    Raises:
        ConfigError: If `model_type` is missing or unknown.
    """
    config = read_encoder_config(description)
    if isinstance(config, NativeEncoderConfig):
        return NativeEncoder(config)
    return drop_pooler(AutoModel.from_config(config))


def read_encoder_config(description: Mapping[str, Any]) -> PreTrainedConfig:
    """The configuration that `to_dict()` was called on.

    Raises:
        ConfigError: If `model_type` is missing or unknown.
    """
    options = {
        name: value for name, value in description.items() if name not in ("transformers_version", "architectures")
    }
    model_type = options.pop("model_type", None)
    if model_type == NativeEncoderConfig.model_type:
        return NativeEncoderConfig(**options)
    try:
        config: PreTrainedConfig = AutoConfig.for_model(model_type, **options)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"unknown encoder {model_type!r}: this release of transformers has no such model") from error
    return config


def drop_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    """Takes away the sentence pooler that BERT-like encoders carry: a span scorer reads tokens only."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment]
    return encoder
