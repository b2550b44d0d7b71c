"""The Lightning module of pretraining: a masked-language model and its loss wired together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from globalner.data import MaskedBatch
from globalner.encoders import NativeEncoderForMaskedLM
from globalner.training.lamb import Lamb
from globalner.training.norm_clipping import NormClippingModule
from globalner.training.optimizer import warmup_then_linear_decay

__all__ = ["MaskedLMModule", "PretrainOptimizer", "build_optimizer"]


@dataclass(frozen=True)
class PretrainOptimizer:
    """Optimiser, rate and decay.

    Attributes:
        kind: "adamw" or "lamb".
        learning_rate: Highest rate.
        weight_decay: Decay of weight matrices; biases and norms have none.
        warmup_fraction: Share of all steps in which the rate rises from 0.
    """

    kind: Literal["adamw", "lamb"]
    learning_rate: float
    weight_decay: float
    warmup_fraction: float


class MaskedLMModule(NormClippingModule):
    """Trains a `NativeEncoderForMaskedLM` on `MaskedBatch`es.

    Args:
        model: The model.
        settings: Optimiser and rate.
        total_steps: Optimiser steps of the whole training.
    """

    def __init__(self, model: NativeEncoderForMaskedLM, settings: PretrainOptimizer, total_steps: int) -> None:
        super().__init__()
        self.model, self.settings, self.total_steps = model, settings, total_steps

    def logits(self, batch: MaskedBatch) -> Tensor:
        """(M, V), fp32 at least: scores of all tokens at the M places to be found; the others cost nothing."""
        hidden = self.model.encoder(batch.input_ids, batch.attention_mask).last_hidden_state
        logits = self.model.token_logits(hidden.flatten(0, 1)[batch.places])
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def training_step(self, batch: MaskedBatch, batch_index: int) -> Tensor:  # noqa: ARG002
        """Mean loss of the tokens to be found, logged."""
        loss = cross_entropy(self.logits(batch), batch.targets, reduction="sum") / max(1, len(batch.targets))
        self.log("loss", loss.detach(), prog_bar=True, on_step=True, on_epoch=True, batch_size=len(batch.targets))
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """The optimiser over matrices and vectors, warmed up and decayed step by step."""
        optimizer = build_optimizer(self.model, self.settings, fused=self.trainer.precision != "16-mixed")
        factor = warmup_then_linear_decay(self.total_steps, self.settings.warmup_fraction)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"},
        }


def build_optimizer(model: nn.Module, settings: PretrainOptimizer, *, fused: bool) -> Optimizer:
    """The optimiser of a recipe for pretraining; biases and norms neither decay nor, with LAMB, have adapted steps."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim < 2]
    groups: list[dict[str, object]] = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if settings.kind == "adamw":
        return AdamW(groups, lr=settings.learning_rate, fused=fused)
    groups[1]["adapt"] = False
    return Lamb(groups, lr=settings.learning_rate)
