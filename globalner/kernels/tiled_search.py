"""Span search tile by tile in plain torch: only the spans above the threshold leave a tile."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from globalner.kernels.grouped_squares import GroupedSquares
from globalner.kernels.scores import FoundSpans, SpanScores
from globalner.kernels.shared_squares import SharedSquares
from globalner.kernels.span_collection import SpanCollection
from globalner.kernels.tiles import TileSize

__all__ = ["tiled_search"]


def tiled_search(
    scores: SpanScores,
    thresholds: Tensor,
    max_span_tokens: int | None,
    top_k: int | None,
    size: TileSize | None = None,
) -> FoundSpans:
    """Spans strictly above `thresholds` (C,), the `top_k` highest of each text; see `find_spans`.

    Never holds many more than `top_k` spans a text, however many lie above the threshold.

    Args:
        scores: Logits of all spans.
        thresholds: (C,).
        max_span_tokens: Longest span; None for no limit.
        top_k: At most so many spans a text; None for all.
        size: Of the tiles.
    """
    scores, size = scores.in_full_precision(), size or TileSize()
    found = SpanCollection(len(scores.query), top_k, scores.query)
    grouped = scores.query.shape[1] == scores.num_types
    search = _grouped_scorers if grouped else _shared_scorer
    for cells, logits in search(scores, thresholds, max_span_tokens, size):
        found.add(cells, logits)
    return found.spans()


def _grouped_scorers(
    scores: SpanScores, thresholds: Tensor, max_span_tokens: int | None, size: TileSize
) -> Iterator[tuple[Tensor, Tensor]]:
    """Cells (N, 4) above the threshold and their logits (N,), in parts."""
    types = scores.num_types
    nothing = torch.empty(0, 4, dtype=torch.long, device=scores.query.device)
    squares = GroupedSquares(scores, nothing, max_span_tokens, size)
    for pairs in squares.chunks():
        limit = thresholds[torch.arange(pairs.start, pairs.stop, device=thresholds.device) % types]
        for tile, logits in squares.tiles(squares.take(pairs)):
            square, row = (logits.amax(-1) > limit[:, None]).nonzero(as_tuple=True)
            rows = logits[square, row]
            place, column = (rows > limit[square, None]).nonzero(as_tuple=True)
            pair, first, last = pairs.start + square[place], tile.first_row + row[place], tile.first_column + column
            yield torch.stack([pair // types, pair % types, first, last], 1), rows[place, column]


def _shared_scorer(
    scores: SpanScores, thresholds: Tensor, max_span_tokens: int | None, size: TileSize
) -> Iterator[tuple[Tensor, Tensor]]:
    """As `_grouped_scorers`. Rows whose highest product and biases together stay below are left out."""
    nothing = torch.empty(0, 3, dtype=torch.long, device=scores.query.device)
    squares = SharedSquares(scores, nothing, max_span_tokens, size)
    every = slice(0, scores.num_types)
    for texts in squares.texts():
        start, end = squares.start_terms(texts, every), squares.end_terms(texts, every)
        highest = end.amax(-1, keepdim=True) - thresholds[:, None]
        for tile, products in squares.tiles(texts):
            starts, ends = start[..., tile.rows], end[..., tile.columns]
            bounds = products.amax(-1).unsqueeze(1) + starts + highest
            # The bound adds in another order than the logit: it may lie below it by some roundings.
            rows = (bounds > -_rounding(bounds)).nonzero()
            for part in torch.split(rows, max(1, size.cells // products.shape[-1])):
                text, type_, row = part.unbind(1)
                logits = (products[text, row] + starts[text, type_, row, None]) + ends[text, type_]
                place, column = (logits > thresholds[type_, None]).nonzero(as_tuple=True)
                first, last = tile.first_row + row[place], tile.first_column + column
                cells = torch.stack([texts.start + text[place], type_[place], first, last], 1)
                yield cells, logits[place, column]


def _rounding(bounds: Tensor) -> Tensor:
    return 16 * torch.finfo(bounds.dtype).eps * bounds.abs().nan_to_num(posinf=0.0).amax().clamp(min=1)
