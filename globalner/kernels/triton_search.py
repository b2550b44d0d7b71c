"""The span search in Triton: two passes over the tiles, so that only spans above the threshold are ever stored."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.kernels.scores import FoundSpans, SpanScores
from globalner.kernels.span_collection import SpanCollection
from globalner.kernels.triton_operands import ScoreOperands, TileSizes, require_triton, score_operands, usual_sizes
from globalner.kernels.uncompiled import uncompiled

__all__ = ["triton_search"]

_TYPES_A_PROGRAM = 64


@uncompiled
def triton_search(
    scores: SpanScores,
    thresholds: Tensor,
    max_span_tokens: int | None,
    top_k: int | None = None,
    sizes: TileSizes | None = None,
) -> FoundSpans:
    """Spans strictly above `thresholds` (C,), the `top_k` highest of each text; see `find_spans`.

    Args:
        scores: On a CUDA device, or on the CPU under Triton's interpreter; fp32, fp16 or bf16, summed in fp32.
        thresholds: (C,) logits.
        max_span_tokens: As in `find_spans`.
        top_k: As in `find_spans`.
        sizes: The tiles; None for sizes that fit the head width and dtype.

    Returns:
        The spans with fp32 logits, ordered by text, type, first and last token.

    Raises:
        ConfigError: If Triton is missing or cannot take these scores.
    """
    require_triton(scores)
    sizes = usual_sizes(scores) if sizes is None else sizes
    operands = score_operands(scores, max_span_tokens)
    keys, logits = _search(operands, thresholds.float().contiguous(), sizes)
    # Both passes sum alike, but they are compiled apart: a logit that rounds to the other side of its threshold in the
    # second pass leaves its place unwritten, with a key of -1.
    written = keys >= 0
    return _spans(keys[written], logits[written], scores, top_k)


def _search(operands: ScoreOperands, thresholds: Tensor, sizes: TileSizes) -> tuple[Tensor, Tensor]:
    """Keys and logits of the spans, tile by tile; see `FullTiles`."""
    from globalner.kernels._triton_search_kernels import FullTiles, Limits, count_spans, write_spans
    from globalner.kernels._triton_tiles import compile_tile, launch

    query = operands.query.data
    batch, groups = query.shape[:2]
    together = operands.types // groups
    start_top = _tops(operands, operands.start_bias, sizes.rows)
    end_top = _tops(operands, operands.end_bias, sizes.columns)
    limits = Limits(thresholds, start_top, end_top, groups, together, min(together, _TYPES_A_PROGRAM))
    tile = compile_tile(query, sizes)
    row_tiles = start_top.shape[2]
    counts = thresholds.new_zeros(batch, operands.types, row_tiles, end_top.shape[2], dtype=torch.int32)
    programs = batch * groups * -(-together // _TYPES_A_PROGRAM) * row_tiles
    launch(count_spans, programs, (operands, limits, counts, tile), query.device)
    counts = counts.flatten()
    tiles = counts.nonzero().squeeze(1)
    offsets = torch.nn.functional.pad(counts[tiles].cumsum(0), (1, 0))
    found = int(offsets[-1])
    keys = offsets.new_full((found,), -1)
    logits = thresholds.new_empty(found)
    launch(write_spans, len(tiles), (operands, limits, FullTiles(tiles, offsets, keys, logits), tile), query.device)
    return keys, logits


def _tops(operands: ScoreOperands, bias: Tensor | None, size: int) -> Tensor:
    """The largest bias of each tile of `size` tokens: (B, C, tiles) fp32; 0 without a bias."""
    tiles = -(-operands.length // size)
    batch = operands.query.data.shape[0]
    if bias is None:
        return torch.zeros(batch, operands.types, tiles, dtype=torch.float32, device=operands.query.data.device)
    padded = torch.nn.functional.pad(bias.float(), (0, tiles * size - operands.length), value=-torch.inf)
    return padded.reshape(batch, operands.types, tiles, size).amax(dim=3)


def _spans(keys: Tensor, logits: Tensor, scores: SpanScores, top_k: int | None) -> FoundSpans:
    batch, _, length, _ = scores.query.shape
    pair, types = keys // (length * length), scores.num_types
    found = SpanCollection(batch, top_k, logits)
    found.add(torch.stack([pair // types, pair % types, keys // length % length, keys % length], 1), logits)
    return found.spans()
