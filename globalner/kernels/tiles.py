"""Which tiles of the square of scores have to be visited, and which cells of a tile are closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from globalner.kernels.scores import SpanScores

__all__ = ["Tile", "TileSize", "close_outside_band", "extent_of", "tiles_of"]


@dataclass(frozen=True, slots=True)
class TileSize:
    """How large a tile is.

    Attributes:
        rows: First tokens in a tile.
        columns: Last tokens in a tile, at most.
        cells: Scores that are computed at once, over all texts and types that are taken together.
    """

    rows: int = 64
    columns: int = 512
    cells: int = 1 << 19

    def together(self, length: int) -> int:
        """How many squares of a side of `length` tokens are worked on at once."""
        return max(1, self.cells // (min(self.rows, length) * min(self.columns, length)))


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows [first_row, end_row) and columns [first_column, end_column) of a square of scores."""

    first_row: int
    end_row: int
    first_column: int
    end_column: int

    @property
    def rows(self) -> slice:
        """The first tokens of its spans."""
        return slice(self.first_row, self.end_row)

    @property
    def columns(self) -> slice:
        """The last tokens of its spans."""
        return slice(self.first_column, self.end_column)

    def holds(self, first: Tensor, last: Tensor) -> Tensor:
        """(K,) bool, which of some spans (first (K,), last (K,)) are among its cells."""
        inside = (first >= self.first_row) & (first < self.end_row)
        return inside & (last >= self.first_column) & (last < self.end_column)


def extent_of(scores: SpanScores, texts: slice) -> Tile:
    """The one tile that holds all spans of some texts; what lies outside is padding."""
    length = scores.query.shape[2]
    rows = _first_and_end(scores.start_mask, texts, length)
    columns = _first_and_end(scores.end_mask, texts, length)
    return Tile(*rows, *columns)


def tiles_of(extent: Tile, size: TileSize, max_span_tokens: int | None) -> Iterator[Tile]:
    """Tiles on and above the diagonal and within the band, row by row."""
    for first_row in range(extent.first_row, extent.end_row, size.rows):
        end_row = min(first_row + size.rows, extent.end_row)
        end = extent.end_column if max_span_tokens is None else min(extent.end_column, end_row + max_span_tokens - 1)
        for first_column in range(max(first_row, extent.first_column), end, size.columns):
            yield Tile(first_row, end_row, first_column, min(first_column + size.columns, end))


def close_outside_band(logits: Tensor, tile: Tile, max_span_tokens: int | None) -> None:
    """Makes logits (n, rows, columns) of a tile -inf, in place, where last comes before first, or too late."""
    row = torch.arange(tile.first_row, tile.end_row, device=logits.device)[:, None]
    column = torch.arange(tile.first_column, tile.end_column, device=logits.device)
    early = max(0, tile.end_row - 1 - tile.first_column)
    if early:
        logits[..., :early].masked_fill_(column[:early] < row, -torch.inf)
    if max_span_tokens is not None:
        late = max(0, tile.first_row + max_span_tokens - tile.first_column)
        logits[..., late:].masked_fill_(column[late:] - row >= max_span_tokens, -torch.inf)


def _first_and_end(mask: Tensor | None, texts: slice, length: int) -> tuple[int, int]:
    if mask is None:
        return 0, length
    places = mask[texts].any(0).nonzero()
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
