"""Sum over the negative cells where all types share query and key (Efficient GlobalPointer), as matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from globalner.kernels.exact_rows import ExactRows, add_exact_gradients, exact_sums, gather_rows
from globalner.kernels.gold_cells import LossCells, left_out
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

    def own(self, cells: Tensor) -> Tensor:
        """Cells (N, 4) (text, type, first, last) or (N, 3) (text, first, last) of its texts, counted from its first.

        Types are counted from its first one too, and not looked at.
        """
        cells = cells[(cells[:, 0] >= self.texts.start) & (cells[:, 0] < self.texts.stop)].clone()
        cells[:, 0] -= self.texts.start
        if cells.shape[1] == 4:
            cells[:, 1] -= self.types.start
        return cells


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
        self._excluded, self._ignored_for_all = left_out(cells)
        self._exact: list[tuple[_Chunk, ExactRows]] = []
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
            made, exact = self._with_exact_rows(scores, chunk, *_row_sums(squares, chunk))
            sums[chunk.texts, chunk.types] = made.logsumexp(-1)
            if rows is None:
                continue
            if exact is not None:
                self._exact.append((chunk, exact))
                text, slot = exact.filled.nonzero(as_tuple=True)
                made[text, exact.types[text, slot], exact.firsts[text, slot]] = -torch.inf
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
        for chunk, exact in self._exact:
            factors = (sums[chunk.texts, chunk.types, 0], log_sum_gradient[chunk.texts, chunk.types])
            add_exact_gradients(made.part(chunk.texts, chunk.types), _part(scores, chunk), exact, *factors)
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
        return SharedSquares(scores, self._ignored_for_all, self._limit, self._size)

    def _with_exact_rows(
        self, scores: SpanScores, chunk: _Chunk, sums: Tensor, bounds: Tensor
    ) -> tuple[Tensor, ExactRows | None]:
        """Sums with the right value where a row holds excluded cells or is not trusted, and these rows.

        `bounds` are what `sums` are relative to; they are -inf where a row has no cell.
        """
        excluded = chunk.own(self._excluded)
        excluded = excluded[(excluded[:, 1] >= 0) & (excluded[:, 1] < sums.shape[1])]
        holding = torch.zeros_like(sums, dtype=torch.bool)
        holding[excluded[:, 0], excluded[:, 1], excluded[:, 2]] = True
        holding &= bounds > -torch.inf
        # NaN where a row is closed, which compares as false.
        lost = (sums - bounds < _TRUSTED) & ~holding
        surely = sums.masked_fill(lost | holding, -torch.inf).logsumexp(-1, keepdim=True).clamp_(min=0)
        lost &= bounds + _LOST > surely - _NEGLIGIBLE
        self.recomputed_rows += int(lost.sum())
        flagged = holding | lost
        if not bool(flagged.any()):
            return sums, None
        exact = gather_rows(flagged, excluded, chunk.own(self._ignored_for_all), self._limit)
        top, total = exact_sums(_part(scores, chunk), exact)
        text, slot = exact.filled.nonzero(as_tuple=True)
        sums[text, exact.types[text, slot], exact.firsts[text, slot]] = (top + total.log())[text, slot]
        return sums, exact

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
        query, key = scores.query[chunk.texts, 0], scores.key[chunk.texts, 0]
        ends = torch.zeros_like(chunk.columns)
        for tile, cells, peaks in _relative(squares.tiles(chunk.texts)):
            bounds = start[..., tile.rows] + peaks.unsqueeze(1) + chunk.highest
            enough = self._rows[chunk.texts, chunk.types, tile.rows] - bounds > _TRUSTED - _LOG_2  # type: ignore[index]
            rows = (bounds - sums).exp_().mul_(weight).masked_fill_(~enough, 0)
            ends[..., tile.columns] += rows @ cells
            cells.mul_(rows.transpose(1, 2) @ chunk.columns[..., tile.columns])
            made.query[chunk.texts, 0, tile.rows] += cells @ key[:, tile.columns]
            made.key[chunk.texts, 0, tile.columns] += cells.transpose(1, 2) @ query[:, tile.rows]
        assert made.end_bias is not None
        made.end_bias[chunk.texts, chunk.types] = ends.mul_(chunk.columns)


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


def _part(scores: SpanScores, chunk: _Chunk) -> SpanScores:
    """The scores of a chunk's texts and types."""
    start, end = (
        None if bias is None else bias[chunk.texts, chunk.types] for bias in (scores.start_bias, scores.end_bias)
    )
    start_mask, end_mask = (
        None if mask is None else mask[chunk.texts] for mask in (scores.start_mask, scores.end_mask)
    )
    return SpanScores(scores.query[chunk.texts], scores.key[chunk.texts], start, end, start_mask, end_mask)
