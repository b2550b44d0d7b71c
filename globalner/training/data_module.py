"""Training batches for Lightning, in an order that derives from (seed, epoch)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from globalner.data import ShuffledBatches, Window, WindowStore, collate

__all__ = ["WindowDataModule"]


class WindowDataModule(pl.LightningDataModule):
    """Serves windows in shuffled batches of similar length; Lightning asks again at each epoch.

    Args:
        windows: Training windows.
        batch_size: Windows in a batch.
        pad_id: Id of the padding token.
        seed: Seed of the order.

    Attributes:
        lengths: Tokens of each window, (W,).
    """

    def __init__(self, windows: Sequence[Window], *, batch_size: int, pad_id: int, seed: int) -> None:
        super().__init__()
        self.windows, self.batch_size, self.pad_id, self.seed = windows, batch_size, pad_id, seed
        self.lengths = windows.lengths if isinstance(windows, WindowStore) else np.array(list(map(len, windows)))

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch."""
        return math.ceil(len(self.windows) / self.batch_size)

    @property
    def longest(self) -> Window:
        """The longest window, of several the first."""
        return self.windows[int(np.argmax(self.lengths))]

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches of the trainer's current epoch."""
        epoch = 0 if self.trainer is None else self.trainer.current_epoch
        return DataLoader(
            self.windows,  # type: ignore[arg-type]
            batch_sampler=ShuffledBatches(self.lengths, self.batch_size, seed=self.seed, epoch=epoch),
            collate_fn=partial(collate, pad_id=self.pad_id),
        )
