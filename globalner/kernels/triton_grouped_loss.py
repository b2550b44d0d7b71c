"""The negative sum in Triton where each type has a query and key of its own, with its gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from globalner.kernels.scores import SpanScores
from globalner.kernels.triton_operands import LeftOut, ScoreOperands, TileSizes, TokenRows, score_operands

__all__ = ["GroupedLogSum", "SpanRegion"]


@dataclass(frozen=True, slots=True, eq=False)
class SpanRegion:
    """Where spans may be, apart from the numbers that take gradients.

    Attributes:
        start_mask, end_mask, max_span_tokens: As in `SpanScores` and `span_loss`.
        left_out: Cells that are left out, sorted for tiles of `sizes`.
        sizes: The tiles.
    """

    start_mask: Tensor | None
    end_mask: Tensor | None
    max_span_tokens: int | None
    left_out: LeftOut
    sizes: TileSizes

    def scores(self, query: Tensor, key: Tensor, start_bias: Tensor | None, end_bias: Tensor | None) -> SpanScores:
        """These factors, with its masks."""
        return SpanScores(query, key, start_bias, end_bias, self.start_mask, self.end_mask)

    def operands(self, query: Tensor, key: Tensor, start_bias: Tensor | None, end_bias: Tensor | None) -> ScoreOperands:
        """What kernels are given for these factors."""
        return score_operands(self.scores(query, key, start_bias, end_bias), self.max_span_tokens)


class GroupedLogSum(torch.autograd.Function):
    """log of the sum of e^score over the region: (B, C) fp32, -inf where it is empty. Differentiable once."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, start_bias: Tensor | None, end_bias: Tensor | None, region: SpanRegion
    ) -> Tensor:
        """Sums tile by tile of rows, then over the tiles."""
        from globalner.kernels._triton_grouped_kernels import grouped_log_sum
        from globalner.kernels._triton_tiles import compile_tile, launch

        operands = region.operands(query, key, start_bias, end_bias)
        row_tiles = -(-operands.length // region.sizes.rows)
        tops = query.new_empty(query.shape[0], operands.types, row_tiles, dtype=torch.float32)
        totals = torch.empty_like(tops)
        tile = compile_tile(query, region.sizes)
        launch(grouped_log_sum, tops.numel(), (operands, region.left_out, tops, totals, tile), query.device)
        top = tops.amax(dim=2)
        base = top.masked_fill(top == -torch.inf, 0.0)
        total = (totals * (tops - base.unsqueeze(2)).exp()).sum(dim=2)
        ctx.save_for_backward(query, key, start_bias, end_bias, base, total)
        ctx.region = region
        return top + total.log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Recomputes the tiles, once by rows and once by columns, so that each gradient is summed in one place."""
        from globalner.kernels import _triton_grouped_kernels as kernels
        from globalner.kernels._triton_tiles import compile_tile, launch

        query, key, start_bias, end_bias, top, total = ctx.saved_tensors
        region = ctx.region
        operands = region.operands(query, key, start_bias, end_bias)
        weight = torch.where(total > 0, gradient / total, 0.0).contiguous()
        tile = compile_tile(query, region.sizes)
        results: list[Tensor | None] = []
        for values, bias, kernel, size in (
            (query, start_bias, kernels.grouped_row_gradients, region.sizes.rows),
            (key, end_bias, kernels.grouped_column_gradients, region.sizes.columns),
        ):
            target = torch.empty(values.shape, dtype=values.dtype, device=values.device)
            bias_target = None if bias is None else torch.empty(bias.shape, dtype=bias.dtype, device=bias.device)
            into = kernels.TokenGradients(TokenRows(target, *target.stride()[:3]), bias_target, weight)
            programs = top.numel() * -(-operands.length // size)
            launch(kernel, programs, (operands, region.left_out, top, into, tile), query.device)
            results += [target, bias_target]
        query_gradient, start_gradient, key_gradient, end_gradient = results
        return query_gradient, key_gradient, start_gradient, end_gradient, None
