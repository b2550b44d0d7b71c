"""Span scores in factored form, the loss over them and the search in them. Depends on torch only."""

from globalner.kernels.scores import FoundSpans, SpanScores
from globalner.kernels.span_loss import span_loss
from globalner.kernels.span_search import find_spans

__all__ = ["FoundSpans", "SpanScores", "find_spans", "span_loss"]
