"""The span loss tile by tile in plain torch: no square of scores is ever made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from globalner.errors import ConfigError
from globalner.kernels.gold_cells import LossCells
from globalner.kernels.gold_terms import GoldTerms, ScoreGradients, without_ignored
from globalner.kernels.scores import SpanScores
from globalner.kernels.tiled_grouped import GroupedScorersSum
from globalner.kernels.tiled_shared import SharedScorerSum
from globalner.kernels.tiles import TileSize
from globalner.kernels.uncompiled import uncompiled

__all__ = ["tiled_loss"]


@uncompiled
def tiled_loss(scores: SpanScores, cells: LossCells, size: TileSize | None = None) -> Tensor:
    """Losses (B, C); see `span_loss`. Cannot be differentiated twice.

    Args:
        scores: Logits of all spans; summed in fp32, or in fp64 if they are.
        cells: Gold and ignored cells.
        size: Of the tiles; the result depends on it by rounding only.
    """
    scores = scores.in_full_precision()
    cells = without_ignored(cells, scores.num_types)
    fixed = _Fixed(scores.start_mask, scores.end_mask, cells, size or TileSize())
    losses: Tensor = _TiledLoss.apply(  # type: ignore[no-untyped-call]
        scores.query, scores.key, scores.start_bias, scores.end_bias, fixed
    )
    return losses


@dataclass(frozen=True, eq=False, slots=True)
class _Fixed:
    """What is not differentiated."""

    start_mask: Tensor | None
    end_mask: Tensor | None
    cells: LossCells
    size: TileSize


class _TiledLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, start_bias: Tensor | None, end_bias: Tensor | None, fixed: _Fixed
    ) -> Tensor:
        scores = SpanScores(query, key, start_bias, end_bias, fixed.start_mask, fixed.end_mask)
        grouped = query.shape[1] == scores.num_types
        sums = (GroupedScorersSum if grouped else SharedScorerSum)(fixed.cells, scores.num_types, fixed.size)
        rest = sums.log_sums(scores, with_gradients=any(ctx.needs_input_grad))
        ctx.save_for_backward(query, key, start_bias, end_bias)
        ctx.fixed, ctx.sums = fixed, sums
        ctx.terms = GoldTerms(scores, fixed.cells, rest)
        losses: Tensor = ctx.terms.losses
        return losses

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise ConfigError(
                "the tiled span loss cannot be differentiated twice (create_graph=True); impl='reference' can"
            )
        query, key, start_bias, end_bias = ctx.saved_tensors
        scores = SpanScores(query, key, start_bias, end_bias, ctx.fixed.start_mask, ctx.fixed.end_mask)
        with torch.autocast(gradient.device.type, enabled=False):
            made: ScoreGradients = ctx.sums.gradients(scores, ctx.terms.rest_gradient(gradient))
            made.add_cells(scores, ctx.fixed.cells.gold, ctx.terms.cell_gradient(gradient))
        return made.query, made.key, made.start_bias, made.end_bias, None
