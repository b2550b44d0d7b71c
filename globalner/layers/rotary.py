"""Rotary position embedding in the interleaved pairing (2r, 2r + 1) and the half pairing (r, r + D / 2)."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from globalner.errors import ShapeError

__all__ = [
    "RotaryLayout",
    "Rotation",
    "apply_rotary",
    "convert_rotary_weight",
    "join_pairs",
    "make_rotation",
    "rotary_angles",
    "rotate",
    "rotate_into",
    "split_pairs",
]

RotaryLayout = Literal["interleaved", "half"]


class Rotation(NamedTuple):
    """Cosines and sines of all positions, made once for all layers of a forward pass.

    Attributes:
        cos: (L, D / 2).
        sin: (L, D / 2).
        layout: Which values of a vector are turned together.
    """

    cos: Tensor
    sin: Tensor
    layout: RotaryLayout = "interleaved"


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


def make_rotation(
    length: int, width: int, *, layout: RotaryLayout = "interleaved", device: torch.device | None = None
) -> Rotation:
    """The rotation of positions 0 to length - 1 for queries and keys of a width.

    Raises:
        ShapeError: If `width` is odd.
    """
    angles = rotary_angles(length, width, device=device)
    return Rotation(angles.cos(), angles.sin(), layout)


def apply_rotary(x: Tensor, angles: Tensor, *, scale: float = 1.0, layout: RotaryLayout = "interleaved") -> Tensor:
    """Rotates the pairs of the last axis, and scales them.

        out[2r]     = x[2r] cos(a_r) - x[2r + 1] sin(a_r)
        out[2r + 1] = x[2r + 1] cos(a_r) + x[2r] sin(a_r)

    and with r and r + D / 2 for 2r and 2r + 1 in the half layout.

    Args:
        x: (..., L, D).
        angles: (L, D / 2), from `rotary_angles`; not differentiated.
        scale: Factor of the result.
        layout: "interleaved" or "half".

    Returns:
        (..., L, D) in the dtype of `x`, its axes in the order in which those of `x` lie in memory. Nothing else of that
        size is made, forward or backward.

    Source: Su Jianlin, kexue.fm/archives/8265; arXiv 2104.09864.
    """
    cos, sin = (scale * part.to(x.dtype) for part in (angles.cos(), angles.sin()))
    return rotate(x, Rotation(cos, sin, layout))


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """`apply_rotary` with cosines and sines that are there already: (..., L, D) -> (..., L, D)."""
    cos, sin = rotation.cos.to(x.dtype), rotation.sin.to(x.dtype)
    if torch.compiler.is_compiling():
        # A compiler fuses the formula by itself, and exporters know no functions with a backward of their own.
        first, second = split_pairs(x, rotation.layout)
        return join_pairs(first * cos - second * sin, second * cos + first * sin, rotation.layout)
    turned: Tensor = _Rotate.apply(x, cos, sin, rotation.layout)  # type: ignore[no-untyped-call]
    return turned


def split_pairs(x: Tensor, layout: RotaryLayout) -> tuple[Tensor, Tensor]:
    """The first and the second members of all pairs, as views: (..., D) -> twice (..., D / 2)."""
    if layout == "half":
        first, second = x.chunk(2, dim=-1)
        return first, second
    return x[..., 0::2], x[..., 1::2]


def join_pairs(first: Tensor, second: Tensor, layout: RotaryLayout) -> Tensor:
    """What `split_pairs` took apart: twice (..., D / 2) -> (..., D)."""
    if layout == "half":
        return torch.cat([first, second], dim=-1)
    return torch.stack([first, second], dim=-1).flatten(-2)


def convert_rotary_weight(weight: Tensor, *, head_size: int, to: RotaryLayout) -> Tensor:
    """Reorders what a projection to queries or keys puts out, so that the other layout gives the same scores.

        interleaved(x)[P] = half(x[P]),   P = [0, 2, 4, ..., 1, 3, 5, ...]

    Args:
        weight: (heads * D, ...), a weight or a bias of the projection in the other layout. Queries and keys have to
            be converted both; values are not.
        head_size: D.
        to: The layout that is wanted.

    Raises:
        ShapeError: If `head_size` is odd or the outputs do not divide into heads of it.
    """
    if head_size % 2 or weight.shape[0] % head_size:
        raise ShapeError(f"{weight.shape[0]} outputs do not divide into heads of an even width; got {head_size}")
    heads = weight.reshape(-1, head_size, *weight.shape[1:]).movedim(1, -1)
    other: RotaryLayout = "interleaved" if to == "half" else "half"
    return join_pairs(*split_pairs(heads, other), to).movedim(-1, 1).flatten(0, 1)


class _Rotate(torch.autograd.Function):
    """Rotation by its formula; the gradient is turned back by the same angles."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor, layout: RotaryLayout) -> Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.layout = layout
        return _rotated(x, cos, sin, layout)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        cos, sin = ctx.saved_tensors
        return _Rotate.apply(gradient, cos, -sin, ctx.layout), None, None, None  # type: ignore[no-untyped-call]


def _rotated(x: Tensor, cos: Tensor, sin: Tensor, layout: RotaryLayout) -> Tensor:
    turned = torch.empty_like(x)
    rotate_into(x, cos, sin, layout, turned)
    return turned


def rotate_into(x: Tensor, cos: Tensor, sin: Tensor, layout: RotaryLayout, out: Tensor) -> None:
    """Writes the rotated `x` to `out`; no gradient goes through it.

    Args:
        x: (..., D).
        cos: (..., D / 2), of the dtype of `x` and broadcast to it.
        sin: Likewise.
        layout: "interleaved" or "half".
        out: Of the shape and dtype of `x`, and not the same memory.
    """
    on_cpu = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    if layout == "interleaved" and on_cpu and _is_of_pairs(out):
        # Pairs side by side are complex numbers. One product of them takes a fraction of the time of four products over
        # every second value, which a CPU does value by value.
        pairs = x if _is_of_pairs(x) else x.clone(memory_format=torch.contiguous_format)
        torch.mul(_as_complex(pairs), torch.complex(cos, sin), out=_as_complex(out))
        return
    (first, second), (out_first, out_second) = split_pairs(x, layout), split_pairs(out, layout)
    torch.mul(first, cos, out=out_first).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=out_second).addcmul_(first, sin)


def _is_of_pairs(x: Tensor) -> bool:
    """Whether the pairs of the last axis can be seen as complex numbers."""
    return x.stride(-1) == 1 and all(place % 2 == 0 for place in (x.storage_offset(), *x.stride()[:-1]))


def _as_complex(x: Tensor) -> Tensor:
    return torch.view_as_complex(torch.unflatten(x, -1, (-1, 2)))
