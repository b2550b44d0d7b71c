"""Floating-point operations of an encoder's matrix products by formula, and from which length on one needs fewer."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.encoder_cases import VARIANTS, Size, encoder_changes
from globalner.config import load_pretrain_recipe
from globalner.encoders import NativeEncoderConfig
from globalner.model import native_shape
from globalner.profiling.encoder_formulas import encoder_flops
from globalner.profiling.encoder_shape import EncoderShape, shape_of

__all__ = ["BASE", "CONTENDERS", "TRANSFORMERS", "VOCABULARY", "encoder_config", "fewer_from", "formula_flops"]

BASE = "roformer"
"""What all others are held against."""

TRANSFORMERS = ("transformers-roformer", "transformers-bert")
"""The contenders that our softmax attention must not be slower than."""

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

VOCABULARY = 4000
"""Token vectors of what is timed."""


def encoder_config(size: Size, variant: str) -> NativeEncoderConfig:
    """The configuration of an encoder of a kind and size, without dropout."""
    changes = (*encoder_changes(size, variant), "model.encoder.dropout=0.0")
    encoder = load_pretrain_recipe("pretrain_zh", changes).recipe.model.encoder
    return native_shape(encoder, vocab_size=VOCABULARY, pad_token_id=0)


def formula_flops(size: Size, variant: str, length: int) -> int:
    """Of a forward pass over one text, by the formulas of `globalner profile`.

    Args:
        size: How large.
        variant: One of `VARIANTS`.
        length: Tokens.
    """
    return _forward_flops(shape_of(encoder_config(size, variant)), length)


def fewer_from(size: Size, variant: str) -> int | None:
    """The length from which on a kind needs fewer operations than softmax attention; None if that is never so."""
    own, base = (shape_of(encoder_config(size, name)) for name in (variant, BASE))

    def fewer(length: int) -> bool:
        return _forward_flops(own, length) < _forward_flops(base, length)

    if not fewer(_LONGEST):
        return None
    low, high = 0, _LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fewer(middle) else (middle, high)
    return high


def _forward_flops(shape: EncoderShape | None, length: int) -> int:
    assert shape is not None
    return sum(flops.forward for flops in encoder_flops(shape, length).values())
