"""Named shapes of native encoders, for `model.encoder.preset`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NATIVE_PRESETS"]

_SMALL = {"hidden_size": 384, "num_layers": 6, "num_heads": 6, "norm_placement": "post"}
_UNITS = {"hidden_size": 384, "num_layers": 12, "key_size": 128}
_INITIALIZATION = {"initialization": "truncated_normal"}

NATIVE_PRESETS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        # RoFormer, small: norms behind, biases everywhere.
        "roformer-small": {"attention": "softmax", **_SMALL, **_INITIALIZATION},
        # GAU-alpha, small: two gated units stand for a block of attention and feed-forward.
        "gau-small": {
            "attention": "gau",
            "normalizer": "softmax_plus",
            **_UNITS,
            "bias": "none",
            "norm": "rms",
            "norm_placement": "post",
            **_INITIALIZATION,
        },
        # GAU-alpha itself: 24 units of width 768.
        "gau-base": {
            "attention": "gau",
            "normalizer": "softmax_plus",
            **_UNITS,
            "hidden_size": 768,
            "num_layers": 24,
            "bias": "none",
            "norm": "rms",
            "norm_placement": "post",
            **_INITIALIZATION,
        },
        # FLASH, with chunks that are shorter than the windows of a recipe.
        "flash-small": {
            "attention": "flash",
            "chunk_size": 64,
            **_UNITS,
            "bias": "query_key",
            "norm": "scale",
            **_INITIALIZATION,
        },
        # Keys four times as wide as values, since the attention matrix has no higher rank than they are wide.
        "linear-small": {"attention": "linear", "feature_map": "exp", **_SMALL, "key_size": 256, **_INITIALIZATION},
        "performer-small": {"attention": "performer", **_SMALL, **_INITIALIZATION},
    }
)
