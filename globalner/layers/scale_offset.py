"""A gain, and perhaps an offset, for each feature."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ScaleOffset"]


class ScaleOffset(nn.Module):
    """x * gain + offset, feature by feature; at first the identity.

    Args:
        width: Number of features.
        offset: Whether there is an offset. Where the result is rotated, it is what a bias is to queries and keys.
    """

    def __init__(self, *, width: int, offset: bool) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.offset = nn.Parameter(torch.zeros(width)) if offset else None

    def reset_parameters(self) -> None:
        """Gains of one, offsets of zero."""
        nn.init.ones_(self.gain)
        if self.offset is not None:
            nn.init.zeros_(self.offset)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return x * self.gain if self.offset is None else torch.addcmul(self.offset, x, self.gain)
