"""Multi-head self-attention with rotary position."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from globalner.errors import ShapeError
from globalner.layers.rotary import apply_rotary

__all__ = ["RotarySelfAttention"]


class RotarySelfAttention(nn.Module):
    """Softmax attention whose queries and keys are rotated by position; values are not.

        a(i, j) = softmax_j((R_i q_i) . (R_j k_j) / sqrt(D)),   o_i = sum_j a(i, j) v_j

    Args:
        hidden_size: H, a multiple of `num_heads`; H / num_heads must be even.
        num_heads: Number of heads.
        dropout: Share of attention weights dropped in training.

    Raises:
        ShapeError: If `hidden_size` does not divide into heads of an even width.

    Source: arXiv 2104.09864 (RoFormer).
    """

    def __init__(self, *, hidden_size: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if hidden_size % num_heads or (hidden_size // num_heads) % 2:
            raise ShapeError(f"hidden_size {hidden_size} must divide into {num_heads} heads of an even width")
        self.num_heads, self.dropout = num_heads, dropout
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor, angles: Tensor) -> Tensor:
        """Attends to the tokens that `mask` leaves open.

        Args:
            hidden: (B, L, H).
            mask: (B, L) bool, True for tokens that may be attended to; at least one in each text.
            angles: (L, H / num_heads / 2), from `rotary_angles`.

        Returns:
            (B, L, H).
        """
        heads = self.query_key_value(hidden).unflatten(-1, (3, self.num_heads, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = scaled_dot_product_attention(
            apply_rotary(query, angles),
            apply_rotary(key, angles),
            value,
            attn_mask=mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        mixed_tokens: Tensor = self.output(mixed.transpose(1, 2).flatten(-2))
        return mixed_tokens
