"""Masks for the attention of decoder-only encoders: who sees whom, in the form that each implementation takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask

__all__ = ["MASKED_IMPLEMENTATIONS", "AttentionMask", "Direction", "Sight"]

Direction = Literal["back", "ahead", "both", "half_heads"]
AttentionMask: TypeAlias = "Tensor | BlockMask"


@dataclass(frozen=True)
class Sight:
    """Which tokens of a text without padding a layer sees.

    For query `q` and key `k`, both positions in the text, and head `h` of `num_heads`:

        back        k <= q
        ahead       k >= q
        both        every k
        half_heads  k <= q where h < ceil(num_heads / 2), else k >= q

    and, with a window, also |k - q| < window.

    Attributes:
        direction: See above.
        window: Tokens that a sliding window reaches over to each side, the token itself counted; None for no window.
        num_heads: Heads of the layer's queries.
    """

    direction: Direction
    window: int | None
    num_heads: int

    @property
    def mask_heads(self) -> int:
        """Heads that a mask must tell apart: 1 where all see the same."""
        return self.num_heads if self.direction == "half_heads" else 1

    def allows(self, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        """Whether a query sees a key; indices of any shapes that broadcast, the result is boolean."""
        if self.direction == "half_heads":
            seen = torch.where(head < (self.num_heads + 1) // 2, key <= query, key >= query)
        elif self.direction == "both":
            seen = (key >= 0) & (query >= 0)
        else:
            seen = key <= query if self.direction == "back" else key >= query
        return seen if self.window is None else seen & ((key - query).abs() < self.window)


def _boolean(sight: Sight, real: Tensor, dtype: torch.dtype) -> Tensor:  # noqa: ARG001
    """(B, 1 or heads, L, L), True where a query sees a key."""
    place = torch.arange(real.shape[1], device=real.device)
    head = torch.arange(sight.mask_heads, device=real.device)[:, None, None]
    seen = sight.allows(head, place[:, None], place)
    return _or_itself(seen & real[:, None, None, :], place[:, None], place)


def _additive(sight: Sight, real: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, 1 or heads, L, L): 0 where a query sees a key, else the lowest finite value."""
    seen = _boolean(sight, real, dtype)
    return torch.zeros((), dtype=dtype, device=real.device).where(seen, torch.finfo(dtype).min)


def _blocks(sight: Sight, real: Tensor, dtype: torch.dtype) -> BlockMask:  # noqa: ARG001
    """The same as blocks; flex_attention reads `seen` again inside each block that is neither empty nor full."""
    from torch.nn.attention.flex_attention import create_block_mask

    batch, length = real.shape

    def seen(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return _or_itself(sight.allows(head, query, key) & real[row, key], query, key)

    return create_block_mask(seen, batch, sight.mask_heads, length, length, device=real.device)


def _or_itself(seen: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """Padding sees itself: a softmax over nothing would be NaN, and nobody reads what comes of padding."""
    return seen | (query == key)


MASKED_IMPLEMENTATIONS: dict[str, Callable[[Sight, Tensor, torch.dtype], AttentionMask]] = {
    "eager": _additive,
    "sdpa": _boolean,
    "flex_attention": _blocks,
}
"""Implementations of attention that take a mask of any pattern: from the sight, which tokens are real (B, L), and the
type of numbers, to the mask."""
