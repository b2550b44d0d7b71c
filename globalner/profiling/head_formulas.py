"""How many operations the matrix products of a head and its loss take, and what the loss keeps in memory.

See `encoder_formulas` for what is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from globalner.kernels.tiles import Tile, TileSize, tiles_of
from globalner.profiling.encoder_formulas import Flops
from globalner.profiling.part import Part

__all__ = ["HeadShape", "loss_keeps_bytes", "span_head_flops", "token_head_flops"]

_FP32_BYTES = 4


@dataclass(frozen=True)
class HeadShape:
    """Sizes of a span scorer.

    Attributes:
        efficient: Whether all types share one scorer (Efficient GlobalPointer).
        width: w, width of a token's vector.
        head_size: d, width of queries and keys.
        types: T, entity types.
        max_span_tokens: Longest span; None for no limit.
    """

    efficient: bool
    width: int
    head_size: int
    types: int
    max_span_tokens: int | None = None


def span_head_flops(shape: HeadShape, tokens: int, rows: int) -> dict[Part, Flops]:
    """Operations of head and tiled loss for one text, in multiplications:

        GlobalPointer       head 2 n w d T             loss N T (3 d + 2)
        Efficient           head 2 n w d + 4 n d T     loss N (4 d + 3 T) + 4 n r d

    for the loss of a whole step and the head's forward pass. N are the cells of the tiles that are visited, about
    n^2 / 2, and r the rows that hold gold spans. The tiled loss of a GlobalPointer makes its gradient in the forward
    pass; that of an Efficient one visits the tiles again for it, with all types at once unless texts and types are very
    many. The square as it is published would take n^2 d T and n^2 d forward, and twice as much backward.

    Args:
        shape: Sizes of the head.
        tokens: n.
        rows: r, distinct pairs of a type and a first token of a gold span.
    """
    size, types = shape.head_size, shape.types
    cells = _visited_cells(shape, tokens)
    if not shape.efficient:
        head = 2 * tokens * shape.width * size * types
        return {"head": Flops(2 * head, 4 * head), "loss": Flops(2 * cells * types * (3 * size + 2), 0)}
    head = 2 * tokens * shape.width * size + 4 * tokens * size * types
    exact = rows * tokens * size
    forward, backward = cells * (size + types) + exact, cells * (3 * size + 2 * types) + 3 * exact
    return {"head": Flops(2 * head, 4 * head), "loss": Flops(2 * forward, 2 * backward)}


def token_head_flops(width: int, vocabulary: int, hidden_tokens: int) -> dict[Part, Flops]:
    """Operations of finding hidden tokens: one product with the table of V token vectors; the loss itself has none."""
    product = 2 * hidden_tokens * width * vocabulary
    return {"head": Flops(product, 2 * product), "loss": Flops(0, 0)}


def loss_keeps_bytes(shape: HeadShape, tokens: int) -> int:
    """Bytes that the tiled loss keeps for one text out of autograd's sight: gradients, or the sums of all rows."""
    numbers = shape.types * tokens * (1 if shape.efficient else 2 * shape.head_size)
    return _FP32_BYTES * numbers


def _visited_cells(shape: HeadShape, tokens: int) -> int:
    """Cells of the tiles that hold spans, where every token may start and end an entity."""
    size = TileSize()
    if shape.efficient:
        size = replace(size, columns=tokens, rows=max(1, min(size.rows, size.cells // tokens)))
    tiles = tiles_of(Tile(0, tokens, 0, tokens), size, shape.max_span_tokens)
    return sum((tile.end_row - tile.first_row) * (tile.end_column - tile.first_column) for tile in tiles)
