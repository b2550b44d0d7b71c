"""Triton kernels of the negative sum where all types share one query and key (Efficient GlobalPointer).

    sum_j exp(qk_ij + b_cj) = e^(m_i + M_c) sum_j E_ij F_cj,    E_ij = exp(qk_ij - m_i),  F_cj = exp(b_cj - M_c)

is a matrix product over a tile of types, with m_i and M_c the maxima inside the tile. Where the two peaks lie on
different tokens the product vanishes; the caller sees it by a small sum and computes that row by itself.

Imported only where Triton is installed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import triton
import triton.language as tl

from globalner.kernels._triton_tile_kernels import (
    close_cells,
    column_range,
    drop_cells,
    exponentials,
    finite,
    load_tokens,
    row_range,
    weighted_sum,
)
from globalner.kernels._triton_tiles import Tile
from globalner.kernels.triton_operands import LeftOut, ScoreOperands

__all__ = ["RowWeights", "SharedGradients", "shared_column_gradients", "shared_row_gradients", "shared_row_sums"]


class RowWeights(NamedTuple):
    """How the gradient of a (text, type) reaches row i: exp(qk_ij + b_cj + shift_ci) * weight_c.

    Attributes:
        shift: (B, C, L) fp32, start bias less the top of the (text, type); -inf for rows that others see to.
        weight: (B, C) fp32.
    """

    shift: Any
    weight: Any


class SharedGradients(NamedTuple):
    """Where gradients go; types are cut in splits.

    Attributes:
        partial: (B, splits, L, D) fp32, of query or key.
        end_bias: (B, C, L) fp32.
        splits: How many.
    """

    partial: Any
    end_bias: Any
    splits: int


@triton.jit
def row_exponentials(
    products: tl.tensor,
    operands: ScoreOperands,
    left_out: LeftOut,
    text: tl.tensor,
    first_row: tl.tensor,
    first_column: tl.tensor,
) -> tuple[tl.tensor, tl.tensor]:
    """m_i and E_ij (rows, columns), zero where no span may be and at cells left out for all types."""
    products = close_cells(products, operands, text, first_row, first_column)
    products = drop_cells(products, left_out.of_text, text, first_row, first_column, operands.length)
    return exponentials(products)


@triton.jit
def bias_exponentials(
    operands: ScoreOperands, text: tl.tensor, first_type: tl.tensor, columns: tl.tensor, tile: Tile
) -> tuple[tl.tensor, tl.tensor]:
    """M_c and F_cj (types, columns), zero where no span may end."""
    types = first_type + tl.arange(0, tile.types)
    inside = (columns < operands.length)[None, :] & (types < operands.types)[:, None]
    ends = tl.load(operands.end_open + text * operands.length + columns, mask=columns < operands.length, other=0) != 0
    bias = tl.zeros([tile.types, tile.columns], tl.float32)
    if operands.end_bias is not None:
        place = (text * operands.types + types[:, None]) * operands.length + columns[None, :]
        bias += tl.load(operands.end_bias + place, mask=inside, other=0.0).to(tl.float32)
    return exponentials(tl.where(inside & ends[None, :], bias, float("-inf")))


@triton.jit
def row_shares(
    weights: RowWeights,
    operands: ScoreOperands,
    text: tl.tensor,
    first_type: tl.tensor,
    rows: tl.tensor,
    tile: Tile,
) -> tuple[tl.tensor, tl.tensor]:
    """Shifts (types, rows) and weights (types,) of a tile."""
    types = first_type + tl.arange(0, tile.types)
    inside = (rows < operands.length)[None, :] & (types < operands.types)[:, None]
    place = (text * operands.types + types[:, None]) * operands.length + rows[None, :]
    shift = tl.load(weights.shift + place, mask=inside, other=float("-inf"))
    weight = tl.load(weights.weight + text * operands.types + types, mask=types < operands.types, other=0.0)
    return shift, weight


@triton.jit
def shared_row_sums(operands: ScoreOperands, left_out: LeftOut, bounds: tl.tensor, sums: tl.tensor, tile: Tile) -> None:
    """For each row: the largest m_i + M_c of its tiles, and its sum over that; bounds, sums (B, C, L)."""
    row_tiles = tl.cdiv(operands.length, tile.rows)
    block = tl.program_id(0) // row_tiles
    first_row = tl.program_id(0) % row_tiles * tile.rows
    type_tiles = tl.cdiv(operands.types, tile.types)
    text = (block // type_tiles).to(tl.int64)
    first_type = block % type_tiles * tile.types
    rows = first_row + tl.arange(0, tile.rows)
    query = load_tokens(operands.query, text, 0, rows, operands.length, tile)
    bound = tl.full([tile.types, tile.rows], float("-inf"), tl.float32)
    total = tl.zeros([tile.types, tile.rows], tl.float32)
    begin, stop = column_range(operands, text, first_row, tile)
    for first_column in range(begin, stop, tile.columns):
        columns = first_column + tl.arange(0, tile.columns)
        key = load_tokens(operands.key, text, 0, columns, operands.length, tile)
        products = tl.dot(query, tl.trans(key), input_precision="ieee")
        row_top, row_parts = row_exponentials(products, operands, left_out, text, first_row, first_column)
        type_top, type_parts = bias_exponentials(operands, text, first_type, columns, tile)
        here = type_top[:, None] + row_top[None, :]
        higher = tl.maximum(bound, here)
        base = finite(higher)
        part = tl.dot(type_parts, tl.trans(row_parts), input_precision=tile.precision)
        total = total * tl.exp(bound - base) + part * tl.exp(here - base)
        bound = higher
    types = first_type + tl.arange(0, tile.types)
    place = (text * operands.types + types[:, None]) * operands.length + rows[None, :]
    inside = (rows < operands.length)[None, :] & (types < operands.types)[:, None]
    tl.store(bounds + place, bound, mask=inside)
    tl.store(sums + place, total, mask=inside)


@triton.jit
def type_range(split: tl.tensor, splits: int, operands: ScoreOperands, tile: Tile) -> tuple[tl.tensor, tl.tensor]:
    """First type of a split, and one past its last."""
    share = tl.cdiv(tl.cdiv(operands.types, tile.types), splits) * tile.types
    return split * share, tl.minimum((split + 1) * share, operands.types)


@triton.jit
def shared_row_gradients(
    operands: ScoreOperands, left_out: LeftOut, weights: RowWeights, gradients: SharedGradients, tile: Tile
) -> None:
    """Gradient of the query, tile by tile of rows, for one split of the types."""
    row_tiles = tl.cdiv(operands.length, tile.rows)
    block = tl.program_id(0) // row_tiles
    first_row = tl.program_id(0) % row_tiles * tile.rows
    text = (block // gradients.splits).to(tl.int64)
    rows = first_row + tl.arange(0, tile.rows)
    query = load_tokens(operands.query, text, 0, rows, operands.length, tile)
    gradient = tl.zeros([tile.rows, tile.width], tl.float32)
    first, last = type_range(block % gradients.splits, gradients.splits, operands, tile)
    begin, stop = column_range(operands, text, first_row, tile)
    for first_column in range(begin, stop, tile.columns):
        columns = first_column + tl.arange(0, tile.columns)
        key = load_tokens(operands.key, text, 0, columns, operands.length, tile)
        products = tl.dot(query, tl.trans(key), input_precision="ieee")
        row_top, row_parts = row_exponentials(products, operands, left_out, text, first_row, first_column)
        factor = tl.zeros([tile.rows, tile.columns], tl.float32)
        for first_type in range(first, last, tile.types):
            type_top, type_parts = bias_exponentials(operands, text, first_type, columns, tile)
            shift, weight = row_shares(weights, operands, text, first_type, rows, tile)
            shares = tl.exp(shift + type_top[:, None] + row_top[None, :]) * weight[:, None]
            factor += tl.dot(tl.trans(shares), type_parts, input_precision=tile.precision)
        gradient += weighted_sum(row_parts * factor, key, tile)
    store_partial(gradient, gradients.partial, block.to(tl.int64), rows, operands.length, tile)


@triton.jit
def shared_column_gradients(
    operands: ScoreOperands, left_out: LeftOut, weights: RowWeights, gradients: SharedGradients, tile: Tile
) -> None:
    """Gradients of the key and the end bias, tile by tile of columns, for one split of the types."""
    column_tiles = tl.cdiv(operands.length, tile.columns)
    block = tl.program_id(0) // column_tiles
    first_column = tl.program_id(0) % column_tiles * tile.columns
    text = (block // gradients.splits).to(tl.int64)
    columns = first_column + tl.arange(0, tile.columns)
    key = load_tokens(operands.key, text, 0, columns, operands.length, tile)
    gradient = tl.zeros([tile.columns, tile.width], tl.float32)
    first, last = type_range(block % gradients.splits, gradients.splits, operands, tile)
    begin, stop = row_range(operands, text, first_column, tile)
    for first_type in range(first, last, tile.types):
        type_top, type_parts = bias_exponentials(operands, text, first_type, columns, tile)
        total = tl.zeros([tile.types, tile.columns], tl.float32)
        for first_row in range(begin, stop, tile.rows):
            rows = first_row + tl.arange(0, tile.rows)
            query = load_tokens(operands.query, text, 0, rows, operands.length, tile)
            products = tl.dot(query, tl.trans(key), input_precision="ieee")
            row_top, row_parts = row_exponentials(products, operands, left_out, text, first_row, first_column)
            shift, weight = row_shares(weights, operands, text, first_type, rows, tile)
            shares = tl.exp(shift + type_top[:, None] + row_top[None, :]) * weight[:, None]
            factor = tl.dot(tl.trans(shares), type_parts, input_precision=tile.precision)
            gradient += weighted_sum(tl.trans(row_parts * factor), query, tile)
            total += tl.dot(shares, row_parts, input_precision=tile.precision)
        if gradients.end_bias is not None:
            types = first_type + tl.arange(0, tile.types)
            place = (text * operands.types + types[:, None]) * operands.length + columns[None, :]
            inside = (columns < operands.length)[None, :] & (types < operands.types)[:, None]
            tl.store(gradients.end_bias + place, total * type_parts, mask=inside)
    store_partial(gradient, gradients.partial, block.to(tl.int64), columns, operands.length, tile)


@triton.jit
def store_partial(
    gradient: tl.tensor, partial: tl.tensor, block: tl.tensor, tokens: tl.tensor, length: int, tile: Tile
) -> None:
    """Writes the tokens of one (text, split)."""
    feature = tl.arange(0, tile.width)
    place = (block * length + tokens[:, None]) * tile.head + feature[None, :]
    tl.store(partial + place, gradient, mask=(tokens < length)[:, None] & (feature < tile.head)[None, :])
