"""Search for the spans above a threshold: one door, several implementations behind it."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.errors import ShapeError
from globalner.kernels.implementations import choose_implementation
from globalner.kernels.reference_search import reference_search
from globalner.kernels.scores import FoundSpans, SpanScores
from globalner.kernels.tiled_search import tiled_search

__all__ = ["find_spans"]

_KERNELS = {"reference": reference_search, "tiled": tiled_search}


@torch.no_grad()
def find_spans(
    scores: SpanScores,
    threshold: float | Tensor = 0.0,
    max_span_tokens: int | None = None,
    top_k: int | None = None,
    impl: str = "auto",
) -> FoundSpans:
    """All allowed spans whose logit is strictly above the threshold.

    Args:
        scores: Logits of all spans; (B, C, L, L) in factored form.
        threshold: A logit, or (C,) one for each type.
        max_span_tokens: Longer spans (in tokens, both ends counted) are left out; None for no limit.
        top_k: At most this many spans a text, the highest logits; texts that had more are marked `limited`.
        impl: "auto" or the name of an implementation ("reference", "tiled").

    Returns:
        The spans ordered by text, type, first and last token (both inclusive).

    Raises:
        ShapeError: If `threshold` is neither a number nor (C,), or `top_k` is below 1.
        ConfigError: If `impl` has no such value.
    """
    kernel = choose_implementation(_KERNELS, impl)
    if top_k is not None and top_k < 1:
        raise ShapeError(f"top_k must be at least 1; got {top_k}")
    scores = scores.in_full_precision()
    limits = torch.as_tensor(threshold, dtype=scores.query.dtype, device=scores.query.device)
    if limits.dim() > 1 or (limits.dim() == 1 and len(limits) != scores.num_types):
        raise ShapeError(f"threshold must be a number or ({scores.num_types},); got {tuple(limits.shape)}")
    with torch.autocast(scores.query.device.type, enabled=False):
        return kernel(scores, limits.expand(scores.num_types), max_span_tokens, top_k)
