"""An encoder of the same size with another attention, to compare with."""

from __future__ import annotations

from dataclasses import replace

from globalner.encoders import Attention, NativeEncoderConfig
from globalner.layers import default_num_features
from globalner.profiling.encoder_shape import EncoderShape, shape_of

__all__ = ["counterpart", "counterpart_config"]

_GATED = ("gau", "flash")
_UNIT_KEYS = 128
_HEAD_SIZE = 64
_WIDER_KEYS = 4
"""How many times wider than its values the keys of linear attention should be (kexue.fm/archives/8338)."""


def counterpart(shape: EncoderShape, attention: Attention) -> EncoderShape:
    """The sizes of an encoder that is about as large, with another attention.

    Two gated units with a gate of 2 w and keys of 128 stand for one block with a feed-forward part of 4 w, and the
    other way round. Heads stay if there are any, else they are about 64 wide. Linear attention has keys four times as
    wide as values, Performer d ln d features.
    """
    if (attention in _GATED) != shape.gated:
        shape = _units_of(shape) if attention in _GATED else _blocks_of(shape)
    if attention in _GATED:
        return replace(shape, attention=attention)
    head_size = shape.value_size
    return replace(
        shape,
        attention=attention,
        key_size=_WIDER_KEYS * head_size if attention == "linear" else head_size,
        num_features=default_num_features(head_size) if attention == "performer" else 0,
        denominator=True,
    )


def counterpart_config(config: NativeEncoderConfig, attention: Attention) -> NativeEncoderConfig:
    """The configuration of the encoder that `counterpart` describes; norms, biases and dropout are as they were."""
    shape = shape_of(config)
    assert shape is not None
    other = counterpart(shape, attention)
    gated = attention in _GATED
    return NativeEncoderConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=other.layers,
        num_attention_heads=other.heads,
        intermediate_size=other.value_size if gated else other.inner_size,
        attention=attention,
        key_size=other.key_size if gated or attention == "linear" else None,
        chunk_size=other.chunk_size if attention == "flash" else None,
        num_features=other.num_features if attention == "performer" else None,
        rotary=config.rotary,
        bias=config.bias,
        norm=config.norm,
        norm_placement=config.norm_placement,
        norm_eps=config.norm_eps,
        convolution_width=config.convolution_width,
        dropout=config.dropout,
        initialization=config.initialization,
        pad_token_id=config.pad_token_id,
    )


def _units_of(shape: EncoderShape) -> EncoderShape:
    return replace(
        shape, layers=2 * shape.layers, heads=1, key_size=_UNIT_KEYS, value_size=2 * shape.width, inner_size=0
    )


def _blocks_of(shape: EncoderShape) -> EncoderShape:
    sizes = [size for size in range(2, shape.width + 1, 2) if shape.width % size == 0]
    head_size = min(sizes, key=lambda size: abs(size - _HEAD_SIZE), default=shape.width)
    return replace(
        shape,
        layers=(shape.layers + 1) // 2,
        heads=shape.width // head_size,
        key_size=head_size,
        value_size=head_size,
        inner_size=4 * shape.width,
        chunk_size=256,
    )
