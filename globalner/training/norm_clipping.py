"""What the Lightning modules share: gradients are shortened by their norm."""

from __future__ import annotations

import pytorch_lightning as pl
from torch import nn
from torch.optim import Optimizer

__all__ = ["NormClippingModule"]


class NormClippingModule(pl.LightningModule):
    """A module whose gradients are clipped by norm, also with a fused optimiser."""

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,  # noqa: ARG002
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,  # noqa: ARG002
    ) -> None:
        """Clips by norm: Lightning itself refuses a fused optimiser in mixed precision, though bf16 scales nothing."""
        if gradient_clip_val is not None:
            nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)
