"""The feed-forward part of a transformer block."""

from __future__ import annotations

from torch import nn

__all__ = ["FeedForward"]


class FeedForward(nn.Sequential):
    """W2 gelu(W1 x + b1) + b2, token by token: (..., H) -> (..., H).

    Args:
        hidden_size: H.
        intermediate_size: Width between the two.
        bias: Whether there are b1 and b2.

    Source: arXiv 1706.03762; gelu in its exact form, as in BERT.
    """

    def __init__(self, *, hidden_size: int, intermediate_size: int, bias: bool = True) -> None:
        super().__init__(
            nn.Linear(hidden_size, intermediate_size, bias=bias),
            nn.GELU(),
            nn.Linear(intermediate_size, hidden_size, bias=bias),
        )
