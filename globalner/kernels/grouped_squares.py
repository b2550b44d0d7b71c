"""Tiles of the squares of scores where every type has a query and key of its own (GlobalPointer)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from globalner.kernels.scores import SpanScores
from globalner.kernels.tiles import Tile, TileSize, close_outside_band, extent_of, tiles_of

__all__ = ["GroupedSquares", "Squares", "mask_terms"]


@dataclass(frozen=True, eq=False, slots=True)
class Squares:
    """n consecutive squares, each of one text and type.

    `query` (n, L, D + 2) holds [q, row term, 1] and `key` (n, L, D + 2) [k, 1, column term], so that one product gives
    the logit less its reference, -inf where a mask closes the cell; without masks, biases and references they are plain
    (n, L, D).

    Attributes:
        pairs: Which of the B * C squares they are.
        query: See above.
        key: See above.
        width: D.
    """

    pairs: slice
    query: Tensor
    key: Tensor
    width: int


class GroupedSquares:
    """The B * C squares of scores with G = C groups, cut into tiles.

    Args:
        scores: In fp32 or fp64.
        excluded: (K, 4) long: text, type, first, last; sorted, cells to leave out.
        max_span_tokens: Longest span; None for no limit.
        size: Of the tiles.
    """

    def __init__(self, scores: SpanScores, excluded: Tensor, max_span_tokens: int | None, size: TileSize) -> None:
        self._scores, self._limit, self._size = scores, max_span_tokens, size
        self._types, self._masks = scores.num_types, mask_terms(scores)
        self._excluded_pair = excluded[:, 0] * self._types + excluded[:, 1]
        self._excluded = excluded[:, 2:]

    def chunks(self) -> Iterator[slice]:
        """Squares to be worked on at once: those of whole texts, or some types of one text."""
        count = len(self._scores.query) * self._types
        together = self._size.together(self._scores.query.shape[2])
        whole = together - together % self._types
        for begin in range(0, count, whole or self._types):
            end = min(begin + (whole or self._types), count)
            for first in range(begin, end, whole or together):
                yield slice(first, min(first + (whole or together), end))

    def take(self, pairs: slice, reference: Tensor | None = None) -> Squares:
        """Some squares, their logits less a reference (n,)."""
        scores = self._scores
        query, key = (part.flatten(0, 1)[pairs] for part in (scores.query, scores.key))
        terms = (scores.start_bias, scores.end_bias, scores.start_mask, scores.end_mask)
        if all(term is None for term in terms) and (reference is None or not bool(reference.any())):
            return Squares(pairs, query, key, query.shape[-1])
        row, column = (self._terms(pairs, *term) for term in zip(terms[:2], self._masks, strict=True))
        if reference is not None:
            row = row - reference[:, None]
        one = torch.ones_like(query[..., :1])
        return Squares(
            pairs,
            torch.cat([query, row.expand(query.shape[:2]).unsqueeze(-1), one], -1),
            torch.cat([key, one, column.expand(query.shape[:2]).unsqueeze(-1)], -1),
            query.shape[-1],
        )

    def tiles(self, squares: Squares) -> Iterator[tuple[Tile, Tensor]]:
        """Tiles with the logits (n, rows, columns) of their cells, -inf for those that are closed or left out.

        The logits of a tile are overwritten by those of the next.
        """
        pairs = squares.pairs
        begin, end = torch.searchsorted(
            self._excluded_pair, self._excluded_pair.new_tensor([pairs.start, pairs.stop])
        ).tolist()
        square = self._excluded_pair[begin:end] - pairs.start
        first, last = self._excluded[begin:end].unbind(1)
        texts = slice(pairs.start // self._types, (pairs.stop - 1) // self._types + 1)
        # One piece of memory for all tiles: fresh pages cost as much time as the exponentials.
        memory = squares.query.new_empty(0)
        for tile in tiles_of(extent_of(self._scores, texts), self._size, self._limit):
            query, key = squares.query[:, tile.rows], squares.key[:, tile.columns]
            memory.resize_(max(len(memory), len(query) * query.shape[1] * key.shape[1]))
            logits = memory[: len(query) * query.shape[1] * key.shape[1]].view(-1, query.shape[1], key.shape[1])
            torch.bmm(query, key.transpose(1, 2), out=logits)
            close_outside_band(logits, tile, self._limit)
            if end > begin:
                inside = tile.holds(first, last)
                place = (square[inside], first[inside] - tile.first_row, last[inside] - tile.first_column)
                logits.index_put_(place, logits.new_tensor(-torch.inf))
            yield tile, logits

    def _terms(self, pairs: slice, bias: Tensor | None, mask: Tensor | None) -> Tensor:
        """(n, L) or (n, 1): what is added to every logit of a row (or column)."""
        term = self._scores.query.new_zeros(pairs.stop - pairs.start, 1)
        if bias is not None:
            term = term + bias.flatten(0, 1)[pairs]
        if mask is not None:
            term = term + mask[torch.arange(pairs.start, pairs.stop, device=mask.device) // self._types, 0]
        return term


def mask_terms(scores: SpanScores) -> tuple[Tensor | None, Tensor | None]:
    """(B, 1, L) for first and for last tokens: 0 where the mask is open, -inf where it is closed."""
    zero = scores.query.new_zeros(())
    start, end = (
        None if mask is None else torch.where(mask, zero, -torch.inf).unsqueeze(1)
        for mask in (scores.start_mask, scores.end_mask)
    )
    return start, end
