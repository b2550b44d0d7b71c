"""The gold spans' part of the loss: a few cells, gathered, and what their gradients add to those of all the others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from globalner.kernels.gold_cells import LossCells
from globalner.kernels.scores import SpanScores

__all__ = ["GoldTerms", "ScoreGradients", "without_ignored"]


@dataclass(slots=True)
class ScoreGradients:
    """Gradients with respect to the factors of a `SpanScores`, in its shapes; a bias that it lacks has none."""

    query: Tensor
    key: Tensor
    start_bias: Tensor | None
    end_bias: Tensor | None

    def part(self, texts: slice, types: slice) -> ScoreGradients:
        """Views of those of some texts and types; query and key are shared by all types."""
        start, end = (None if bias is None else bias[texts, types] for bias in (self.start_bias, self.end_bias))
        return ScoreGradients(self.query[texts], self.key[texts], start, end)

    def add_cells(self, scores: SpanScores, cells: Tensor, gradient: Tensor) -> None:
        """Adds, in place, what a gradient (K,) of the scores of cells (K, 4) is for the factors."""
        text, type_, first, last = cells.unbind(1)
        group = _group(scores, type_)
        query, key = scores.query[text, group, first], scores.key[text, group, last]
        self.query.index_put_((text, group, first), gradient[:, None] * key, accumulate=True)
        self.key.index_put_((text, group, last), gradient[:, None] * query, accumulate=True)
        if self.start_bias is not None:
            self.start_bias.index_put_((text, type_, first), gradient, accumulate=True)
        if self.end_bias is not None:
            self.end_bias.index_put_((text, type_, last), gradient, accumulate=True)


class GoldTerms:
    """Both sides of the loss, given the sum over the cells that are neither gold nor ignored.

        positive[b, c] = log(1 + sum t e^-s)        negative[b, c] = log(1 + e^rest + sum (1 - t) e^s)

    over the gold cells of the text and type, with `t` their weights.

    Args:
        scores: Logits of all spans.
        cells: K gold cells, none of them ignored, and their weights.
        rest: (B, C) logarithm of the sum of e^s over the other cells; -inf where there is none.
    """

    def __init__(self, scores: SpanScores, cells: LossCells, rest: Tensor) -> None:
        self._cells, self._shape = cells, rest.shape
        text, type_, _, _ = cells.gold.unbind(1)
        self._pair = text * scores.num_types + type_
        self._logits = _cell_logits(scores, cells.gold)
        self._rest = rest.flatten()
        self._soft = self._logits + (-cells.weights).log1p()
        self._gold = -self._logits + cells.weights.log()
        own = torch.arange(len(self._rest), device=rest.device)
        self.positive = _log_one_plus_sum(self._gold, self._pair, len(self._rest))
        self.negative = _log_one_plus_sum(
            torch.cat([self._rest, self._soft]), torch.cat([own, self._pair]), len(self._rest)
        )

    @property
    def losses(self) -> Tensor:
        """(B, C)."""
        return (self.positive + self.negative).view(self._shape)

    def rest_gradient(self, gradient: Tensor) -> Tensor:
        """Gradient (B, C) of `rest` from that of the losses, (B, C)."""
        return gradient * (self._rest - self.negative).exp().view(self._shape)

    def cell_gradient(self, gradient: Tensor) -> Tensor:
        """Gradient (K,) of the gold cells' scores from that of the losses, (B, C)."""
        soft = (self._soft - self.negative[self._pair]).exp()
        gold = (self._gold - self.positive[self._pair]).exp()
        return gradient.flatten()[self._pair] * (soft - gold)


def without_ignored(cells: LossCells, num_types: int) -> LossCells:
    """The same cells without the gold ones that are to be ignored."""
    if not len(cells.ignore) or not len(cells.gold):
        return cells
    every = cells.ignore[:, 1] == -1
    anywhere = cells.gold.clone()
    anywhere[:, 1] = -1
    kept = ~(_among(cells.gold, cells.ignore[~every], num_types) | _among(anywhere, cells.ignore[every], num_types))
    return LossCells(cells.gold[kept], cells.weights[kept], cells.ignore, cells.max_span_tokens)


def _among(cells: Tensor, others: Tensor, num_types: int) -> Tensor:
    """(K,) bool, which of the cells (K, 4) are among the others (M, 4)."""
    length = 1 + max(int(part[:, 2:].max()) if len(part) else 0 for part in (cells, others))
    place = torch.tensor([(num_types + 1) * length**2, length**2, length, 1], device=cells.device)
    return torch.isin((cells * place).sum(1), (others * place).sum(1))


def _group(scores: SpanScores, type_: Tensor) -> Tensor:
    """The group whose query and key belong to a type."""
    return type_ if scores.query.shape[1] > 1 else torch.zeros_like(type_)


def _cell_logits(scores: SpanScores, cells: Tensor) -> Tensor:
    text, type_, first, last = cells.unbind(1)
    group = _group(scores, type_)
    parts = [scores.query[text, group, first], scores.key[text, group, last]]
    for bias, place in ((scores.start_bias, first), (scores.end_bias, last)):
        parts.append(scores.query.new_zeros(len(cells)) if bias is None else bias[text, type_, place])
    query, key, start, end = (part if part.dtype == torch.float64 else part.float() for part in parts)
    return (query * key).sum(-1) + start + end


def _log_one_plus_sum(values: Tensor, place: Tensor, count: int) -> Tensor:
    """log(1 + sum e^values) for each of `count` places (N,), precise where the sum is tiny and where it is huge."""
    highest = values.detach().new_zeros(count).scatter_reduce(0, place, values.detach(), "amax")
    total = values.new_zeros(count).index_add(0, place, (values - highest[place]).exp())
    return torch.where(highest > 0, highest + (total + (-highest).exp()).log(), total.log1p())
