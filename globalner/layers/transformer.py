"""A pre-norm transformer block with rotary attention."""

from __future__ import annotations

from torch import Tensor, nn

from globalner.layers.attention import RotarySelfAttention

__all__ = ["TransformerBlock"]


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each on the normalised input and added to it.

        x = x + dropout(attention(norm(x)));   x = x + dropout(W2 gelu(W1 norm(x)))

    Args:
        hidden_size: H.
        num_heads: Number of attention heads.
        intermediate_size: Width inside the feed-forward part.
        dropout: Share dropped in training, of attention weights and of what each part adds.

    Raises:
        ShapeError: If `hidden_size` does not divide into heads of an even width.
    """

    def __init__(self, *, hidden_size: int, num_heads: int, intermediate_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden_size)
        self.attention = RotarySelfAttention(hidden_size=hidden_size, num_heads=num_heads, dropout=dropout)
        self.feed_forward_norm = nn.LayerNorm(hidden_size)
        self.feed_forward = nn.Sequential(
            nn.Linear(hidden_size, intermediate_size), nn.GELU(), nn.Linear(intermediate_size, hidden_size)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor, angles: Tensor) -> Tensor:
        """hidden (B, L, H), mask (B, L) bool, angles (L, H / num_heads / 2) -> (B, L, H)."""
        hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden), mask, angles))
        fed: Tensor = hidden + self.dropout(self.feed_forward(self.feed_forward_norm(hidden)))
        return fed
