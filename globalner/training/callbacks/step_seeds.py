"""Seeds every training step, so that a resumed run draws what an unbroken one would have drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

__all__ = ["StepSeeds", "step_seed"]


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
        torch.manual_seed(step_seed(self.seed, trainer.current_epoch, batch_idx))


def step_seed(seed: int, epoch: int, step: int) -> int:
    """The seed of a step, counted from 0 in its epoch."""
    return int(np.random.SeedSequence((seed, epoch, step)).generate_state(1)[0])
