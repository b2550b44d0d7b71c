"""Masked batches for Lightning: an epoch of Lightning is a round of the plan."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Dataset

from globalner.data import MaskedBatch, MaskingRules, training_batch
from globalner.training.pretraining.plan import PretrainPlan

__all__ = ["MaskedDataModule"]


class MaskedDataModule(pl.LightningDataModule):
    """Serves the steps of a plan, masked; Lightning asks again at each round.

    Args:
        plan: Which windows go in which step.
        rules: How they are masked.
        pad_id: Id of the padding token.
    """

    def __init__(self, plan: PretrainPlan, rules: MaskingRules, *, pad_id: int) -> None:
        super().__init__()
        self.plan, self.rules, self.pad_id = plan, rules, pad_id

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches of the trainer's current round."""
        number = 0 if self.trainer is None else self.trainer.current_epoch
        return DataLoader(_Steps(self, self.plan.steps(number)), batch_size=None)

    def batch(self, step: int) -> MaskedBatch:
        """The batch of a step: its masks derive from the seed, the pass over the text, and the step in it."""
        seeds = (self.plan.seed, *self.plan.place(step))
        return training_batch(self.plan.text, self.plan.windows(step), self.rules, pad_id=self.pad_id, seeds=seeds)


class _Steps(Dataset[MaskedBatch]):
    def __init__(self, data: MaskedDataModule, steps: range) -> None:
        self.data, self.steps = data, steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int) -> MaskedBatch:
        return self.data.batch(self.steps[place])
