"""Multilabel cross-entropy over all spans: one door, several implementations behind it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from globalner.errors import ConfigError
from globalner.kernels.gold_cells import complete_cells
from globalner.kernels.implementations import choose_implementation
from globalner.kernels.reference_loss import reference_loss
from globalner.kernels.scores import SpanScores
from globalner.kernels.tiled_loss import tiled_loss
from globalner.kernels.triton_loss import triton_loss

__all__ = ["span_loss"]

_KERNELS = {"reference": reference_loss, "tiled": tiled_loss, "triton": triton_loss}


def span_loss(
    scores: SpanScores,
    gold: Tensor,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
    max_span_tokens: int | None = None,
    reduction: Literal["mean", "none"] = "mean",
    impl: str = "auto",
) -> Tensor:
    """Multilabel cross-entropy of gold spans against all other allowed spans, text by text and type by type.

        L[b, c] = log(1 + sum t e^-s) + log(1 + sum (1 - t) e^s)

    Both sums run over the allowed spans of the text; `t` is the weight of a gold span and 0 elsewhere. With hard
    targets (t = 1) a gold span counts on the left only. Computed in at least fp32; never negative.

    Args:
        scores: Logits of all spans; (B, C, L, L) in factored form.
        gold: (N, 4) long: text, type, first token, last token (both inclusive). A cell given twice counts once.
        weight: (N,) soft targets in (0, 1]; None for 1. Probabilities are then read as sigmoid(2 s).
        ignore: (M, 4) long as `gold`: cells left out of both sums; type -1 stands for every type. Wins over `gold`.
        max_span_tokens: Longer spans (in tokens, both ends counted) are no candidates; None for no limit.
        reduction: "mean" over the B * C (text, type) pairs, or "none" for (B, C).
        impl: "reference" (on the square), "tiled", "triton" (CUDA), or "auto": triton on a GPU that has it, else tiled.

    Returns:
        A scalar, or (B, C) with reduction "none".

    Raises:
        ShapeError: If cells are out of range or lie where no span may be, or weights are outside (0, 1].
        ConfigError: If `reduction` or `impl` has no such value, or "triton" cannot run here.

    Source: Su Jianlin, kexue.fm/archives/7359 (hard), kexue.fm/archives/9064 (soft).
    """
    if reduction not in ("mean", "none"):
        raise ConfigError(f"reduction must be 'mean' or 'none'; got {reduction!r}")
    kernel = choose_implementation(_KERNELS, impl, scores)
    cells = complete_cells(scores, gold, weight, ignore, max_span_tokens)
    with torch.autocast(scores.query.device.type, enabled=False):
        losses: Tensor = kernel(scores, cells)
    return losses.mean() if reduction == "mean" else losses
