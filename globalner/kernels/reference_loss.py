"""The span loss as its definition reads, on the square of scores. What the fast implementations are held against."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.kernels.gold_cells import LossCells, expand_ignore
from globalner.kernels.scores import SpanScores

__all__ = ["reference_loss"]


def reference_loss(scores: SpanScores, cells: LossCells) -> Tensor:
    """Losses (B, C).

    Gold cells are taken out of the negative sum before the log-sum-exp; subtracting them afterwards, as the published
    sparse form does, loses all digits in fp32 once one positive dominates.
    """
    square = scores.in_full_precision().square()
    flat = (square.shape[0], square.shape[1], -1)
    closed = ~scores.allowed(cells.max_span_tokens).expand_as(square)
    ignore = expand_ignore(cells.ignore, scores.num_types)
    closed = closed.index_put(tuple(ignore.unbind(1)), closed.new_ones(()))
    target = torch.zeros_like(square).index_put(tuple(cells.gold.unbind(1)), cells.weights)
    positive = (-square + target.log()).masked_fill(closed | (target == 0), -torch.inf)
    negative = (square + (-target).log1p()).masked_fill(closed | (target == 1), -torch.inf)
    threshold = square.new_zeros(*square.shape[:2], 1)
    return _log_sum_exp(positive.reshape(flat), threshold) + _log_sum_exp(negative.reshape(flat), threshold)


def _log_sum_exp(cells: Tensor, threshold: Tensor) -> Tensor:
    # The threshold class keeps every row finite: the gradient of a row of -inf alone would be NaN.
    return torch.cat([threshold, cells], dim=-1).logsumexp(dim=-1)
