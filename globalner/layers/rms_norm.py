"""Normalisation by the root mean square."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["RmsNorm", "divide_by_rms"]


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps), times a gain for each feature if there is one; computed in fp32 at least.

    Args:
        width: H.
        gain: Whether there is a gain. RoFormerV2 and GAU-alpha have none.
        eps: Added to the mean square.

    Source: arXiv 1910.07467.
    """

    def __init__(self, *, width: int, gain: bool = True, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(width)) if gain else None

    def reset_parameters(self) -> None:
        """Gains of one."""
        if self.gain is not None:
            nn.init.ones_(self.gain)

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., H)."""
        normed = divide_by_rms(x, self.eps)
        return normed if self.gain is None else normed * self.gain


def divide_by_rms(x: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last axis, computed in fp32 at least, in the dtype of `x`."""
    exact = x.to(torch.promote_types(x.dtype, torch.float32))
    return (exact * (exact.square().mean(-1, keepdim=True) + eps).rsqrt()).to(x.dtype)
