"""From a native encoder in a recipe to the configuration that the encoder is built from."""

from __future__ import annotations

from globalner.config import NativeShapeConfig
from globalner.encoders import NativeEncoderConfig as NativeEncoderShape

__all__ = ["native_shape"]

_SAME_NAME = (
    "attention",
    "hidden_size",
    "key_size",
    "normalizer",
    "normalizer_tokens",
    "feature_map",
    "num_features",
    "chunk_size",
    "rotary",
    "scale",
    "entropy_clamp_tokens",
    "bias",
    "norm",
    "norm_placement",
    "initialization",
    "convolution_width",
    "dropout",
)


def native_shape(encoder: NativeShapeConfig, *, vocab_size: int, pad_token_id: int | None) -> NativeEncoderShape:
    """The configuration of the encoder that a recipe describes.

    Args:
        encoder: The recipe's `model.encoder`.
        vocab_size: Number of tokens that the tokenizer knows.
        pad_token_id: Id of its padding token.
    """
    gated = encoder.attention in ("gau", "flash")
    return NativeEncoderShape(
        vocab_size=vocab_size,
        num_hidden_layers=encoder.num_layers,
        num_attention_heads=encoder.num_heads,
        intermediate_size=encoder.intermediate_size or (2 if gated else 4) * encoder.hidden_size,
        pad_token_id=pad_token_id,
        **{name: getattr(encoder, name) for name in _SAME_NAME},
    )
