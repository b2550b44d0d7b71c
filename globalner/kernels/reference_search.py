"""Span search as its definition reads, on the square of scores."""

from __future__ import annotations

from torch import Tensor

from globalner.kernels.scores import FoundSpans, SpanScores
from globalner.kernels.span_collection import SpanCollection

__all__ = ["reference_search"]


def reference_search(
    scores: SpanScores, thresholds: Tensor, max_span_tokens: int | None, top_k: int | None
) -> FoundSpans:
    """Spans strictly above `thresholds` (C,), the `top_k` highest of each text; see `find_spans`."""
    square = scores.in_full_precision().square()
    above = (square > thresholds[:, None, None]) & scores.allowed(max_span_tokens)
    found = SpanCollection(len(square), top_k, square)
    found.add(above.nonzero(), square[above])
    return found.spans()
