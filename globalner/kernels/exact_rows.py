"""Some rows of a square whose types share query and key, computed cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from globalner.kernels.gold_terms import ScoreGradients
from globalner.kernels.scores import SpanScores

__all__ = ["ExactRows"]

_CELLS = 1 << 20


class ExactRows:
    """The spans of one text and type that start at one token, for some texts, types and tokens.

    Args:
        rows: (K, 3) long: text, type, first token; sorted, each once.
        excluded: (E, 4) long: cells to leave out (text, type, first, last).
        closed: (M, 3) long: cells to leave out for every type (text, first, last).
        max_span_tokens: Longest span; None for no limit.
    """

    def __init__(self, rows: Tensor, excluded: Tensor, closed: Tensor, max_span_tokens: int | None) -> None:
        self.rows = rows
        self._excluded, self._closed, self._limit = excluded, closed, max_span_tokens

    def log_sums(self, scores: SpanScores) -> Tensor:
        """(K,) logarithm of the sum of e^s over the cells of each row that are not left out; -inf where all are."""
        return torch.cat([self._logits(scores, part).logsumexp(1) for part in self._parts(scores)])

    def add_gradients(self, scores: SpanScores, factors: tuple[Tensor, Tensor], made: ScoreGradients) -> None:
        """Adds the gradients of query, key and end bias.

        Args:
            scores: As for `log_sums`.
            factors: Gradient (B, C) of the logarithms of the types' sums, and these logarithms (B, C).
            made: What is added to; its end bias must be there.
        """
        assert made.end_bias is not None
        for part in self._parts(scores):
            text, type_, first = self.rows[part].unbind(1)
            gradient, sums = (factor[text, type_].unsqueeze(1) for factor in factors)
            cells = (self._logits(scores, part) - sums).exp_() * gradient
            made.end_bias.index_put_((text, type_), cells, accumulate=True)
            place = int(text[0])
            made.query[place, 0].index_add_(0, first, cells @ scores.key[place, 0])
            made.key[place, 0] += cells.T @ scores.query[place, 0, first]

    def _parts(self, scores: SpanScores) -> Iterator[slice]:
        """Rows of one text each, few enough to be worked on at once."""
        step = max(1, _CELLS // scores.query.shape[2])
        counts = torch.bincount(self.rows[:, 0], minlength=len(scores.query)).tolist()
        begin = 0
        for count in counts:
            for first in range(begin, begin + count, step):
                yield slice(first, min(first + step, begin + count))
            begin += count

    def _logits(self, scores: SpanScores, part: slice) -> Tensor:
        """(k, L) logits of rows of one text; -inf for cells that are closed or left out."""
        rows = self.rows[part]
        text, type_, first = rows.unbind(1)
        place = int(text[0])
        logits = scores.query[place, 0, first] @ scores.key[place, 0].T
        if scores.start_bias is not None:
            logits += scores.start_bias[text, type_, first].unsqueeze(1)
        if scores.end_bias is not None:
            logits += scores.end_bias[text, type_]
        last = torch.arange(logits.shape[1], device=logits.device)
        closed = last < first.unsqueeze(1)
        if self._limit is not None:
            closed |= last - first.unsqueeze(1) >= self._limit
        if scores.end_mask is not None:
            closed |= ~scores.end_mask[place]
        for cells, key in ((self._excluded, [0, 1, 2]), (self._closed, [0, 2])):
            own = cells[cells[:, 0] == place]
            same = (rows[:, None, key] == own[None, :, : len(key)]).all(-1)
            row, cell = same.nonzero(as_tuple=True)
            closed[row, own[cell, -1]] = True
        return logits.masked_fill_(closed, -torch.inf)
