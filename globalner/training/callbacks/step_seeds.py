"""Seeds every training step, so that a resumed run draws what an unbroken one would have drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

__all__ = ["StepSeeds"]


class StepSeeds(pl.Callback):
    """Before each training batch: seeds torch from (seed, epoch, step).

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Seeds the generators of all devices."""
        state = np.random.SeedSequence((self.seed, trainer.current_epoch, batch_idx)).generate_state(1)
        torch.manual_seed(int(state[0]))
