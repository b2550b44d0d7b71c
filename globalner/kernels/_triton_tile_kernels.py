"""What all Triton kernels do with a tile of scores: load its factors, close cells, leave cells out.

Imported only where Triton is installed. `rows` are first tokens, `columns` last tokens of spans, both inclusive.
"""

from __future__ import annotations

import triton
import triton.language as tl

from globalner.kernels._triton_tiles import Tile
from globalner.kernels.triton_operands import CellList, ScoreOperands, TokenRows

__all__ = [
    "add_biases",
    "close_cells",
    "column_range",
    "drop_cells",
    "exponentials",
    "finite",
    "load_tokens",
    "row_range",
    "weighted_sum",
]


@triton.jit
def finite(top: tl.tensor) -> tl.tensor:
    """A maximum that may be subtracted: 0 instead of -inf, where exp(-inf - 0) is 0 and exp(-inf - -inf) no number."""
    return tl.where(top == float("-inf"), 0.0, top)


@triton.jit
def exponentials(values: tl.tensor) -> tuple[tl.tensor, tl.tensor]:
    """Maxima of the rows of `values`, and exp(values - maximum)."""
    top = tl.max(values, 1)
    return top, tl.exp(values - finite(top)[:, None])


@triton.jit
def load_tokens(
    source: TokenRows, text: tl.tensor, group: tl.tensor, tokens: tl.tensor, length: int, tile: Tile
) -> tl.tensor:
    """(tokens, width) of a query or key, zeros beyond the text and the head."""
    feature = tl.arange(0, tile.width)
    place = text * source.text_stride + group * source.group_stride + tokens.to(tl.int64)[:, None] * source.token_stride
    inside = (tokens < length)[:, None] & (feature < tile.head)[None, :]
    values = tl.load(source.data + place + feature[None, :], mask=inside, other=0.0)
    if tile.widen:
        values = values.to(tl.float32)
    return values


@triton.jit
def weighted_sum(weights: tl.tensor, values: tl.tensor, tile: Tile) -> tl.tensor:
    """weights (M, K) fp32 times values (K, width), summed in fp32."""
    if tile.narrow_weights:
        result = tl.dot(weights.to(values.dtype), values)
    else:
        result = tl.dot(weights, values.to(tl.float32), input_precision=tile.precision)
    return result


@triton.jit
def column_range(operands: ScoreOperands, text: tl.tensor, first_row: tl.tensor, tile: Tile) -> tuple[int, int]:
    """Columns that rows `first_row` and on can pair with; the first one begins a tile."""
    stop = tl.minimum(tl.load(operands.column_stop + text), first_row + tile.rows - 1 + operands.band)
    begin = first_row // tile.columns * tile.columns
    return begin, tl.where(first_row < tl.load(operands.row_stop + text), stop, begin)


@triton.jit
def row_range(operands: ScoreOperands, text: tl.tensor, first_column: tl.tensor, tile: Tile) -> tuple[int, int]:
    """Rows that columns `first_column` and on can pair with; the first one begins a tile."""
    stop = tl.minimum(tl.load(operands.row_stop + text), first_column + tile.columns)
    begin = tl.maximum(first_column - operands.band + 1, 0) // tile.rows * tile.rows
    return begin, tl.where(first_column < tl.load(operands.column_stop + text), stop, begin)


@triton.jit
def drop_cells(
    scores: tl.tensor,
    cells: CellList,
    owner: tl.tensor,
    first_row: tl.tensor,
    first_column: tl.tensor,
    length: int,
) -> tl.tensor:
    """-inf at the cells that the list has for this owner in the tile."""
    if cells is not None:
        rows: tl.constexpr = scores.shape[0]
        columns: tl.constexpr = scores.shape[1]
        tile = (owner * tl.cdiv(length, rows) + first_row // rows) * tl.cdiv(length, columns) + first_column // columns
        row = first_row + tl.arange(0, rows)
        column = first_column + tl.arange(0, columns)
        for cell in range(tl.load(cells.starts + tile), tl.load(cells.starts + tile + 1)):
            hit = (row == tl.load(cells.firsts + cell))[:, None] & (column == tl.load(cells.lasts + cell))[None, :]
            scores = tl.where(hit, float("-inf"), scores)
    return scores


@triton.jit
def close_cells(
    scores: tl.tensor, operands: ScoreOperands, text: tl.tensor, first_row: tl.tensor, first_column: tl.tensor
) -> tl.tensor:
    """-inf where no span of any type may be: masks, diagonal, band."""
    row = first_row + tl.arange(0, scores.shape[0])
    column = first_column + tl.arange(0, scores.shape[1])
    place = text * operands.length
    starts = tl.load(operands.start_open + place + row, mask=row < operands.length, other=0) != 0
    ends = tl.load(operands.end_open + place + column, mask=column < operands.length, other=0) != 0
    distance = column[None, :] - row[:, None]
    allowed = starts[:, None] & ends[None, :] & (distance >= 0) & (distance < operands.band)
    return tl.where(allowed, scores, float("-inf"))


@triton.jit
def add_biases(
    products: tl.tensor, operands: ScoreOperands, pair: tl.tensor, first_row: tl.tensor, first_column: tl.tensor
) -> tl.tensor:
    """Scores of one (text, type), `pair` = text * C + type, from its query-key products."""
    row = first_row + tl.arange(0, products.shape[0])
    column = first_column + tl.arange(0, products.shape[1])
    place = pair * operands.length
    scores = products
    if operands.start_bias is not None:
        bias = tl.load(operands.start_bias + place + row, mask=row < operands.length, other=0.0)
        scores += bias.to(tl.float32)[:, None]
    if operands.end_bias is not None:
        bias = tl.load(operands.end_bias + place + column, mask=column < operands.length, other=0.0)
        scores += bias.to(tl.float32)[None, :]
    return scores
