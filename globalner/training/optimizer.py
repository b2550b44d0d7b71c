"""Parameter groups and the course of the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from globalner.encoders import layer_numbers
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
        layer_decay: Factor of the encoder's rate from one layer to the one below it; 1 for none.
    """

    encoder_learning_rate: float
    head_learning_rate: float
    weight_decay: float
    warmup_fraction: float
    layer_decay: float = 1.0


def parameter_groups(
    model: GlobalPointerModel, settings: OptimizerSettings, beside: nn.Module | None = None
) -> list[dict[str, Any]]:
    """Groups of one rate and one decay: head, encoder (layer by layer with `layer_decay`), each with and without decay.

    Vectors (biases, norms) do not decay.

    Args:
        model: The model.
        settings: Rates and decay.
        beside: What else is trained, at the rate of the head.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    further = () if beside is None else beside.parameters()
    for parameter, rate in (*_rates(model, settings), *((one, settings.head_learning_rate) for one in further)):
        if parameter.requires_grad:
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def _rates(model: GlobalPointerModel, settings: OptimizerSettings) -> Iterator[tuple[nn.Parameter, float]]:
    numbers = layer_numbers(model.encoder)
    top = max(numbers.values(), default=-1)
    for name, parameter in model.encoder.named_parameters():
        yield parameter, settings.encoder_learning_rate * settings.layer_decay ** (top - numbers[name])
    for parameter in model.head.parameters():
        yield parameter, settings.head_learning_rate


def warmup_then_linear_decay(total_steps: int, warmup_fraction: float) -> Callable[[int], float]:
    """Factor of the learning rate at a step, counted from 0: up to 1 over the warmup, then down to 0 at the end."""
    warmup_steps = round(total_steps * warmup_fraction)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))

    return factor
