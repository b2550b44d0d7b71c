"""A convolution over neighbouring tokens."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import gelu

from globalner.errors import ShapeError

__all__ = ["TokenConvolution"]


class TokenConvolution(nn.Module):
    """Adds to each token what a convolution makes of it and its neighbours.

        x_i + gelu(b + sum_k W_k x_{i + k}),   k from -(width - 1) / 2 to (width - 1) / 2

    Tokens beyond the text count as zeros. Where tokens are characters, it spares attention from learning to read
    syllables and endings one pair at a time.

    Args:
        hidden_size: H.
        width: Tokens under the window; odd.

    Raises:
        ShapeError: If `width` is even or below 1.
    """

    def __init__(self, *, hidden_size: int, width: int) -> None:
        super().__init__()
        if width < 1 or width % 2 == 0:
            raise ShapeError(f"the width of a convolution must be odd and at least 1; got {width}")
        self.convolution = nn.Conv1d(hidden_size, hidden_size, width, padding=width // 2)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """hidden (B, L, H), mask (B, L) bool, True for real tokens -> (B, L, H)."""
        real = (hidden * mask.unsqueeze(-1)).transpose(1, 2)
        return hidden + gelu(self.convolution(real)).transpose(1, 2)
