"""Floating-point operations of an encoder's matrix products by formula, and from which length on one needs fewer."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchmarks.encoder_cases import VARIANTS, Size

__all__ = ["BASE", "CONTENDERS", "fewer_from", "formula_flops"]

BASE = "roformer"
"""What all others are held against."""

CONTENDERS: Mapping[str, str] = {
    BASE: VARIANTS[BASE].title,
    "transformers-roformer": "RoFormer of transformers",
    "transformers-bert": "BERT of transformers",
    **{
        name: VARIANTS[name].title
        for name in ("gau-relu-squared", "gau-softmax", "gau-softmax-plus", "flash", "linear-exp", "performer")
    },
}
"""What is timed, and what the tables call it, in the order in which they take turns."""

_LONGEST = 1 << 20


def formula_flops(size: Size, variant: str, length: int) -> int:
    """Of a forward pass over one text; a multiplication with its addition counts as two.

    Multiplications by layer for n tokens, width w, h heads of width d = w / h, gates e = 2 w, gate keys s, chunks c,
    m = d ln d random features:

        softmax     12 n w^2 + 2 n^2 w
        linear      12 n w^2 + 2 n d w
        performer   12 n w^2 + 4 n m w
        gau          3 n w e + n w s + n^2 (s + e)
        flash        3 n w e + n w s + n c (s + e) + 2 n s e

    Norms, softmax, rotation and everything else that is no matrix product are left out. The last chunk of FLASH is
    filled up.

    Args:
        size: How large.
        variant: One of `VARIANTS`.
        length: n.

    Source: Su Jianlin, kexue.fm/archives/8610; the terms of Performer are counted in the same way.
    """
    n, w = length, size.width
    if VARIANTS[variant].gated:
        e, s = 2 * w, size.gate_keys
        dense = 3 * n * w * e + n * w * s
        if variant == "flash":
            c = min(size.chunk, n)
            filled = -(-n // c) * c
            mixing = filled * c * (s + e) + 2 * filled * s * e
        else:
            mixing = n * n * (s + e)
        return 2 * 2 * size.blocks * (dense + mixing)
    d = w // size.heads
    features = {"linear-exp": 2 * n * d * w, "performer": 4 * n * int(d * math.log(d)) * w}
    return 2 * size.blocks * (12 * n * w * w + features.get(variant, 2 * n * n * w))


def fewer_from(size: Size, variant: str) -> int | None:
    """The length from which on a kind needs fewer operations than softmax attention; None if that is never so."""

    def fewer(length: int) -> bool:
        return formula_flops(size, variant, length) < formula_flops(size, BASE, length)

    if not fewer(_LONGEST):
        return None
    low, high = 0, _LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fewer(middle) else (middle, high)
    return high
