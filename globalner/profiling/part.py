"""The parts that a training step is taken apart into."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

__all__ = ["LAYER_PARTS", "PARTS", "PART_TITLES", "Part"]

Part = Literal["embedding", "attention_projections", "attention_mixing", "feed_forward", "gate", "rest", "head", "loss"]

PART_TITLES: Mapping[Part, str] = MappingProxyType(
    {
        "embedding": "embedding",
        "attention_projections": "attention: projections",
        "attention_mixing": "attention: mixing of tokens",
        "feed_forward": "feed-forward",
        "gate": "gate",
        "rest": "norms, sums",
        "head": "head",
        "loss": "loss",
    }
)
"""What people read. `attention_projections` are queries, keys, values and output; gated units have `gate` in place of
them and of feed-forward, since one matrix makes gate, values and shared keys. `embedding` has the convolution too."""

PARTS: tuple[Part, ...] = tuple(PART_TITLES)

LAYER_PARTS: tuple[Part, ...] = ("attention_projections", "attention_mixing", "feed_forward", "gate")
"""Those that hold the matrix products of an encoder's layers."""
