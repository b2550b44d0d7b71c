"""Trains on each batch once more with its embeddings pushed to where the loss is higher."""

from __future__ import annotations

from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import nn

from globalner.training.module import GlobalPointerModule

__all__ = ["AdversarialTraining"]


class AdversarialTraining(pl.Callback):
    """The fast gradient method: behind each backward pass, a second one at `E + norm * g / |g|`.

    `E` is the encoder's table of token vectors and `g` the gradient of it. Both gradients are summed; a step
    costs twice as much.

    Args:
        norm: Length of the push.

    Source: Miyato and others, arXiv 1605.07725.
    """

    def __init__(self, norm: float) -> None:
        self.norm = norm
        self._batch: Any = None

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,  # noqa: ARG002
        pl_module: pl.LightningModule,  # noqa: ARG002
        batch: Any,
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Keeps the batch for the second pass."""
        self._batch = batch

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Adds the gradients of the second pass, and puts the vectors back as they were."""
        assert isinstance(pl_module, GlobalPointerModule)
        table = cast(nn.Embedding, pl_module.model.encoder.get_input_embeddings()).weight
        if table.grad is None:
            return
        length = table.grad.norm()
        if not bool(torch.isfinite(length)) or float(length) == 0.0:
            return
        before = table.detach().clone()
        table.data.add_(table.grad, alpha=self.norm / float(length))
        with trainer.precision_plugin.forward_context():
            loss = pl_module.batch_loss(self._batch)
        torch.autograd.backward(trainer.precision_plugin.pre_backward(loss, pl_module))
        table.data.copy_(before)
