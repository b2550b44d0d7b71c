"""The Lightning module: encoder, head and loss wired together, and nothing else."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from globalner.data import Batch
from globalner.kernels import span_loss
from globalner.model import GlobalPointerModel
from globalner.training.optimizer import OptimizerSettings, parameter_groups, warmup_then_linear_decay

__all__ = ["GlobalPointerModule"]


class GlobalPointerModule(pl.LightningModule):
    """Trains a `GlobalPointerModel` on `Batch`es.

    Args:
        model: The model.
        settings: Rates and decay.
        total_steps: Optimiser steps of the whole training.
    """

    def __init__(self, model: GlobalPointerModel, settings: OptimizerSettings, total_steps: int) -> None:
        super().__init__()
        self.model = model
        self.settings, self.total_steps = settings, total_steps

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch."""
        scores = self.model(batch.input_ids, batch.attention_mask, batch.start_mask, batch.end_mask)
        limit = self.model.config.max_span_tokens
        loss = span_loss(scores, batch.gold, ignore=batch.ignore, max_span_tokens=limit)
        self.log("loss", loss.detach(), prog_bar=True, on_step=True, on_epoch=True, batch_size=len(batch.input_ids))
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Fused AdamW over four groups, warmed up and decayed step by step."""
        optimizer = AdamW(parameter_groups(self.model, self.settings), fused=True)
        factor = warmup_then_linear_decay(self.total_steps, self.settings.warmup_fraction)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"},
        }
