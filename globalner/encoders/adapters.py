"""Training little of a large encoder: its last layers only, or low-rank additions to its weights (LoRA)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from globalner.encoders.layer_numbers import layer_numbers
from globalner.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from peft.tuners.lora.layer import Linear as LoraLinear

__all__ = ["LoraSettings", "add_lora", "merged_state_dict", "require_peft", "train_last_layers"]

_BASE = ".base_layer."
_FACTOR = ".lora_"


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank additions: a matrix `W` (out, in) becomes `W + alpha / rank * B A`, `A` (rank, in) and `B` (out, rank).

    Attributes:
        rank: Rows of `A`, columns of `B`.
        alpha: Their product is multiplied by alpha / rank.
        dropout: Share of what goes into `A` that is dropped in training.
        targets: Last names of the matrices (`q_proj`, ...); None for all linear ones inside the layers.

    Source: Hu and others, arXiv 2106.09685.
    """

    rank: int
    alpha: float
    dropout: float
    targets: Sequence[str] | None = None


def require_peft() -> None:
    """Makes sure that LoRA can be had.

    Raises:
        MissingExtraError: If the package is not installed.
    """
    if find_spec("peft") is None:
        raise MissingExtraError('model.encoder.lora needs peft; install: pip install "globalner[lora]"')


def add_lora(encoder: PreTrainedModel, settings: LoraSettings, *, last_layers: int | None = None) -> None:
    """Freezes an encoder and adds matrices to it, in place; with `B` at zero it computes what it computed before.

    Args:
        encoder: The encoder, with its weights.
        settings: Which and how large.
        last_layers: Only as many layers at the top get any; None for all.

    Raises:
        MissingExtraError: If peft is not installed.
        ConfigError: If a target names no linear matrix, or there are fewer layers.
    """
    require_peft()
    from peft import LoraConfig, inject_adapter_in_model

    names = _linear_matrices(encoder, last_layers)
    known = sorted({name.rpartition(".")[2] for name in names})
    for target in settings.targets or ():
        if target not in known:
            near = get_close_matches(target, known, n=1)
            hint = f"nearest: {near[0]}; " if near else ""
            raise ConfigError(
                f"model.encoder.lora.targets: this {encoder.config.model_type} has no linear matrix {target!r}; "
                f"{hint}there are: {', '.join(known)}"
            )
    chosen = [name for name in names if settings.targets is None or name.rpartition(".")[2] in settings.targets]
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=cast(int, settings.alpha),
        lora_dropout=settings.dropout,
        target_modules=chosen,
        fan_in_fan_out=isinstance(encoder.get_submodule(chosen[0]), Conv1D),
    )
    inject_adapter_in_model(config, encoder)
    encoder.train(encoder.training)  # what is new starts out in training mode


def train_last_layers(encoder: PreTrainedModel, count: int) -> None:
    """Freezes an encoder but for its last layers and what stands above them, such as a last norm; 0 freezes it all.

    Raises:
        ConfigError: If there are fewer layers.
    """
    numbers = layer_numbers(encoder)
    lowest = _lowest_layer(encoder, numbers, count)
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(count > 0 and numbers[name] >= lowest)


def merged_state_dict(model: nn.Module) -> dict[str, Tensor] | None:
    """A model's weights with what LoRA added to them, named as in a model without it; None where it added nothing."""
    adapted = {name: layer for name, layer in model.named_modules() if hasattr(layer, "get_delta_weight")}
    if not adapted:
        return None
    merged = {}
    for name, weight in model.state_dict().items():
        owner, base, parameter = name.rpartition(_BASE)
        if base and parameter == "weight":
            merged[f"{owner}.weight"] = weight + _addition(cast("LoraLinear", adapted[owner])).to(weight.dtype)
        elif _FACTOR not in name:
            merged[name.replace(_BASE, ".")] = weight
    return merged


def _addition(layer: LoraLinear) -> Tensor:
    (adapter,) = layer.active_adapters
    addition: Tensor = layer.get_delta_weight(adapter).detach()
    return addition


def _linear_matrices(encoder: PreTrainedModel, last_layers: int | None) -> list[str]:
    numbers = layer_numbers(encoder)
    lowest = 0 if last_layers is None else _lowest_layer(encoder, numbers, last_layers)
    linear = {name for name, module in encoder.named_modules() if isinstance(module, nn.Linear | Conv1D)}
    found = [name for name in sorted(linear) if numbers[f"{name}.weight"] >= lowest]
    if not found:
        raise ConfigError(f"model.encoder.lora: this {encoder.config.model_type} has no linear matrices in its layers")
    return found


def _lowest_layer(encoder: PreTrainedModel, numbers: dict[str, int], count: int) -> int:
    """The layer from which on the last `count` layers begin."""
    layers = max(numbers.values()) + 1
    if count and not layers:
        raise ConfigError(f"model.encoder.trainable_layers: the layers of a {encoder.config.model_type} cannot be told")
    if count > layers:
        raise ConfigError(
            f"model.encoder.trainable_layers: {count} layers shall be trained, but this {encoder.config.model_type} "
            f"has {layers}"
        )
    return layers - count
