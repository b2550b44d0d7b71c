"""The negative sum in Triton where all types share one query and key, with its gradients.

Most rows come from the factored sum of `_triton_shared_kernels`. Two kinds are computed cell by cell instead: rows that
hold cells left out for their type alone, and rows whose factored sum fell so low that it has lost digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from globalner.kernels.exact_rows import ExactRows, add_exact_gradients, exact_sums, gather_rows
from globalner.kernels.gold_terms import ScoreGradients
from globalner.kernels.scores import SpanScores
from globalner.kernels.triton_grouped_loss import SpanRegion
from globalner.kernels.triton_operands import ScoreOperands, score_operands

__all__ = ["SharedLogSum", "SharedRegion", "SharedSums", "shared_sums"]

# The factored sum of a row is relative to a bound that it cannot exceed by more than the tokens of a tile. Products
# vanish below 2^-126, so that what is above 2^-80 has all its digits.
_TRUSTED_ABOVE = 2.0**-80
# A row this far below the sum of its (text, type), or below the zero class, changes nothing in fp32.
_MATTERS_ABOVE = 2.0**-40

_PROGRAMS_WANTED = 256


@dataclass(frozen=True, slots=True, eq=False)
class SharedRegion:
    """A region, and the cells left out of it: `excluded` (K, 4) of one type, `ignored_for_all` (M, 3) of all."""

    region: SpanRegion
    excluded: Tensor
    ignored_for_all: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class SharedSums:
    """The negative sum of each (text, type), and of each row, as the backward pass needs them.

    Attributes:
        top: (B, C) fp32, what exponents are relative to; 0 where no span is left.
        total: (B, C) fp32, sum of exp(score - top).
        shift: (B, C, L) fp32, start bias less top; -inf for rows that the factored sum does not answer for.
        row_total: (B, C, L) fp32, sum of exp(score - top) of each row that it does answer for, else 0.
        exact: The rows computed cell by cell, None if there are none.
    """

    top: Tensor
    total: Tensor
    shift: Tensor
    row_total: Tensor
    exact: ExactRows | None


def shared_sums(scores: SpanScores, shared: SharedRegion) -> SharedSums:
    """Sums all rows by factors, then the rows again that this cannot answer for."""
    from globalner.kernels._triton_shared_kernels import shared_row_sums
    from globalner.kernels._triton_tiles import compile_tile, launch

    operands, sizes = score_operands(scores, shared.region.max_span_tokens), shared.region.sizes
    query = scores.query
    batch = query.shape[0]
    bounds = query.new_empty(batch, operands.types, operands.length, dtype=torch.float32)
    sums = torch.empty_like(bounds)
    programs = batch * -(-operands.types // sizes.types) * -(-operands.length // sizes.rows)
    arguments = (operands, shared.region.left_out, bounds, sums, compile_tile(query, sizes))
    launch(shared_row_sums, programs, arguments, query.device, warps=8)
    if operands.start_bias is not None:
        bounds += operands.start_bias
    flagged = _rows_in_doubt(bounds, sums, shared.excluded)
    trusted = ~flagged & (sums >= _TRUSTED_ABOVE)
    exact, exact_sum = None, None
    top = bounds.masked_fill(~trusted, -torch.inf).amax(dim=2)
    if bool(flagged.any()):
        exact = gather_rows(flagged, shared.excluded, shared.ignored_for_all, shared.region.max_span_tokens)
        exact_sum = exact_sums(scores, exact)
        top = top.scatter_reduce(1, exact.types, exact_sum[0], "amax")
    top = top.masked_fill(top == -torch.inf, 0.0)
    row_total = (sums * (bounds - top.unsqueeze(2)).exp()).masked_fill_(~trusted, 0.0)
    total = row_total.sum(dim=2)
    if exact is not None and exact_sum is not None:
        total.scatter_add_(1, exact.types, exact_sum[1] * (exact_sum[0] - top.gather(1, exact.types)).exp())
    shift = -top.unsqueeze(2) if operands.start_bias is None else operands.start_bias - top.unsqueeze(2)
    return SharedSums(top, total, torch.where(trusted, shift, -torch.inf), row_total, exact)


def _rows_in_doubt(bounds: Tensor, sums: Tensor, excluded: Tensor) -> Tensor:
    """Rows (B, C, L) that hold excluded cells, or whose sum is too low to trust and could still matter."""
    possible = bounds > -torch.inf
    doubtful = (sums < _TRUSTED_ABOVE) & possible
    reached = (bounds + sums.log()).masked_fill_(doubtful | ~possible, -torch.inf).amax(dim=2, keepdim=True)
    floor = reached.clamp(min=0.0) + math.log(_MATTERS_ABOVE)
    doubtful &= bounds + math.log(_TRUSTED_ABOVE) > floor
    doubtful[excluded[:, 0], excluded[:, 1], excluded[:, 2]] = True
    return doubtful & possible


class SharedLogSum(torch.autograd.Function):
    """log of the sum of e^score over the region: (B, C) fp32, -inf where it is empty. Differentiable once."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, start_bias: Tensor | None, end_bias: Tensor | None, shared: SharedRegion
    ) -> Tensor:
        """See `shared_sums`."""
        sums = shared_sums(shared.region.scores(query, key, start_bias, end_bias), shared)
        ctx.save_for_backward(query, key, start_bias, end_bias, sums.top, sums.total, sums.shift, sums.row_total)
        ctx.shared, ctx.exact = shared, sums.exact
        return sums.top + sums.total.log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Recomputes the tiles for query, key and end bias; the start bias needs only the sums of rows."""
        query, key, start_bias, end_bias, top, total, shift, row_total = ctx.saved_tensors
        scores = ctx.shared.region.scores(query, key, start_bias, end_bias)
        operands = score_operands(scores, ctx.shared.region.max_span_tokens)
        weight = torch.where(total > 0, gradient / total, 0.0).contiguous()
        query_gradient, key_gradient, end_gradient = _factored_gradients(operands, ctx.shared.region, shift, weight)
        start_gradient = row_total * weight.unsqueeze(2)
        if ctx.exact is not None:
            made = ScoreGradients(query_gradient.unsqueeze(1), key_gradient.unsqueeze(1), start_gradient, end_gradient)
            with torch.autocast(query.device.type, enabled=False):
                add_exact_gradients(made, scores, ctx.exact, top, weight)
        return (
            query_gradient.unsqueeze(1).to(query.dtype),
            key_gradient.unsqueeze(1).to(key.dtype),
            None if start_bias is None else start_gradient.to(start_bias.dtype),
            None if end_bias is None else end_gradient.to(end_bias.dtype),
            None,
        )


def _factored_gradients(
    operands: ScoreOperands, region: SpanRegion, shift: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """fp32 gradients of query, key (B, L, D) and end bias (B, C, L) from the rows that the factored sum answers for."""
    from globalner.kernels import _triton_shared_kernels as kernels
    from globalner.kernels._triton_tiles import compile_tile, launch

    query, sizes = operands.query.data, region.sizes
    batch, _, length, head = query.shape
    end_gradient = query.new_empty(batch, operands.types, length, dtype=torch.float32)
    tile = compile_tile(query, sizes)
    results = []
    for kernel, size in ((kernels.shared_row_gradients, sizes.rows), (kernels.shared_column_gradients, sizes.columns)):
        tiles = -(-length // size)
        # Many types are cut into splits, whose gradients are summed afterwards, until the device has enough to do.
        splits = max(1, min(-(-operands.types // sizes.types), _PROGRAMS_WANTED // (batch * tiles)))
        partial = query.new_empty(batch, splits, length, head, dtype=torch.float32)
        into = kernels.SharedGradients(partial, end_gradient, splits)
        weights = kernels.RowWeights(shift, weight)
        launch(kernel, batch * splits * tiles, (operands, region.left_out, weights, into, tile), query.device, warps=8)
        results.append(partial.sum(dim=1))
    return results[0], results[1], end_gradient
