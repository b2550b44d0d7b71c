"""Tiles of the products of query and key where all types share them (Efficient GlobalPointer)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from globalner.kernels.scores import SpanScores
from globalner.kernels.tiles import Tile, TileSize, close_outside_band, extent_of, tiles_of

__all__ = ["SharedSquares"]


class SharedSquares:
    """The B squares of products of query and key, cut into tiles as wide as the text.

    Args:
        scores: With one group, in fp32 or fp64.
        closed: (M, 3) long: text, first, last; cells to leave out for every type.
        max_span_tokens: Longest span; None for no limit.
        size: Of the tiles; very long texts have fewer rows.
    """

    def __init__(self, scores: SpanScores, closed: Tensor, max_span_tokens: int | None, size: TileSize) -> None:
        self._scores, self._closed, self._limit = scores, closed, max_span_tokens
        length = scores.query.shape[2]
        self._size = replace(size, columns=length, rows=max(1, min(size.rows, size.cells // length)))

    def texts(self) -> Iterator[slice]:
        """Texts to be worked on at once."""
        batch, _, length, _ = self._scores.query.shape
        step = min(batch, self._size.together(length))
        for first in range(0, batch, step):
            yield slice(first, min(first + step, batch))

    def tiles(self, texts: slice) -> Iterator[tuple[Tile, Tensor]]:
        """Tiles with the products (n, rows, columns) of query and key, -inf for cells that are closed or left out."""
        scores = self._scores
        query, key = scores.query[texts, 0], scores.key[texts, 0]
        closed = None if scores.end_mask is None else ~scores.end_mask[texts, None]
        text, first, last = self._closed.unbind(1)
        for tile in tiles_of(extent_of(scores, texts), self._size, self._limit):
            products = query[:, tile.rows] @ key[:, tile.columns].transpose(1, 2)
            close_outside_band(products, tile, self._limit)
            if closed is not None:
                products.masked_fill_(closed[..., tile.columns], -torch.inf)
            if len(self._closed):
                inside = (text >= texts.start) & (text < texts.stop) & tile.holds(first, last)
                place = (text[inside] - texts.start, first[inside] - tile.first_row, last[inside] - tile.first_column)
                products.index_put_(place, products.new_tensor(-torch.inf))
            yield tile, products

    def start_terms(self, texts: slice, types: slice) -> Tensor:
        """(n, C', L) start biases, -inf where the mask is closed."""
        return self._terms(self._scores.start_bias, self._scores.start_mask, texts, types)

    def end_terms(self, texts: slice, types: slice) -> Tensor:
        """(n, C', L) end biases, -inf where the mask is closed."""
        return self._terms(self._scores.end_bias, self._scores.end_mask, texts, types)

    def _terms(self, bias: Tensor | None, mask: Tensor | None, texts: slice, types: slice) -> Tensor:
        scores = self._scores
        shape = (len(scores.query), scores.num_types, scores.query.shape[2])
        terms = (scores.query.new_zeros(()).expand(shape) if bias is None else bias)[texts, types]
        return terms if mask is None else terms.masked_fill(~mask[texts, None], -torch.inf)
