"""Multi-head softmax self-attention."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from globalner.layers.entropy_scale import scale_by_length
from globalner.layers.options import check_option
from globalner.layers.query_key_value import Bias, QueryKeyValue
from globalner.layers.rotary import Rotation

__all__ = ["SCALES", "AttentionScale", "SoftmaxAttention"]

AttentionScale = Literal["plain", "entropy_invariant"]
SCALES: tuple[AttentionScale, ...] = ("plain", "entropy_invariant")


class SoftmaxAttention(nn.Module):
    """Softmax attention whose queries and keys may be rotated by position; values are not.

        a(i, j) = softmax_j(kappa (R_i q_i) . (R_j k_j) / sqrt(D)),   o_i = sum_j a(i, j) v_j

    kappa = 1, or log_512(n) with n the number of tokens attended to.

    Args:
        hidden_size: H, a multiple of `num_heads`; D = H / num_heads.
        num_heads: Number of heads.
        bias: "all", "query_key" (queries and keys only) or "none".
        scale: "plain" or "entropy_invariant".
        clamp_tokens: Shorter texts count as this long in log_512(n).
        dropout: Share of attention weights dropped in training.

    Raises:
        ShapeError: If `hidden_size` does not divide into heads.
        ConfigError: If there is no such bias or scale.

    Source: arXiv 2104.09864 (RoFormer); kexue.fm/archives/8823 (scale); kexue.fm/archives/9577 (bias).
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        num_heads: int,
        bias: Bias = "all",
        scale: AttentionScale = "plain",
        clamp_tokens: int = 16,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("scale", scale, SCALES)
        self.scale, self.clamp_tokens, self.dropout = scale, clamp_tokens, dropout
        self.query_key_value = QueryKeyValue(hidden_size=hidden_size, num_heads=num_heads, bias=bias)
        self.output = nn.Linear(hidden_size, hidden_size, bias=bias == "all")

    def forward(self, hidden: Tensor, mask: Tensor | None, rotation: Rotation | None = None) -> Tensor:
        """Attends to the tokens that `mask` leaves open.

        Args:
            hidden: (B, L, H).
            mask: (B, L) bool, True for tokens that may be attended to, at least one in each text; None for all of them,
                which some kernels are faster for.
            rotation: Of width D, from `make_rotation`; None for attention that knows no order.

        Returns:
            (B, L, H).
        """
        query, key, value = self.query_key_value.heads(hidden, rotation)
        if self.scale == "entropy_invariant":
            counted = hidden.new_ones(hidden.shape[:2], dtype=torch.bool) if mask is None else mask
            query = scale_by_length(query, counted, clamp_tokens=self.clamp_tokens)
        mixed = scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if mask is None else mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        mixed_tokens: Tensor = self.output(mixed.transpose(1, 2).flatten(-2))
        return mixed_tokens
