"""The span loss in Triton: the log of the sum of e^score over all spans that are not left out, and the gold ones."""

from __future__ import annotations

import torch
from torch import Tensor

from globalner.kernels.gold_cells import LossCells, left_out
from globalner.kernels.gold_terms import GoldTerms, without_ignored
from globalner.kernels.scores import SpanScores
from globalner.kernels.triton_grouped_loss import GroupedLogSum, SpanRegion
from globalner.kernels.triton_operands import LeftOut, TileSizes, cells_by_tile, require_triton, usual_sizes
from globalner.kernels.triton_shared_loss import SharedLogSum, SharedRegion
from globalner.kernels.uncompiled import uncompiled

__all__ = ["negative_log_sum", "triton_loss"]


def triton_loss(scores: SpanScores, cells: LossCells) -> Tensor:
    """Losses (B, C) in fp32; see `span_loss`. Cannot be differentiated twice.

    Raises:
        ConfigError: If Triton is missing or cannot take these scores.
    """
    cells = without_ignored(cells, scores.num_types)
    rest: Tensor = negative_log_sum(scores, *left_out(cells), cells.max_span_tokens)
    return GoldTerms(scores, cells, rest).losses


@uncompiled
def negative_log_sum(
    scores: SpanScores,
    excluded: Tensor,
    ignored_for_all: Tensor,
    max_span_tokens: int | None,
    sizes: TileSizes | None = None,
) -> Tensor:
    """log of the sum of e^score over the allowed spans of each (text, type) that are not left out.

        N[b, c] = log sum_ij exp(score[b, c, i, j])

    Sums are fp32 for inputs of fp32, fp16 and bf16. Where one query and key serve several types, rows whose sum is far
    below both the rest of their (text, type) and e^0, by 2^-40, may be left out: N is meant for log(1 + e^N).

    Args:
        scores: On a CUDA device, or on the CPU under Triton's interpreter; fp32, fp16 or bf16.
        excluded: (K, 4) long: text, type, first, last (inclusive), left out.
        ignored_for_all: (M, 3) long: text, first, last, left out for every type.
        max_span_tokens: Longest span in tokens, both ends counted; None for no limit.
        sizes: The tiles; None for sizes that fit the head width and dtype.

    Returns:
        (B, C) fp32, -inf where no span is left. Differentiable once in query, key and biases.

    Raises:
        ConfigError: If Triton is missing or cannot take these scores.
    """
    require_triton(scores)
    batch, groups, length, _ = scores.query.shape
    types = scores.num_types
    sizes = usual_sizes(scores) if sizes is None else sizes
    of_text = cells_by_tile(ignored_for_all[:, 0], ignored_for_all[:, 1:], batch, length, sizes)
    factors = (scores.query, scores.key, scores.start_bias, scores.end_bias)
    with torch.autocast(scores.query.device.type, enabled=False):
        if groups == types:
            owner = excluded[:, 0] * types + excluded[:, 1]
            of_type = cells_by_tile(owner, excluded[:, 2:], batch * types, length, sizes)
            left_out = LeftOut(of_type, of_text)
            region = SpanRegion(scores.start_mask, scores.end_mask, max_span_tokens, left_out, sizes)
            result: Tensor = GroupedLogSum.apply(*factors, region)  # type: ignore[no-untyped-call]
        else:
            region = SpanRegion(scores.start_mask, scores.end_mask, max_span_tokens, LeftOut(None, of_text), sizes)
            result = SharedLogSum.apply(*factors, SharedRegion(region, excluded, ignored_for_all))  # type: ignore[no-untyped-call]
    return result
