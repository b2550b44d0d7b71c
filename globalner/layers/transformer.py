"""A block of an encoder: attention, and perhaps a feed-forward part, each added to what it was given."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from globalner.layers.options import check_option
from globalner.layers.rotary import Rotation

__all__ = ["NORM_PLACEMENTS", "NormPlacement", "TransformerBlock"]

NormPlacement = Literal["pre", "post"]
NORM_PLACEMENTS: tuple[NormPlacement, ...] = ("pre", "post")


class TransformerBlock(nn.Module):
    """Adds what attention and feed-forward make of the tokens.

        pre:   x = x + dropout(f(norm(x)))       post:   x = norm(x + dropout(f(x)))

    for f = attention, then for f = feed-forward. A gated attention unit is both in one and stands alone.

    Args:
        attention: From (B, L, H), a mask and a rotation to (B, L, H).
        attention_norm: Its norm.
        feed_forward: From (B, L, H) to (B, L, H), or None.
        feed_forward_norm: Its norm, where there is one.
        placement: Where the norms are: "pre" trains without care, "post" is that of BERT, RoFormer and GAU-alpha.
        dropout: Share dropped in training of what each part adds.

    Raises:
        ConfigError: If there is no such placement.
    """

    def __init__(
        self,
        *,
        attention: nn.Module,
        attention_norm: nn.Module,
        feed_forward: nn.Module | None = None,
        feed_forward_norm: nn.Module | None = None,
        placement: NormPlacement = "pre",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("norm placement", placement, NORM_PLACEMENTS)
        self.placement = placement
        self.attention_norm, self.attention = attention_norm, attention
        self.feed_forward_norm, self.feed_forward = feed_forward_norm, feed_forward
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor | None, rotation: Rotation | None = None) -> Tensor:
        """hidden (B, L, H), mask and rotation as the attention takes them -> (B, L, H)."""
        if self.placement == "pre":
            hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden), mask, rotation))
        else:
            hidden = self.attention_norm(hidden + self.dropout(self.attention(hidden, mask, rotation)))
        if self.feed_forward is None or self.feed_forward_norm is None:
            return hidden
        if self.placement == "pre":
            fed: Tensor = hidden + self.dropout(self.feed_forward(self.feed_forward_norm(hidden)))
        else:
            fed = self.feed_forward_norm(hidden + self.dropout(self.feed_forward(hidden)))
        return fed
