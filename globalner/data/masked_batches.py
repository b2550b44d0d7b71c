"""Masked windows as tensors, and the fixed masks of held-out text. Tensors begin here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from globalner.data.masking import MaskedRows, MaskingRules, mask_words
from globalner.data.packing import PackedText, TokenRows

__all__ = ["MaskedBatch", "heldout_batches", "training_batch"]

# Keeps masks apart from the order of windows and the seeds of steps, which derive from the same numbers.
_TRAINING, _HELD_OUT = 1, 2


@dataclass(frozen=True)
class MaskedBatch:
    """B windows, padded on the right to L tokens, of which M tokens are to be found.

    Attributes:
        input_ids: (B, L) long, masked.
        attention_mask: (B, L) bool, True for real tokens.
        places: (M,) long, tokens that are to be found, as `row * L + column`.
        targets: (M,) long, what they were.
        tokens: Number of real tokens.
    """

    input_ids: Tensor
    attention_mask: Tensor
    places: Tensor
    targets: Tensor
    tokens: int

    def to(self, device: torch.device | str) -> MaskedBatch:
        """The same batch on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return MaskedBatch(**moved, tokens=self.tokens)


def training_batch(
    text: PackedText, indices: Sequence[int], rules: MaskingRules, *, pad_id: int, seeds: tuple[int, int, int]
) -> MaskedBatch:
    """Windows with masks that derive from `seeds` alone.

    Args:
        text: Where the windows are from.
        indices: Which windows.
        rules: How they are masked.
        pad_id: Id of the padding token.
        seeds: Seed of the run, pass over the text, and step in it, both counted from 0.
    """
    rows = text.rows(indices, pad_id)
    return _batch(rows, mask_words(rows, rules, np.random.default_rng((*seeds, _TRAINING))))


def heldout_batches(
    text: PackedText, rules: MaskingRules, *, most_tokens: int | None, batch_tokens: int
) -> list[MaskedBatch]:
    """Windows of held-out text, evenly taken, whose masks derive from their length and number alone.

    Args:
        text: Windows of one length (`whole=True`).
        rules: How they are masked.
        most_tokens: About how many tokens to take; None for all.
        batch_tokens: About how many tokens go in a batch.
    """
    indices = text.evenly(most_tokens)
    count, rows = len(indices), text.rows(indices)
    masked = mask_words(rows, rules, np.random.default_rng((0, text.window_tokens, count, _HELD_OUT)))
    step = max(1, batch_tokens // text.window_tokens)
    parts = [slice(place, place + step) for place in range(0, count, step)]
    return [_batch(rows.part(part), masked.part(part)) for part in parts]


def _batch(rows: TokenRows, masked: MaskedRows) -> MaskedBatch:
    return MaskedBatch(
        input_ids=torch.from_numpy(masked.ids),
        attention_mask=torch.from_numpy(rows.attended),
        places=torch.from_numpy(np.flatnonzero(masked.chosen)),
        targets=torch.from_numpy(rows.ids[masked.chosen]),
        tokens=int(rows.attended.sum()),
    )
