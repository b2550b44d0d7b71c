"""Queries, keys and values of all heads out of one projection, queries and keys rotated on the way."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from globalner.layers.rotary import Rotation, rotate, rotate_into

__all__ = ["split_heads", "split_rotated_heads"]


def split_heads(projected: Tensor, num_heads: int, key_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Views of what a projection put out.

    Args:
        projected: (B, L, 2 * heads * D + heads * V): queries, keys, values, each head by head.
        num_heads: Number of heads.
        key_size: D.

    Returns:
        Queries and keys (B, heads, L, D), values (B, heads, L, V).
    """
    keys = num_heads * key_size
    parts = torch.split(projected, [keys, keys, projected.shape[-1] - 2 * keys], dim=-1)
    query, key, value = (torch.unflatten(part, -1, (num_heads, -1)).transpose(1, 2) for part in parts)
    return query, key, value


def split_rotated_heads(projected: Tensor, num_heads: int, rotation: Rotation) -> tuple[Tensor, Tensor, Tensor]:
    """`split_heads`, then `rotate` of queries and keys, in one pass over them forward and one backward.

    Taken one by one, each of the two is turned by itself, and backward their gradients are turned and then copied
    next to each other. What comes out are copies, so that nothing holds the projection; a compiler plans memory by
    itself.

    Args:
        projected: (B, L, 2 * heads * D + heads * V).
        num_heads: Number of heads.
        rotation: Of width D.
    """
    key_size = 2 * rotation.cos.shape[-1]
    if torch.compiler.is_compiling():
        query, key, value = split_heads(projected, num_heads, key_size)
        return rotate(query, rotation), rotate(key, rotation), value
    cos, sin = rotation.cos.to(projected.dtype), rotation.sin.to(projected.dtype)
    heads = _Heads(num_heads, Rotation(cos, sin, rotation.layout))
    query, key, value = _SplitRotated.apply(projected, heads)  # type: ignore[no-untyped-call]
    return query, key, value


class _Heads(NamedTuple):
    """How many there are and how they are turned; the angles are not differentiated."""

    num_heads: int
    rotation: Rotation

    @property
    def key_size(self) -> int:
        return 2 * self.rotation.cos.shape[-1]

    @property
    def turned_back(self) -> _Heads:
        return self._replace(rotation=self.rotation._replace(sin=-self.rotation.sin))

    def rotate_into(self, x: Tensor, out: Tensor) -> None:
        """x and out (B, L, any number of heads, D)."""
        cos, sin = (part.unsqueeze(1) for part in self.rotation[:2])
        if x.device.type == "cpu":  # with angles for each head it goes through longer runs of memory
            cos, sin = (part.repeat(1, x.shape[2], 1) for part in (cos, sin))
        rotate_into(x, cos, sin, self.rotation.layout, out)


class _SplitRotated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projected: Tensor, heads: _Heads) -> tuple[Tensor, Tensor, Tensor]:
        ctx.heads = heads
        keys = heads.num_heads * heads.key_size
        straight = torch.unflatten(projected[..., : 2 * keys], -1, (2 * heads.num_heads, heads.key_size))
        turned = torch.empty_like(straight, memory_format=torch.contiguous_format)
        heads.rotate_into(straight, turned)
        query, key = turned.transpose(1, 2).chunk(2, dim=1)
        # A view would hold the whole projection until the backward pass.
        value = projected[..., 2 * keys :].clone(memory_format=torch.contiguous_format)
        return query, key, torch.unflatten(value, -1, (heads.num_heads, -1)).transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, None]:
        return _JoinRotated.apply(query, key, value, ctx.heads.turned_back), None  # type: ignore[no-untyped-call]


class _JoinRotated(torch.autograd.Function):
    """The adjoint of `_SplitRotated` for angles that are turned back."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, heads: _Heads) -> Tensor:
        ctx.heads = heads
        batch, num_heads, length, width = value.shape
        joined = value.new_empty(batch, length, num_heads * (2 * heads.key_size + width))
        to_query, to_key, to_value = split_heads(joined, num_heads, heads.key_size)
        for part, out in ((query, to_query), (key, to_key)):
            heads.rotate_into(part.transpose(1, 2), out.transpose(1, 2))
        to_value.copy_(value)
        return joined

    @staticmethod
    def backward(ctx: Any, joined: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        return (*_SplitRotated.apply(joined, ctx.heads.turned_back), None)  # type: ignore[no-untyped-call]
