"""Sum over the negative cells where every type has a query and key of its own (GlobalPointer), tile by tile."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.kernels.gold_cells import LossCells, expand_ignore
from globalner.kernels.gold_terms import ScoreGradients
from globalner.kernels.grouped_squares import GroupedSquares, Squares, mask_terms
from globalner.kernels.scores import SpanScores
from globalner.kernels.tiles import Tile, TileSize

__all__ = ["GroupedScorersSum"]

# A reference of 0 is exact up to here: e^60 times all the cells of a square and a key of 1e6 stays inside fp32.
_SAFE_LOGIT = 60.0
# Sums of e^(s - reference) above this have lost nothing to underflow: what they lack is 2^-46 of them at most.
_TRUSTED = 2.0**-80


class GroupedScorersSum:
    """Logarithm of the sum of e^s over the allowed cells of each text and type that are not excluded.

    The gradient is known up to one factor for each text and type before the sum is, so it is accumulated in the same
    visit of a tile as the sum: three matrix products and one exponential for each cell.

    Logits are taken relative to a reference r that no logit exceeds by more than 60: the bound max |q| max |k| of
    Cauchy and Schwarz, less 60. Where this loose bound makes a sum underflow, the largest logit is searched for, and
    that square is visited again.

    Args:
        cells: Gold and ignored cells: all of them are excluded.
        num_types: C.
        size: Of the tiles.

    Attributes:
        visited_again: How many squares had to be.
    """

    def __init__(self, cells: LossCells, num_types: int, size: TileSize) -> None:
        self._limit, self._size = cells.max_span_tokens, size
        self._excluded = torch.unique(torch.cat([cells.gold, expand_ignore(cells.ignore, num_types)]), dim=0)
        self._gradients: ScoreGradients | None = None
        self.visited_again = 0

    def log_sums(self, scores: SpanScores, *, with_gradients: bool) -> Tensor:
        """(B, C) logarithms, -inf where there is no cell.

        Args:
            scores: With G = C groups, in fp32 or fp64.
            with_gradients: Whether `gradients` will be asked for.
        """
        squares = GroupedSquares(scores, self._excluded, self._limit, self._size)
        gradients = _zeros(scores) if with_gradients else None
        reference = (_bounds(scores) - _SAFE_LOGIT).clamp(min=0)
        total = torch.empty_like(reference)
        for pairs in squares.chunks():
            total[pairs] = _visit(squares, squares.take(pairs, reference[pairs]), gradients)
            lost = (total[pairs] < _TRUSTED) & (reference[pairs] > 0)
            for place in (pairs.start + lost.nonzero().flatten()).tolist():
                self.visited_again += 1
                pair = slice(place, place + 1)
                reference[pair] = (_highest(squares, squares.take(pair)) - _SAFE_LOGIT).clamp(min=0)
                total[pair] = _visit(squares, squares.take(pair, reference[pair]), gradients)
        self._total, self._gradients = total, gradients
        return (reference + total.log()).view(len(scores.query), scores.num_types)

    def gradients(self, scores: SpanScores, log_sum_gradient: Tensor) -> ScoreGradients:
        """Gradients of the factors from one (B, C) of `log_sums`, which was called with the same scores.

        What was accumulated is scaled in place and handed out; a second call accumulates anew.
        """
        if self._gradients is None:
            self.log_sums(scores, with_gradients=True)
        made, self._gradients = self._gradients, None
        assert made is not None
        factor = (log_sum_gradient.flatten() / self._total).masked_fill_(self._total == 0, 0)
        factor = factor.view(log_sum_gradient.shape).unsqueeze(-1)
        for gradient in (made.query, made.key):
            gradient.mul_(factor.unsqueeze(-1))
        for bias in (made.start_bias, made.end_bias):
            if bias is not None:
                bias.mul_(factor)
        return made


def _visit(squares: GroupedSquares, some: Squares, gradients: ScoreGradients | None) -> Tensor:
    """Sums (n,) of e^(logit - reference); gradients of these squares are made anew."""
    total = some.query.new_zeros(len(some.query))
    sums = None if gradients is None else _cleared(gradients, some.pairs)
    for tile, logits in squares.tiles(some):
        cells = logits.exp_()
        rows = cells.sum(-1)
        total += rows.sum(-1)
        if sums is not None:
            _accumulate(sums, some, tile, cells, rows)
    return total


def _highest(squares: GroupedSquares, some: Squares) -> Tensor:
    """(n,) the highest logit of each square that counts; 0 where none does."""
    highest = some.query.new_full((len(some.query),), -torch.inf)
    for _, logits in squares.tiles(some):
        highest = torch.maximum(highest, logits.amax((-1, -2)))
    return highest.nan_to_num(neginf=0.0)


def _accumulate(sums: ScoreGradients, squares: Squares, tile: Tile, cells: Tensor, rows: Tensor) -> None:
    """Adds what the cells (n, rows, columns) of a tile give; `rows` are their sums."""
    width = squares.width
    sums.query[:, tile.rows] += cells @ squares.key[:, tile.columns, :width]
    sums.key[:, tile.columns] += cells.transpose(1, 2) @ squares.query[:, tile.rows, :width]
    if sums.start_bias is not None:
        sums.start_bias[:, tile.rows] += rows
    if sums.end_bias is not None:
        sums.end_bias[:, tile.columns] += cells.sum(1)


def _zeros(scores: SpanScores) -> ScoreGradients:
    query, key, start, end = (
        None if part is None else torch.zeros_like(part, memory_format=torch.contiguous_format)
        for part in (scores.query, scores.key, scores.start_bias, scores.end_bias)
    )
    assert query is not None
    assert key is not None
    return ScoreGradients(query, key, start, end)


def _cleared(gradients: ScoreGradients, pairs: slice) -> ScoreGradients:
    """Views (n, L, ...) of the gradients of some squares, set to 0."""
    parts = (gradients.query, gradients.key, gradients.start_bias, gradients.end_bias)
    query, key, start, end = (None if part is None else part.view(-1, *part.shape[2:])[pairs].zero_() for part in parts)
    assert query is not None
    assert key is not None
    return ScoreGradients(query, key, start, end)


def _bounds(scores: SpanScores) -> Tensor:
    """(B * C,) what no logit of a square exceeds."""
    start, end = mask_terms(scores)
    bound = _longest(scores.query, start) * _longest(scores.key, end)
    for bias, mask in ((scores.start_bias, start), (scores.end_bias, end)):
        if bias is not None:
            bound = bound + (bias if mask is None else bias + mask).amax(-1)
    # -inf where a text allows nothing: any number will do.
    return bound.nan_to_num(neginf=0.0).flatten()


def _longest(vectors: Tensor, mask: Tensor | None) -> Tensor:
    """(B, C) length of the longest vector (B, C, L, D) at a token that is open."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return (lengths if mask is None else lengths.masked_fill(mask == -torch.inf, 0)).amax(-1)
