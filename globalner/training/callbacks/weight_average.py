"""A running average of the weights over the steps, which is evaluated and saved in place of the latest weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage(pl.Callback):
    """After each step t = 1, 2, ...: average = d average + (1 - d) weights, with d = min(decay, (1 + t) / (10 + t)).

    The rise of `d` keeps the untrained weights of the first steps from weighing on a short training.

    Args:
        model: The model that is trained.
        decay: Largest share of the old average that is kept.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._model, self._steps = model, 0
        self._average = {name: weight.detach().clone() for name, weight in model.named_parameters()}

    @torch.no_grad()
    def on_train_batch_end(self, *_: object) -> None:
        """Takes the weights of the step into the average."""
        self._steps += 1
        kept = min(self.decay, (1 + self._steps) / (10 + self._steps))
        for name, weight in self._model.named_parameters():
            self._average[name] = self._average[name].to(weight.device).lerp_(weight, 1 - kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model has the average for weights inside the block, and its own again behind it."""
        own = {name: weight.detach().clone() for name, weight in self._model.named_parameters()}
        self._load(self._average)
        try:
            yield
        finally:
            self._load(own)

    def state_dict(self) -> dict[str, Any]:
        """Average and number of steps, for a resumed run."""
        return {"steps": self._steps, "average": self._average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the average of the run that is resumed."""
        self._steps, self._average = state_dict["steps"], state_dict["average"]

    @torch.no_grad()
    def _load(self, weights: dict[str, Tensor]) -> None:
        for name, weight in self._model.named_parameters():
            weight.copy_(weights[name])
