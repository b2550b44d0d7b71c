"""From `model.encoder` of a recipe to the encoder that it describes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from globalner.config import NATIVE_PRESETS, NativeEncoderConfig
from globalner.encoders import NativeEncoder
from globalner.encoders import NativeEncoderConfig as NativeEncoderShape
from globalner.layers import (
    GatedAttentionUnit,
    LinearAttention,
    MixedChunkAttention,
    PerformerAttention,
    RmsNorm,
    ScaleNorm,
    SoftmaxAttention,
)
from globalner.model import native_shape


def shape_of(**values: object) -> NativeEncoderShape:
    encoder = NativeEncoderConfig.model_validate({"kind": "native", **values})
    return native_shape(encoder, vocab_size=12000, pad_token_id=0)


def on_meta(**values: object) -> NativeEncoder:
    with torch.device("meta"):
        return NativeEncoder(shape_of(**values))


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


EXPECTED = {
    "roformer-small": (SoftmaxAttention, nn.LayerNorm, 6, 12000 * 384 + 2 * 384 + 6 * (12 * 384**2 + 13 * 384)),
    "gau-small": (GatedAttentionUnit, RmsNorm, 12, 12000 * 384 + 12 * (3 * 384 * 768 + 384 * 128 + 2 * 128)),
    "gau-base": (GatedAttentionUnit, RmsNorm, 24, 12000 * 768 + 24 * (3_637_248 + 2 * 128)),
    "flash-small": (
        MixedChunkAttention,
        ScaleNorm,
        12,
        12000 * 384 + 1 + 12 * (3 * 384 * 768 + 384 * 128 + 8 * 128 + 1),
    ),
    "linear-small": (
        LinearAttention,
        nn.LayerNorm,
        6,
        12000 * 384 + 2 * 384 + 6 * (18 * 384**2 + 19 * 384),
    ),
    "performer-small": (PerformerAttention, nn.LayerNorm, 6, 12000 * 384 + 2 * 384 + 6 * (12 * 384**2 + 13 * 384)),
}


@pytest.mark.parametrize("name", NATIVE_PRESETS)
def test_presets_are_what_they_are_called(name: str) -> None:
    attention, norm, depth, count = EXPECTED[name]
    model = on_meta(preset=name)
    assert len(model.blocks) == depth
    assert all(type(block.attention) is attention and type(block.attention_norm) is norm for block in model.blocks)
    assert size(model) == count


def test_gau_base_is_gau_alpha() -> None:
    unit = on_meta(preset="gau-base").blocks[0].attention
    assert (unit.normalizer, unit.projection.bias) == ("softmax_plus", None)
    assert unit.projection.out_features == 2 * 1536 + 128


def test_widths_that_are_left_out_are_multiples_of_the_hidden_size() -> None:
    assert shape_of(hidden_size=8).intermediate_size == 32
    assert shape_of(hidden_size=8, attention="gau").intermediate_size == 16
    assert shape_of(hidden_size=8, attention="flash", intermediate_size=7).intermediate_size == 7
    assert shape_of(hidden_size=8, attention="linear").key_size == 2


def test_every_key_of_the_recipe_reaches_the_encoder() -> None:
    given = {
        "attention": "gau",
        "hidden_size": 20,
        "key_size": 6,
        "normalizer": "relu_squared",
        "normalizer_tokens": 9,
        "rotary": False,
        "entropy_clamp_tokens": 3,
        "bias": "query_key",
        "norm": "scale",
        "norm_placement": "post",
        "initialization": "truncated_normal",
        "convolution_width": 3,
        "dropout": 0.2,
    }
    shape = shape_of(**given)
    assert {key: getattr(shape, key) for key in given} == given
    assert (shape.vocab_size, shape.num_hidden_layers, shape.pad_token_id) == (12000, 3, 0)
    others = {"feature_map": ("linear", "elu"), "num_features": ("performer", 7), "chunk_size": ("flash", 5)}
    for key, (attention, value) in others.items():
        assert getattr(shape_of(attention=attention, **{key: value}), key) == value
    assert shape_of(scale="entropy_invariant").scale == "entropy_invariant"
