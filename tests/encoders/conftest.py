"""Tiny decoder-only encoders of every family: two layers, 32 wide, four heads, windows of four where there are any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

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
