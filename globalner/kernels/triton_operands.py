"""What the Triton kernels are given: the factored scores, the tiles that they are cut into, the cells to leave out.

Every record is a tuple of pointers and numbers, which Triton takes apart itself; nothing here needs Triton.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from globalner.errors import ConfigError
from globalner.kernels.scores import SpanScores

__all__ = [
    "CellList",
    "LeftOut",
    "ScoreOperands",
    "TileSizes",
    "TokenRows",
    "cells_by_tile",
    "require_triton",
    "score_operands",
    "usual_sizes",
    "why_triton_cannot_run",
]

# Kernels take records of pointers as arguments, which older compilers cannot.
_OLDEST_TRITON = (3, 4)
_OLDEST_DEVICE = (8, 0)


class TokenRows(NamedTuple):
    """A query or key (B, G, L, D) whose last dimension is dense; kernels see `data` as a pointer."""

    data: Any
    text_stride: int
    group_stride: int
    token_stride: int


class ScoreOperands(NamedTuple):
    """`SpanScores` as kernels read them.

    Attributes:
        query, key: See `TokenRows`.
        start_bias, end_bias: (B, C, L) dense, or None.
        start_open, end_open: (B, L) uint8, 1 where a span may start or end.
        row_stop, column_stop: (B,) int32, one past the last token that may start or end a span.
        length: L.
        head: D.
        types: C.
        band: Spans have at most this many tokens.
    """

    query: TokenRows
    key: TokenRows
    start_bias: Any
    end_bias: Any
    start_open: Any
    end_open: Any
    row_stop: Any
    column_stop: Any
    length: int
    head: int
    types: int
    band: int


class CellList(NamedTuple):
    """Cells sorted by owner and tile: those of tile t are `starts[t] : starts[t + 1]` of `firsts` and `lasts`."""

    starts: Any
    firsts: Any
    lasts: Any


class LeftOut(NamedTuple):
    """Cells that count as no span: of one (text, type), and of all types of a text; None where there are none."""

    of_type: CellList | None
    of_text: CellList | None


@dataclass(frozen=True, slots=True)
class TileSizes:
    """How scores are cut: powers of two, at least 16, since matrix products of the hardware start there.

    Attributes:
        rows: First tokens in a tile.
        columns: Last tokens in a tile.
        types: Entity types in a tile of the kernels that share one query and key.
    """

    rows: int = 64
    columns: int = 64
    types: int = 32


def usual_sizes(scores: SpanScores) -> TileSizes:
    """Tiles for a head width and dtype."""
    # fp32 products are summed in registers, not by tensor cores, and wide heads leave less room for a tile.
    half = scores.query.dtype != torch.float32
    side = 64 if half and scores.query.shape[3] <= 128 else 32
    return TileSizes(rows=side, columns=side)


def score_operands(scores: SpanScores, max_span_tokens: int | None) -> ScoreOperands:
    """The operands of all kernels, without a copy where the scores are laid out densely enough."""
    length = scores.query.shape[2]
    start_open = _open_tokens(scores, scores.start_mask)
    end_open = _open_tokens(scores, scores.end_mask)
    return ScoreOperands(
        query=_token_rows(scores.query),
        key=_token_rows(scores.key),
        start_bias=None if scores.start_bias is None else scores.start_bias.contiguous(),
        end_bias=None if scores.end_bias is None else scores.end_bias.contiguous(),
        start_open=start_open,
        end_open=end_open,
        row_stop=_stops(start_open),
        column_stop=_stops(end_open),
        length=length,
        head=scores.query.shape[3],
        types=scores.num_types,
        band=length if max_span_tokens is None else min(max_span_tokens, length),
    )


def cells_by_tile(owner: Tensor, cells: Tensor, owners: int, length: int, sizes: TileSizes) -> CellList | None:
    """Sorts `cells` (K, 2), first and last token, by `owner` (K,) in [0, owners) and by tile."""
    if len(cells) == 0:
        return None
    row_tiles, column_tiles = -(-length // sizes.rows), -(-length // sizes.columns)
    first, last = cells.unbind(1)
    tile = (owner * row_tiles + first // sizes.rows) * column_tiles + last // sizes.columns
    tile, order = tile.sort()
    edges = torch.arange(owners * row_tiles * column_tiles + 1, device=cells.device)
    starts = torch.searchsorted(tile, edges, out_int32=True)
    return CellList(starts, first[order].int(), last[order].int())


def why_triton_cannot_run(scores: SpanScores) -> str | None:
    """What keeps the Triton kernels from these scores, as a clause for a message; None if nothing does."""
    try:
        import triton
    except ImportError:
        return "the package triton is not installed"
    if tuple(int(part) for part in triton.__version__.split(".")[:2]) < _OLDEST_TRITON:
        return f"triton {triton.__version__} is older than {'.'.join(map(str, _OLDEST_TRITON))}"
    if not scores.query.is_cuda and not _interprets(triton):
        return f"the scores are on {scores.query.device}, not on a CUDA device"
    if scores.query.is_cuda and torch.cuda.get_device_capability(scores.query.device) < _OLDEST_DEVICE:
        return f"{torch.cuda.get_device_name(scores.query.device)} is older than compute capability 8.0"
    if scores.query.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return f"the scores are {scores.query.dtype}, and the kernels sum in float32"
    if scores.query.dtype != scores.key.dtype:
        return f"query is {scores.query.dtype} and key {scores.key.dtype}"
    return None


def require_triton(scores: SpanScores) -> None:
    """Refuses scores that the Triton kernels cannot take.

    Raises:
        ConfigError: With the reason and another way.
    """
    reason = why_triton_cannot_run(scores)
    if reason is not None:
        raise ConfigError(f"impl 'triton' cannot run: {reason}; use impl 'tiled', or 'auto' to let it choose")


def _interprets(triton: Any) -> bool:
    return bool(triton.knobs.runtime.interpret)


def _token_rows(values: Tensor) -> TokenRows:
    values = values if values.stride(3) == 1 else values.contiguous()
    return TokenRows(values, values.stride(0), values.stride(1), values.stride(2))


def _open_tokens(scores: SpanScores, mask: Tensor | None) -> Tensor:
    batch, _, length, _ = scores.query.shape
    if mask is None:
        return torch.ones(batch, length, dtype=torch.uint8, device=scores.query.device)
    return mask.to(torch.uint8).contiguous()


def _stops(open_tokens: Tensor) -> Tensor:
    places = torch.arange(1, open_tokens.shape[1] + 1, device=open_tokens.device, dtype=torch.int32)
    return (open_tokens * places).amax(dim=1).int()
