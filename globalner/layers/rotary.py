"""Rotary position embedding in the interleaved pairing (2r, 2r + 1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from globalner.errors import ShapeError

__all__ = ["apply_rotary", "rotary_angles"]


def rotary_angles(length: int, width: int, *, base: float = 10000.0, device: torch.device | None = None) -> Tensor:
    """Angles `p * base^(-2r / width)` of position p and pair r: (length, width / 2).

    In fp64 where the device has it. Computed in every forward pass and kept in no buffer, since buffers that are
    not saved come back as garbage from `from_pretrained`.

    Raises:
        ShapeError: If `width` is odd.
    """
    if width % 2:
        raise ShapeError(f"rotary position needs an even width; got {width}")
    dtype = torch.float32 if device is not None and device.type == "mps" else torch.float64
    frequencies = base ** (-torch.arange(0, width, 2, dtype=dtype, device=device) / width)
    positions = torch.arange(length, dtype=dtype, device=device)
    return torch.outer(positions, frequencies)


def apply_rotary(x: Tensor, angles: Tensor, *, scale: float = 1.0) -> Tensor:
    """Rotates the pairs of the last axis, and scales them.

        out[2r]     = x[2r] cos(a_r) - x[2r + 1] sin(a_r)
        out[2r + 1] = x[2r + 1] cos(a_r) + x[2r] sin(a_r)

    Args:
        x: (..., L, D).
        angles: (L, D / 2), from `rotary_angles`; not differentiated.
        scale: Factor of the result.

    Returns:
        (..., L, D) in the dtype of `x`, contiguous. Nothing else of that size is made, forward or backward.

    Source: Su Jianlin, kexue.fm/archives/8265; arXiv 2104.09864.
    """
    cos, sin = (scale * part.to(x.dtype) for part in (angles.cos(), angles.sin()))
    if torch.compiler.is_compiling():
        # A compiler fuses the formula by itself, and exporters know no functions with a backward of their own.
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)
    turned: Tensor = _Rotation.apply(x, cos, sin)  # type: ignore[no-untyped-call]
    return turned


class _Rotation(torch.autograd.Function):
    """Rotation by its formula; the gradient is turned back by the same angles."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _Rotation.apply(gradient, cos, -sin), None, None  # type: ignore[no-untyped-call]


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    turned = torch.empty_like(x, memory_format=torch.contiguous_format)
    even, odd = x[..., 0::2], x[..., 1::2]
    torch.mul(even, cos, out=turned[..., 0::2]).addcmul_(odd, sin, value=-1)
    torch.mul(odd, cos, out=turned[..., 1::2]).addcmul_(even, sin)
    return turned
