"""Tiles as Triton compiles them in: sizes and number formats that a kernel is specialised for, and its launch.

Imported only where Triton is installed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from globalner.kernels.triton_operands import TileSizes

__all__ = ["Tile", "compile_tile", "launch"]


class Tile(NamedTuple):
    """Compile-time constants of a kernel.

    Attributes:
        rows, columns, types: See `TileSizes`.
        head: D.
        width: D rounded up to what a matrix product takes.
        precision: How products of fp32 are taken; "ieee", or "tf32" where the scores came in half precision.
        narrow_weights: Whether weights of a sum are rounded to the format of the values.
        widen: Whether queries and keys are raised to fp32 at once.
    """

    rows: Any
    columns: Any
    types: Any
    head: Any
    width: Any
    precision: Any
    narrow_weights: Any
    widen: Any


def compile_tile(query: Tensor, sizes: TileSizes) -> Tile:
    """The constants for a query (B, G, L, D) and its dtype."""
    head = query.shape[3]
    # fp16 weights would lose those below 6e-8, of which a text has thousands; bf16 has the range of fp32. Triton's
    # interpreter multiplies the bit patterns of bf16.
    widen = query.dtype == torch.bfloat16 and not query.is_cuda
    return Tile(
        rows=tl.constexpr(sizes.rows),
        columns=tl.constexpr(sizes.columns),
        types=tl.constexpr(sizes.types),
        head=tl.constexpr(head),
        width=tl.constexpr(max(16, triton.next_power_of_2(head))),
        precision=tl.constexpr("ieee" if query.dtype == torch.float32 else "tf32"),
        narrow_weights=tl.constexpr(query.dtype == torch.bfloat16 and not widen),
        widen=tl.constexpr(widen),
    )


def launch(kernel: Any, programs: int, arguments: tuple[Any, ...], device: torch.device, warps: int = 4) -> None:
    """Runs `programs` programs of a kernel on the device of its tensors."""
    if programs == 0:
        return
    if device.type != "cuda":
        kernel[(programs,)](*arguments)
        return
    with torch.cuda.device(device):
        kernel[(programs,)](*arguments, num_warps=warps)
