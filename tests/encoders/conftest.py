"""Small native encoders of every kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from globalner.encoders import NativeEncoder, NativeEncoderConfig

SMALL = {
    "vocab_size": 30,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "dropout": 0.0,
}
UNIT = {"key_size": 6, "norm": "rms", "norm_placement": "post", "initialization": "truncated_normal"}
VARIANTS: dict[str, dict[str, object]] = {
    "plain": {},
    "roformer": {"norm_placement": "post", "initialization": "truncated_normal"},
    "no order": {"rotary": False, "convolution_width": 3},
    "long texts": {"scale": "entropy_invariant", "bias": "query_key", "norm": "rms_gain"},
    "gau relu_squared": {"attention": "gau", "normalizer": "relu_squared", "bias": "query_key", **UNIT},
    "gau fixed length": {"attention": "gau", "normalizer": "relu_squared", "normalizer_tokens": 64, **UNIT},
    "gau softmax": {"attention": "gau", "normalizer": "softmax", "bias": "none", **UNIT},
    "gau softmax_plus": {"attention": "gau", "bias": "none", **UNIT},
    "flash": {"attention": "flash", "chunk_size": 4, "bias": "query_key", **UNIT, "norm": "scale"},
    "linear exp": {"attention": "linear", "key_size": 12},
    "linear elu": {"attention": "linear", "feature_map": "elu", "bias": "none"},
    "linear double_softmax": {"attention": "linear", "feature_map": "double_softmax", "norm_placement": "post"},
    "performer": {"attention": "performer", "num_features": 20},
}


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> dict[str, object]:
    """The configuration of one kind of encoder."""
    return VARIANTS[request.param]


@pytest.fixture
def variants() -> dict[str, dict[str, object]]:
    """The configurations of all kinds, by name."""
    return VARIANTS


@pytest.fixture
def small_encoder() -> Callable[..., NativeEncoder]:
    """Builds an encoder of a kind, the same one every time."""

    def build(**options: object) -> NativeEncoder:
        torch.manual_seed(0)
        return NativeEncoder(NativeEncoderConfig(**{**SMALL, **options})).eval()

    return build
