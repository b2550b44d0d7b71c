"""Parameter groups and the course of the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from globalner.model import GlobalPointerModel

__all__ = ["OptimizerSettings", "parameter_groups", "warmup_then_linear_decay"]


@dataclass(frozen=True)
class OptimizerSettings:
    """Rates and decay.

    Attributes:
        encoder_learning_rate: Highest rate of the encoder.
        head_learning_rate: Highest rate of the head, which starts from nothing.
        weight_decay: Decay of weight matrices; biases and norms have none.
        warmup_fraction: Share of all steps in which the rates rise from 0.
    """

    encoder_learning_rate: float
    head_learning_rate: float
    weight_decay: float
    warmup_fraction: float


def parameter_groups(model: GlobalPointerModel, settings: OptimizerSettings) -> list[dict[str, Any]]:
    """Four groups: encoder and head, each with and without decay. Vectors (biases, norms) do not decay."""
    groups = []
    for part, rate in ((model.encoder, settings.encoder_learning_rate), (model.head, settings.head_learning_rate)):
        learning = [parameter for parameter in part.parameters() if parameter.requires_grad]
        decaying = [parameter for parameter in learning if parameter.ndim > 1]
        others = [parameter for parameter in learning if parameter.ndim <= 1]
        groups.append({"params": decaying, "lr": rate, "weight_decay": settings.weight_decay})
        groups.append({"params": others, "lr": rate, "weight_decay": 0.0})
    return [group for group in groups if group["params"]]


def warmup_then_linear_decay(total_steps: int, warmup_fraction: float) -> Callable[[int], float]:
    """Factor of the learning rate at a step, counted from 0: up to 1 over the warmup, then down to 0 at the end."""
    warmup_steps = round(total_steps * warmup_fraction)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))

    return factor
