"""Windows to padded tensors, in batches of similar length. Tensors begin here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from globalner.data.windows import Window

__all__ = ["Batch", "ShuffledBatches", "batches_by_length", "collate", "shuffled_batches"]


@dataclass(frozen=True)
class Batch:
    """B windows, padded on the right to L tokens.

    Attributes:
        input_ids: (B, L) long.
        attention_mask: (B, L) bool, True for real tokens.
        start_mask: (B, L) bool, which tokens may start an entity.
        end_mask: (B, L) bool, which tokens may end one.
        gold: (N, 4) long: window, type, first, last (inclusive).
        ignore: (M, 4) long: window, -1, first, last.
    """

    input_ids: Tensor
    attention_mask: Tensor
    start_mask: Tensor
    end_mask: Tensor
    gold: Tensor
    ignore: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return Batch(**{name: tensor.to(device) for name, tensor in vars(self).items()})


def collate(windows: Sequence[Window], pad_id: int) -> Batch:
    """Pads windows to the longest of them."""
    length = max(map(len, windows))
    return Batch(
        input_ids=_padded([window.input_ids for window in windows], length, pad_id),
        attention_mask=_padded([np.ones(len(window), dtype=bool) for window in windows], length, False),
        start_mask=_padded([window.start_mask for window in windows], length, False),
        end_mask=_padded([window.end_mask for window in windows], length, False),
        gold=_numbered([window.gold for window in windows]),
        ignore=_numbered([window.ignore for window in windows]),
    )


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Indices in batches of similar length, longest first: for prediction."""
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist()
    return [order[place : place + batch_size] for place in range(0, len(order), batch_size)]


class ShuffledBatches(Sequence[list[int]]):
    """Indices in shuffled batches of similar length: for training. Holds them as arrays.

    The order derives from (seed, epoch) alone. Indices are shuffled, cut in buckets of `batches_in_bucket` batches,
    sorted by length inside each bucket, and the batches shuffled.

    Args:
        lengths: Tokens of each window.
        batch_size: Windows in a batch.
        seed: Seed of the training.
        epoch: Which pass it is.
        batches_in_bucket: From how many batches' windows those of similar length are put together.
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.integer],
        batch_size: int,
        *,
        seed: int,
        epoch: int,
        batches_in_bucket: int = 50,
    ) -> None:
        random = np.random.default_rng((seed, epoch))
        self._order = random.permutation(len(lengths))
        self._batch_size = batch_size
        sizes = np.asarray(lengths)
        for place in range(0, len(self._order), batch_size * batches_in_bucket):
            bucket = self._order[place : place + batch_size * batches_in_bucket]
            bucket[:] = bucket[np.argsort(-sizes[bucket], kind="stable")]
        self._places = random.permutation(math.ceil(len(self._order) / batch_size))

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> list[int]:  # type: ignore[override]
        place = int(self._places[index]) * self._batch_size
        batch: list[int] = self._order[place : place + self._batch_size].tolist()
        return batch


def shuffled_batches(
    lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int, batches_in_bucket: int = 50
) -> list[list[int]]:
    """The same as `ShuffledBatches`, as a list."""
    return list(ShuffledBatches(lengths, batch_size, seed=seed, epoch=epoch, batches_in_bucket=batches_in_bucket))


def _padded(rows: Sequence[NDArray[np.generic]], length: int, fill: int | bool) -> Tensor:
    padded = np.full((len(rows), length), fill, dtype=rows[0].dtype)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return torch.from_numpy(padded)


def _numbered(rows: Sequence[NDArray[np.int64]]) -> Tensor:
    numbers = np.repeat(np.arange(len(rows)), [len(cells) for cells in rows])
    return torch.from_numpy(np.column_stack([numbers, np.concatenate(rows)]))
