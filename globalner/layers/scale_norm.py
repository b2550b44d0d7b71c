"""Normalisation by the length of a vector, with one gain for all features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from globalner.layers.rms_norm import divide_by_rms

__all__ = ["ScaleNorm"]


class ScaleNorm(nn.Module):
    """g x / sqrt(mean(x^2) + eps) with a single gain g, computed in fp32 at least.

    The paper writes g' x / |x|; here g = g' / sqrt(H), which begins at one.

    Args:
        eps: Added to the mean square.

    Source: arXiv 1910.05895; as in FLASH, arXiv 2202.10447.
    """

    def __init__(self, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(1))

    def reset_parameters(self) -> None:
        """A gain of one."""
        nn.init.ones_(self.gain)

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., H)."""
        return divide_by_rms(x, self.eps) * self.gain
