"""Small encoders: native ones of every kind, and decoder-only ones of every family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

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

# Decoders: two layers, 32 wide, four heads, windows of four where there are any.
WINDOW = 4
SHAPE: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
GROUPED = {**SHAPE, "intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8}
LATE_WINDOW = {**GROUPED, "use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 1}
FAMILIES: dict[str, dict[str, Any]] = {
    "gemma": GROUPED,
    "gemma2": {**GROUPED, "sliding_window": WINDOW, "query_pre_attn_scalar": 8},
    "gemma3_text": {
        **GROUPED,
        "sliding_window": WINDOW,
        "layer_types": ["sliding_attention", "full_attention"],
        "query_pre_attn_scalar": 8,
    },
    "gpt2": SHAPE,
    "llama": GROUPED,
    "mistral": {**GROUPED, "sliding_window": WINDOW},
    "qwen2": LATE_WINDOW,
    "qwen3": LATE_WINDOW,
}
WINDOWS: dict[str, tuple[int | None, int | None]] = {
    "gemma": (None, None),
    "gemma2": (WINDOW, None),
    "gemma3_text": (WINDOW, None),
    "gpt2": (None, None),
    "llama": (None, None),
    "mistral": (WINDOW, WINDOW),
    "qwen2": (None, WINDOW),
    "qwen3": (None, WINDOW),
}
NOT_OFFERED = {("gpt2", "flex_attention"), ("gemma2", "sdpa")}
"""What transformers itself refuses."""

PAIRS = [
    (family, implementation)
    for family in FAMILIES
    for implementation in ("eager", "sdpa", "flex_attention")
    if (family, implementation) not in NOT_OFFERED
]


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


@contextmanager
def ready_for(implementation: str) -> Iterator[None]:
    """flex_attention compiles for a minute; its definition in plain torch computes the same with the same mask."""
    with torch.compiler.set_stance("force_eager") if implementation == "flex_attention" else nullcontext():
        yield


@pytest.fixture(params=PAIRS, ids=lambda pair: "-".join(pair))
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A family and an implementation of attention that it can have."""
    with ready_for(request.param[1]):
        yield request.param


@pytest.fixture(scope="session")
def tiny() -> Callable[..., PreTrainedModel]:
    """Makes an encoder of a family, always with the same weights."""

    def make(family: str, implementation: str = "sdpa", **changes: Any) -> PreTrainedModel:
        torch.manual_seed(0)
        config = AutoConfig.for_model(family, **FAMILIES[family] | changes)
        return AutoModel.from_config(config, attn_implementation=implementation).eval()

    return make


@pytest.fixture(scope="session")
def windows() -> dict[str, tuple[int | None, int | None]]:
    """The windows of the two layers of each family."""
    return WINDOWS
