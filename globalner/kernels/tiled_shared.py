"""Sum over the negative cells where all types share query and key (Efficient GlobalPointer), as matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from globalner.kernels.exact_rows import ExactRows
from globalner.kernels.gold_cells import LossCells
from globalner.kernels.gold_terms import ScoreGradients
from globalner.kernels.scores import SpanScores
from globalner.kernels.shared_squares import SharedSquares
from globalner.kernels.tiles import Tile, TileSize

__all__ = ["SharedScorerSum"]

_LOG_2 = 0.6931471805599453
# Factored row sums above 2^-80 have lost nothing to underflow; what was below stayed below 2^-79.
_TRUSTED, _LOST = -80 * _LOG_2, -79 * _LOG_2
# Rows this far below the sum of their type, or below the 1 of the zero class, change no digit of it.
_NEGLIGIBLE = 30.0
_TYPE_CELLS = 1 << 21


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some texts and some types; `columns` (n, C', L) is e^(end bias - highest) and `highest` (n, C', 1)."""

    texts: slice
    types: slice
    columns: Tensor
    highest: Tensor


class SharedScorerSum:
    """Logarithm of the sum of e^s over the allowed cells of each text and type that are not excluded.

        sum_ij e^(qk_ij + a_ci + b_cj) = sum_i e^(a_ci) sum_j e^(qk_ij) e^(b_cj)

    is a matrix product of (L, L) by (L, C), so a type costs no exponentials of its own. In fp32 it is made relative to
    the row's highest qk, m_i, and the type's highest b, M_c; where these peaks lie on different tokens the product of a
    row can underflow, though its true value is not small. A row of a type is trusted while its sum is above 2^-80, or
    where even its bound is nothing beside the sum of its type or the zero class; other rows are computed exactly, and
    so are the few that hold excluded cells, without these.

    Args:
        cells: Gold and ignored cells: all of them are excluded.
        num_types: C.
        size: Of the tiles, which are as wide as the text here.

    Attributes:
        recomputed_rows: How many rows were not trusted.
    """

    def __init__(self, cells: LossCells, num_types: int, size: TileSize) -> None:
        self._size, self._types, self._limit = size, num_types, cells.max_span_tokens
        every = cells.ignore[:, 1] == -1
        self._closed = torch.unique(cells.ignore[every][:, [0, 2, 3]], dim=0)
        self._excluded = torch.unique(torch.cat([cells.gold, cells.ignore[~every]]), dim=0)
        self._exact: list[ExactRows] = []
        self.recomputed_rows = 0

    def log_sums(self, scores: SpanScores, *, with_gradients: bool) -> Tensor:
        """(B, C) logarithms, -inf where there is no cell.

        Args:
            scores: With one group and biases, in fp32 or fp64.
            with_gradients: Whether `gradients` will be asked for.
        """
        batch, _, length, _ = scores.query.shape
        self._exact = []
        sums = scores.query.new_empty(batch, self._types)
        rows = scores.query.new_full((batch, self._types, length), -torch.inf) if with_gradients else None
        squares = self._squares(scores)
        for chunk in self._chunks(squares, length):
            made = self._with_exact_rows(scores, chunk, *_row_sums(squares, chunk))
            sums[chunk.texts, chunk.types] = made.logsumexp(-1)
            if rows is not None:
                rows[chunk.texts, chunk.types] = made
        self._rows, self._sums = rows, sums
        return sums.clone()

    def gradients(self, scores: SpanScores, log_sum_gradient: Tensor) -> ScoreGradients:
        """Gradients of the factors from one (B, C) of `log_sums`, which was called with the same scores."""
        query, key = (
            torch.zeros_like(part, memory_format=torch.contiguous_format) for part in (scores.query, scores.key)
        )
        assert self._rows is not None
        # Types without a cell have a gradient of 0.
        sums = self._sums.nan_to_num(neginf=0.0).unsqueeze(-1)
        weight = log_sum_gradient.unsqueeze(-1)
        start = (self._rows - sums).exp_().mul_(weight)
        end = torch.zeros_like(start)
        made = ScoreGradients(query, key, start, end)
        squares = self._squares(scores)
        for chunk in self._chunks(squares, scores.query.shape[2]):
            self._add_chunk(scores, squares, chunk, (weight, sums), made)
        for rows in self._exact:
            rows.add_gradients(scores, (log_sum_gradient, sums[..., 0]), made)
        return replace(
            made,
            start_bias=None if scores.start_bias is None else start,
            end_bias=None if scores.end_bias is None else end,
        )

    def _chunks(self, squares: SharedSquares, length: int) -> Iterator[_Chunk]:
        for texts in squares.texts():
            step = max(1, _TYPE_CELLS // ((texts.stop - texts.start) * length))
            for first in range(0, self._types, step):
                types = slice(first, min(first + step, self._types))
                end = squares.end_terms(texts, types)
                highest = end.amax(-1, keepdim=True).nan_to_num(neginf=0.0)
                yield _Chunk(texts, types, (end - highest).exp(), highest)

    def _squares(self, scores: SpanScores) -> SharedSquares:
        return SharedSquares(scores, self._closed, self._limit, self._size)

    def _with_exact_rows(self, scores: SpanScores, chunk: _Chunk, sums: Tensor, bounds: Tensor) -> Tensor:
        """Puts the right value where a row holds excluded cells or is not trusted. `bounds` are what sums are above."""
        text, type_, first, _ = self._excluded.unbind(1)
        inside = (text >= chunk.texts.start) & (text < chunk.texts.stop)
        inside &= (type_ >= chunk.types.start) & (type_ < chunk.types.stop)
        holding = torch.zeros_like(sums, dtype=torch.bool)
        holding[text[inside] - chunk.texts.start, type_[inside] - chunk.types.start, first[inside]] = True
        # NaN where a row is closed, which compares as false.
        lost = (sums - bounds < _TRUSTED) & ~holding
        surely = sums.masked_fill(lost | holding, -torch.inf).logsumexp(-1, keepdim=True).clamp_(min=0)
        lost &= bounds + _LOST > surely - _NEGLIGIBLE
        self.recomputed_rows += int(lost.sum())
        place = (holding | lost).nonzero()
        if len(place):
            rows = place + place.new_tensor([chunk.texts.start, chunk.types.start, 0])
            exact = ExactRows(rows, self._excluded[inside], self._closed, self._limit)
            sums[tuple(place.unbind(1))] = exact.log_sums(scores)
            self._exact.append(exact)
        return sums

    def _add_chunk(
        self,
        scores: SpanScores,
        squares: SharedSquares,
        chunk: _Chunk,
        factors: tuple[Tensor, Tensor],
        made: ScoreGradients,
    ) -> None:
        """Adds the gradients of the trusted rows, and end biases'. `factors`: gradients of the sums, and the sums."""
        weight, sums = (part[chunk.texts, chunk.types] for part in factors)
        start = squares.start_terms(chunk.texts, chunk.types)
        trusted = self._trusted(chunk)
        query, key = scores.query[chunk.texts, 0], scores.key[chunk.texts, 0]
        ends = torch.zeros_like(chunk.columns)
        for tile, cells, peaks in _relative(squares.tiles(chunk.texts)):
            bounds = start[..., tile.rows] + peaks.unsqueeze(1) + chunk.highest
            enough = self._rows[chunk.texts, chunk.types, tile.rows] - bounds > _TRUSTED - _LOG_2  # type: ignore[index]
            rows = (bounds - sums).exp_().mul_(weight).masked_fill_(~(enough & trusted[..., tile.rows]), 0)
            ends[..., tile.columns] += rows @ cells
            cells.mul_(rows.transpose(1, 2) @ chunk.columns[..., tile.columns])
            made.query[chunk.texts, 0, tile.rows] += cells @ key[:, tile.columns]
            made.key[chunk.texts, 0, tile.columns] += cells.transpose(1, 2) @ query[:, tile.rows]
        assert made.end_bias is not None
        made.end_bias[chunk.texts, chunk.types] = ends.mul_(chunk.columns)

    def _trusted(self, chunk: _Chunk) -> Tensor:
        """(n, C', L) bool: rows that were not computed exactly."""
        trusted = torch.ones_like(chunk.columns, dtype=torch.bool)
        for exact in self._exact:
            text, type_, first = exact.rows.unbind(1)
            inside = (text >= chunk.texts.start) & (text < chunk.texts.stop)
            inside &= (type_ >= chunk.types.start) & (type_ < chunk.types.stop)
            trusted[text[inside] - chunk.texts.start, type_[inside] - chunk.types.start, first[inside]] = False
        return trusted


def _relative(tiles: Iterator[tuple[Tile, Tensor]]) -> Iterator[tuple[Tile, Tensor, Tensor]]:
    """Tiles with e^(product - peak) (n, rows, columns), 0 for closed cells, and the peaks (n, rows).

    Peaks are -inf in rows without an open cell.
    """
    for tile, products in tiles:
        peaks = products.amax(-1)
        yield tile, products.sub_(peaks.nan_to_num(neginf=0.0).unsqueeze(-1)).exp_(), peaks


def _row_sums(squares: SharedSquares, chunk: _Chunk) -> tuple[Tensor, Tensor]:
    """(n, C', L) logarithms of the factored sums of the rows, start bias included, and what they are relative to."""
    start = squares.start_terms(chunk.texts, chunk.types)
    sums = torch.full_like(start, -torch.inf, memory_format=torch.contiguous_format)
    bounds = sums.clone()
    for tile, cells, peaks in _relative(squares.tiles(chunk.texts)):
        product = chunk.columns[..., tile.columns] @ cells.transpose(1, 2)
        bounds[..., tile.rows] = start[..., tile.rows] + peaks.unsqueeze(1) + chunk.highest
        sums[..., tile.rows] = bounds[..., tile.rows] + product.log_()
    return sums, bounds
