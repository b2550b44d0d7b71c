"""The Lightning module: encoder, head and loss wired together, and nothing else."""

from __future__ import annotations

import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from globalner.data import Batch
from globalner.kernels import span_loss
from globalner.model import GlobalPointerModel
from globalner.training.norm_clipping import NormClippingModule
from globalner.training.optimizer import OptimizerSettings, parameter_groups, warmup_then_linear_decay
from globalner.training.tagging_loss import TaggingLoss

__all__ = ["GlobalPointerModule"]


class GlobalPointerModule(NormClippingModule):
    """Trains a `GlobalPointerModel` on `Batch`es.

    Args:
        model: The model.
        settings: Rates and decay.
        total_steps: Optimiser steps of the whole training.
        dropout_samples: How many times the encoder's output is dropped and scored in a step.
        tagging_weight: Weight of a second loss, see `TaggingLoss`; 0 for none.
    """

    def __init__(
        self,
        model: GlobalPointerModel,
        settings: OptimizerSettings,
        total_steps: int,
        *,
        dropout_samples: int = 1,
        tagging_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.settings, self.total_steps, self.dropout_samples = settings, total_steps, dropout_samples
        self.tagging_weight = tagging_weight
        self.tagging = (
            TaggingLoss(hidden_size=model.encoder.config.hidden_size, num_types=len(model.config.label_set))
            if tagging_weight
            else None
        )

    def batch_loss(self, batch: Batch) -> Tensor:
        """Loss of one batch: of its spans, the mean over the dropout samples, and perhaps of its words."""
        hidden = self.model.encode(batch.input_ids, batch.attention_mask)
        losses = []
        for _ in range(self.dropout_samples):
            scores = self.model.score(hidden, batch.start_mask, batch.end_mask)
            limit = self.model.config.max_span_tokens
            losses.append(span_loss(scores, batch.gold, ignore=batch.ignore, max_span_tokens=limit))
        loss = torch.stack(losses).mean()
        return loss if self.tagging is None else loss + self.tagging_weight * self.tagging(hidden, batch)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch, logged."""
        loss = self.batch_loss(batch)
        self.log("loss", loss.detach(), prog_bar=True, on_step=True, on_epoch=True, batch_size=len(batch.input_ids))
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Fused AdamW over four groups, warmed up and decayed step by step."""
        # Fused kernels undo the loss scaling of fp16 inside the step, which is too late for clipping.
        fused = self.trainer.precision != "16-mixed"
        optimizer = AdamW(parameter_groups(self.model, self.settings, self.tagging), fused=fused)
        factor = warmup_then_linear_decay(self.total_steps, self.settings.warmup_fraction)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"},
        }
