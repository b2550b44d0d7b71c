"""Triton kernels of the negative sum where each type has a query and key of its own.

Imported only where Triton is installed. A program holds one tile of rows (or columns) of one (text, type) and walks
over the tiles that can pair with it; nothing is larger than a tile, and no sum depends on the order of programs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import triton
import triton.language as tl

from globalner.kernels._triton_tile_kernels import (
    add_biases,
    close_cells,
    column_range,
    drop_cells,
    finite,
    load_tokens,
    row_range,
    weighted_sum,
)
from globalner.kernels._triton_tiles import Tile
from globalner.kernels.triton_operands import LeftOut, ScoreOperands, TokenRows

__all__ = ["TokenGradients", "grouped_column_gradients", "grouped_log_sum", "grouped_row_gradients"]


class TokenGradients(NamedTuple):
    """Where gradients of one side go.

    Attributes:
        rows: Of the query or key.
        bias: Of its bias (B, C, L), or None.
        weight: (B, C) fp32; a cell counts exp(score - top) times this.
    """

    rows: TokenRows
    bias: Any
    weight: Any


@triton.jit
def pair_scores(
    products: tl.tensor,
    operands: ScoreOperands,
    left_out: LeftOut,
    pair: tl.tensor,
    first_row: tl.tensor,
    first_column: tl.tensor,
) -> tl.tensor:
    """Scores of one (text, type), -inf where no span may be and at cells left out."""
    text = pair // operands.types
    scores = add_biases(products, operands, pair, first_row, first_column)
    scores = close_cells(scores, operands, text, first_row, first_column)
    scores = drop_cells(scores, left_out.of_text, text, first_row, first_column, operands.length)
    return drop_cells(scores, left_out.of_type, pair, first_row, first_column, operands.length)


@triton.jit
def grouped_log_sum(operands: ScoreOperands, left_out: LeftOut, tops: tl.tensor, totals: tl.tensor, tile: Tile) -> None:
    """Maximum and sum of exp(score - maximum) of each tile of rows: tops, totals (B, C, row tiles)."""
    program = tl.program_id(0)
    row_tiles = tl.cdiv(operands.length, tile.rows)
    pair = (program // row_tiles).to(tl.int64)
    text, group = pair // operands.types, pair % operands.types
    first_row = program % row_tiles * tile.rows
    query = load_tokens(operands.query, text, group, first_row + tl.arange(0, tile.rows), operands.length, tile)
    top = tl.full([tile.rows], float("-inf"), tl.float32)
    total = tl.zeros([tile.rows], tl.float32)
    begin, stop = column_range(operands, text, first_row, tile)
    for first_column in range(begin, stop, tile.columns):
        columns = first_column + tl.arange(0, tile.columns)
        key = load_tokens(operands.key, text, group, columns, operands.length, tile)
        products = tl.dot(query, tl.trans(key), input_precision="ieee")
        scores = pair_scores(products, operands, left_out, pair, first_row, first_column)
        higher = tl.maximum(top, tl.max(scores, 1))
        base = finite(higher)
        total = total * tl.exp(top - base) + tl.sum(tl.exp(scores - base[:, None]), 1)
        top = higher
    highest = tl.max(top, 0)
    tl.store(tops + program, highest)
    tl.store(totals + program, tl.sum(total * tl.exp(top - finite(highest)), 0))


@triton.jit
def grouped_row_gradients(
    operands: ScoreOperands, left_out: LeftOut, tops: tl.tensor, target: TokenGradients, tile: Tile
) -> None:
    """Gradients of the query and the start bias, tile by tile of rows."""
    program = tl.program_id(0)
    row_tiles = tl.cdiv(operands.length, tile.rows)
    pair = (program // row_tiles).to(tl.int64)
    text, group = pair // operands.types, pair % operands.types
    first_row = program % row_tiles * tile.rows
    rows = first_row + tl.arange(0, tile.rows)
    query = load_tokens(operands.query, text, group, rows, operands.length, tile)
    top = tl.load(tops + pair)
    gradient = tl.zeros([tile.rows, tile.width], tl.float32)
    total = tl.zeros([tile.rows], tl.float32)
    begin, stop = column_range(operands, text, first_row, tile)
    for first_column in range(begin, stop, tile.columns):
        columns = first_column + tl.arange(0, tile.columns)
        key = load_tokens(operands.key, text, group, columns, operands.length, tile)
        products = tl.dot(query, tl.trans(key), input_precision="ieee")
        scores = pair_scores(products, operands, left_out, pair, first_row, first_column)
        shares = tl.exp(scores - top)
        gradient += weighted_sum(shares, key, tile)
        total += tl.sum(shares, 1)
    store_gradients(gradient, total, target, operands, pair, rows)


@triton.jit
def grouped_column_gradients(
    operands: ScoreOperands, left_out: LeftOut, tops: tl.tensor, target: TokenGradients, tile: Tile
) -> None:
    """Gradients of the key and the end bias, tile by tile of columns."""
    program = tl.program_id(0)
    column_tiles = tl.cdiv(operands.length, tile.columns)
    pair = (program // column_tiles).to(tl.int64)
    text, group = pair // operands.types, pair % operands.types
    first_column = program % column_tiles * tile.columns
    columns = first_column + tl.arange(0, tile.columns)
    key = load_tokens(operands.key, text, group, columns, operands.length, tile)
    top = tl.load(tops + pair)
    gradient = tl.zeros([tile.columns, tile.width], tl.float32)
    total = tl.zeros([tile.columns], tl.float32)
    begin, stop = row_range(operands, text, first_column, tile)
    for first_row in range(begin, stop, tile.rows):
        rows = first_row + tl.arange(0, tile.rows)
        query = load_tokens(operands.query, text, group, rows, operands.length, tile)
        products = tl.dot(query, tl.trans(key), input_precision="ieee")
        scores = pair_scores(products, operands, left_out, pair, first_row, first_column)
        shares = tl.exp(scores - top)
        gradient += weighted_sum(tl.trans(shares), query, tile)
        total += tl.sum(shares, 0)
    store_gradients(gradient, total, target, operands, pair, columns)


@triton.jit
def store_gradients(
    gradient: tl.tensor,
    total: tl.tensor,
    target: TokenGradients,
    operands: ScoreOperands,
    pair: tl.tensor,
    tokens: tl.tensor,
) -> None:
    """Writes the sums of a tile, times the weight of their (text, type), in the format of the target."""
    weight = tl.load(target.weight + pair)
    feature = tl.arange(0, gradient.shape[1])
    rows = target.rows
    place = pair // operands.types * rows.text_stride + pair % operands.types * rows.group_stride
    place += tokens.to(tl.int64)[:, None] * rows.token_stride + feature[None, :]
    inside = (tokens < operands.length)[:, None] & (feature < operands.head)[None, :]
    tl.store(rows.data + place, (gradient * weight).to(rows.data.dtype.element_ty), mask=inside)
    if target.bias is not None:
        place = target.bias + pair * operands.length + tokens
        tl.store(place, (total * weight).to(target.bias.dtype.element_ty), mask=tokens < operands.length)
