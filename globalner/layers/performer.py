"""Performer: softmax attention estimated with random features, in linear time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from globalner.errors import ShapeError
from globalner.layers.linear_attention import linear_attention
from globalner.layers.query_key_value import Bias, QueryKeyValue
from globalner.layers.rotary import Rotation

__all__ = ["PerformerAttention", "default_num_features", "favor_attention", "orthogonal_features"]


class PerformerAttention(nn.Module):
    """Multi-head attention by FAVOR+; see `favor_attention` for the formula.

    Queries and keys are rotated before their features are taken, so that it estimates softmax attention with rotary
    position and weights stay positive.

    Args:
        hidden_size: H, a multiple of `num_heads`; D = H / num_heads, even with rotary position.
        num_heads: Number of heads.
        num_features: m, random features, the same for all heads; None for D ln D.
        bias: "all", "query_key" (queries and keys only) or "none".

    Raises:
        ShapeError: If `hidden_size` does not divide into heads, or `num_features` is below 1.
        ConfigError: If there is no such bias.

    Source: arXiv 2009.14794; Su Jianlin, kexue.fm/archives/7921.
    """

    features: Tensor

    def __init__(
        self, *, hidden_size: int, num_heads: int, num_features: int | None = None, bias: Bias = "all"
    ) -> None:
        super().__init__()
        if num_features is not None and num_features < 1:
            raise ShapeError(f"num_features must be at least 1; got {num_features}")
        self.query_key_value = QueryKeyValue(hidden_size=hidden_size, num_heads=num_heads, bias=bias)
        width = hidden_size // num_heads
        if num_features is None:
            num_features = default_num_features(width)
        # Saved with the weights: a model has to go on with the features that it was trained with.
        self.register_buffer("features", torch.empty(num_features, width))
        self.redraw()
        self.output = nn.Linear(hidden_size, hidden_size, bias=bias == "all")

    @torch.no_grad()
    def redraw(self) -> None:
        """Draws new features; in training every thousand steps or so, so that no weight relies on one draw."""
        drawn = orthogonal_features(*self.features.shape, device=self.features.device)
        self.features.copy_(drawn)

    def forward(self, hidden: Tensor, mask: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Attends to the tokens that `mask` leaves open.

        Args:
            hidden: (B, L, H).
            mask: (B, L) bool, True for tokens that may be attended to; at least one in each text.
            rotation: Of width D, from `make_rotation`; None for attention that knows no order.

        Returns:
            (B, L, H).
        """
        query, key, value = self.query_key_value.heads(hidden, rotation)
        mixed = favor_attention(query, key, value, mask, self.features)
        mixed_tokens: Tensor = self.output(mixed.transpose(1, 2).flatten(-2))
        return mixed_tokens


def default_num_features(width: int) -> int:
    """D ln D, rounded down: the random features for heads of width D where nobody says how many."""
    return max(1, int(width * math.log(width)))


def favor_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, features: Tensor) -> Tensor:
    """Estimates softmax(Q K^T / sqrt(D)) V; the error falls as 1 / sqrt(m).

        e^{q . k} = E_w [e^{w . q - |q|^2 / 2} e^{w . k - |k|^2 / 2}],   w ~ N(0, 1) in each of D values

    with q and k divided by D^(1/4) first. A factor of a query cancels, so |q|^2 / 2 is left out. Nothing is added to
    the features. In fp32 at least.

    Args:
        query: (B, heads, L, D).
        key: (B, heads, L, D).
        value: (B, heads, L, D).
        mask: (B, L) bool, True for tokens that may be attended to; at least one in each text.
        features: (m, D), the vectors w, from `orthogonal_features`.

    Returns:
        (B, heads, L, D) in the dtype of `value`.

    Source: arXiv 2009.14794.
    """
    with torch.autocast(value.device.type, enabled=False):
        exact = torch.promote_types(value.dtype, torch.float32)
        query, key = (x.to(exact) * query.shape[-1] ** -0.25 for x in (query, key))
        directions = features.to(exact).T
        key_features = key @ directions - key.square().sum(-1, keepdim=True) / 2
        return linear_attention(query @ directions, key_features, value, mask, feature_map="exp")


def orthogonal_features(num_features: int, width: int, *, device: torch.device | None = None) -> Tensor:
    """Vectors of normally distributed length and direction, those of a block of `width` at right angles.

    Each alone is distributed as a vector of independent normal values, so estimates stay unbiased; together they
    cover all directions better than independent ones.

    Returns:
        (num_features, width).

    Source: arXiv 2009.14794, section 2.4.
    """
    blocks = math.ceil(num_features / width)
    square, triangle = torch.linalg.qr(torch.randn(blocks, width, width, device=device))
    # The signs that make the directions uniform, whatever the factorisation chose.
    signs = torch.where(triangle.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).unsqueeze(-2)
    lengths = torch.linalg.vector_norm(torch.randn(num_features, width, device=device), dim=-1, keepdim=True)
    features: Tensor = (square * signs).mT.flatten(0, 1)[:num_features] * lengths
    return features
