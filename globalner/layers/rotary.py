"""Rotary position embedding in the interleaved pairing (2r, 2r + 1)."""

from __future__ import annotations

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


def apply_rotary(x: Tensor, angles: Tensor) -> Tensor:
    """Rotates the pairs of the last axis.

        out[2r]     = x[2r] cos(a_r) - x[2r + 1] sin(a_r)
        out[2r + 1] = x[2r + 1] cos(a_r) + x[2r] sin(a_r)

    Args:
        x: (..., L, D).
        angles: (L, D / 2), from `rotary_angles`.

    Returns:
        (..., L, D) in the dtype of `x`.

    Source: Su Jianlin, kexue.fm/archives/8265; arXiv 2104.09864.
    """
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)
