"""Draws the random features of Performer attention anew now and then."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from globalner.training.pretraining.module import MaskedLMModule

__all__ = ["FeatureRedraw"]


class FeatureRedraw(pl.Callback):
    """Before every thousandth training batch, behind `StepSeeds`, from whose seed the new features derive.

    Args:
        every_steps: Steps between two draws.
    """

    def __init__(self, every_steps: int = 1000) -> None:
        self.every_steps = every_steps

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Draws, but not before the first step, for which they are fresh."""
        assert isinstance(pl_module, MaskedLMModule)
        if trainer.global_step and trainer.global_step % self.every_steps == 0:
            pl_module.model.encoder.redraw_features()
