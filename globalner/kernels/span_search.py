"""Search for the spans above a threshold: one door, several implementations behind it."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.errors import ShapeError
from globalner.kernels.implementations import choose_implementation
from globalner.kernels.reference_search import reference_search
from globalner.kernels.scores import FoundSpans, SpanScores
from globalner.kernels.tiled_search import tiled_search
from globalner.kernels.triton_search import triton_search

__all__ = ["find_spans"]

_KERNELS = {"reference": reference_search, "tiled": tiled_search, "triton": triton_search}


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
        impl: "reference" (on the square), "tiled", "triton" (CUDA), or "auto": triton on a GPU that has it, else tiled.

    Returns:
        The spans ordered by text, type, first and last token (both inclusive).

    Raises:
        ShapeError: If `threshold` is neither a number nor (C,), or `top_k` is below 1.
        ConfigError: If `impl` has no such value, or is "triton" and cannot run here.
    """
    kernel = choose_implementation(_KERNELS, impl, scores)
    if top_k is not None and top_k < 1:
        raise ShapeError(f"top_k must be at least 1; got {top_k}")
    dtype = torch.float64 if scores.query.dtype == torch.float64 else torch.float32
    limits = torch.as_tensor(threshold, dtype=dtype, device=scores.query.device)
    if limits.dim() > 1 or (limits.dim() == 1 and len(limits) != scores.num_types):
        raise ShapeError(f"threshold must be a number or ({scores.num_types},); got {tuple(limits.shape)}")
    with torch.autocast(scores.query.device.type, enabled=False):
        return kernel(scores, limits.expand(scores.num_types), max_span_tokens, top_k)
