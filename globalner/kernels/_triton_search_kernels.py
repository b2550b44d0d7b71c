"""Triton kernels of the span search: how many spans each tile holds, then the spans of the tiles that hold any.

Imported only where Triton is installed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import triton
import triton.language as tl

from globalner.kernels._triton_tile_kernels import add_biases, close_cells, column_range, load_tokens
from globalner.kernels._triton_tiles import Tile
from globalner.kernels.triton_operands import ScoreOperands

__all__ = ["FullTiles", "Limits", "count_spans", "write_spans"]


class Limits(NamedTuple):
    """What spans have to exceed, and what no tile can exceed.

    Attributes:
        thresholds: (C,) fp32.
        start_top, end_top: (B, C, row tiles), (B, C, column tiles) fp32, the largest bias of a tile.
        groups: G.
        together: How many types share one query-key product: C / G.
        share: How many of these one program walks through.
    """

    thresholds: Any
    start_top: Any
    end_top: Any
    groups: int
    together: int
    share: int


class FullTiles(NamedTuple):
    """Tiles that hold spans, and where these go.

    Attributes:
        tiles: (T,) long, index into (B, C, row tiles, column tiles).
        offsets: (T + 1,) long, where the spans of each tile begin.
        keys: (N,) long, ((text * C + type) * L + first) * L + last.
        logits: (N,) fp32.
    """

    tiles: Any
    offsets: Any
    keys: Any
    logits: Any


@triton.jit
def closed_products(
    operands: ScoreOperands,
    text: tl.tensor,
    group: tl.tensor,
    first_row: tl.tensor,
    first_column: tl.tensor,
    tile: Tile,
) -> tl.tensor:
    """Query-key products of a tile, -inf where no span may be."""
    rows = first_row + tl.arange(0, tile.rows)
    columns = first_column + tl.arange(0, tile.columns)
    query = load_tokens(operands.query, text, group, rows, operands.length, tile)
    key = load_tokens(operands.key, text, group, columns, operands.length, tile)
    products = tl.dot(query, tl.trans(key), input_precision="ieee")
    return close_cells(products, operands, text, first_row, first_column)


@triton.jit
def count_spans(operands: ScoreOperands, limits: Limits, counts: tl.tensor, tile: Tile) -> None:
    """counts (B, C, row tiles, column tiles) int32, zero before; a tile whose bound stays below is passed by."""
    row_tiles = tl.cdiv(operands.length, tile.rows)
    column_tiles = tl.cdiv(operands.length, tile.columns)
    block = tl.program_id(0) // row_tiles
    row_tile = tl.program_id(0) % row_tiles
    shares = tl.cdiv(limits.together, limits.share)
    text = (block // (limits.groups * shares)).to(tl.int64)
    group = block // shares % limits.groups
    first_type = group * limits.together + block % shares * limits.share
    last_type = tl.minimum(first_type + limits.share, (group + 1) * limits.together)
    first_row = row_tile * tile.rows
    begin, stop = column_range(operands, text, first_row, tile)
    for first_column in range(begin, stop, tile.columns):
        products = closed_products(operands, text, group, first_row, first_column, tile)
        highest = tl.max(tl.max(products, 1), 0)
        for type_ in range(first_type, last_type):
            pair = text * operands.types + type_
            column_tile = first_column // tile.columns
            # Summed in the order of the scores themselves: rounding is monotonic, so that this bounds each of them.
            bound = highest + tl.load(limits.start_top + pair * row_tiles + row_tile)
            bound += tl.load(limits.end_top + pair * column_tiles + column_tile)
            threshold = tl.load(limits.thresholds + type_)
            if bound > threshold:
                scores = add_biases(products, operands, pair, first_row, first_column)
                count = tl.sum(tl.sum((scores > threshold).to(tl.int32), 1), 0)
                tl.store(counts + (pair * row_tiles + row_tile) * column_tiles + column_tile, count)


@triton.jit
def write_spans(operands: ScoreOperands, limits: Limits, full: FullTiles, tile: Tile) -> None:
    """Writes the spans of one tile, in any order, no more of them than were counted."""
    row_tiles = tl.cdiv(operands.length, tile.rows)
    column_tiles = tl.cdiv(operands.length, tile.columns)
    index = tl.load(full.tiles + tl.program_id(0))
    first_column = (index % column_tiles).to(tl.int32) * tile.columns
    first_row = (index // column_tiles % row_tiles).to(tl.int32) * tile.rows
    pair = index // (column_tiles * row_tiles)
    text, type_ = pair // operands.types, pair % operands.types
    products = closed_products(operands, text, type_ // limits.together, first_row, first_column, tile)
    scores = add_biases(products, operands, pair, first_row, first_column)
    scores = tl.reshape(scores, [tile.rows * tile.columns])
    above = scores > tl.load(limits.thresholds + type_)
    place = tl.load(full.offsets + tl.program_id(0)) + tl.cumsum(above.to(tl.int32), 0) - 1
    cell = tl.arange(0, tile.rows * tile.columns)
    first, last = first_row + cell // tile.columns, first_column + cell % tile.columns
    key = (pair * operands.length + first) * operands.length + last
    room = above & (place < tl.load(full.offsets + tl.program_id(0) + 1))
    tl.store(full.keys + place, key, mask=room)
    tl.store(full.logits + place, scores, mask=room)
