"""Span search as its definition reads, on the square of scores."""

from __future__ import annotations

from torch import Tensor

from globalner.kernels.scores import FoundSpans, SpanScores

__all__ = ["reference_search"]


def reference_search(scores: SpanScores, thresholds: Tensor, max_span_tokens: int | None) -> FoundSpans:
    """Spans strictly above `thresholds` (C,), ordered by text, type, first and last token."""
    square = scores.square()
    above = (square > thresholds[:, None, None]) & scores.allowed(max_span_tokens)
    batch, type_, first, last = above.nonzero(as_tuple=True)
    limited = batch.new_zeros(square.shape[0]).bool()
    return FoundSpans(batch, type_, first, last, square[batch, type_, first, last], limited)
