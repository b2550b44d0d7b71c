"""Counts and times the training step of a subject, part by part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from globalner.extractor import autocast
from globalner.profiling.part import Part
from globalner.profiling.part_tracker import PartTracker, Phase
from globalner.profiling.subject import Made, Step, Subject

__all__ = ["Counts", "Place", "Times", "count_step", "time_steps"]

Place = tuple[Phase, Part]

_LONG_ENOUGH_S = 20.0


@dataclass(frozen=True)
class Counts:
    """What a step did.

    Attributes:
        flops: Operations of its matrix products.
        kept_bytes: What each part keeps for the backward pass, each piece of memory once; weights are no part of it.
        fused: Whether one kernel computed softmax attention.
    """

    flops: Mapping[Place, int]
    kept_bytes: Mapping[Part, int]
    fused: bool


@dataclass(frozen=True)
class Times:
    """How long steps took.

    Attributes:
        steps: How many were timed, by part and as a whole.
        parts_s: Median seconds of each part, in steps that were watched.
        step_s: Median seconds of a step that was not watched.
        peak_bytes: Most memory of a GPU that a step had in use; None elsewhere.
    """

    steps: int
    parts_s: Mapping[Place, float]
    step_s: float
    peak_bytes: int | None


def count_step(subject: Subject, step: Step, precision: str) -> Counts:
    """Counts the operations of one step and the memory that it keeps.

    Args:
        subject: What the step is of.
        step: The step.
        precision: "fp32", or "bf16" or "fp16" for automatic mixed precision.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_CPU_KERNELS)
    memory = _Kept(subject.model)
    tracker = PartTracker(subject.boundaries, lambda: (counter.get_total_flops(), memory.total))
    with counter, saved_tensors_hooks(memory.keep, lambda tensor: tensor):
        _watched(subject, step, precision, tracker)
    flops = {place: round(rise) for place, (rise, _) in tracker.rises.items()}
    kept = {part: round(rise) for (phase, part), (_, rise) in tracker.rises.items() if phase == "forward"}
    fused = any("attention" in str(operation) for operation in counter.get_flop_counts().get("Global", ()))
    return Counts(flops, kept, fused)


def time_steps(subject: Subject, step: Step, precision: str, steps: int) -> Times:
    """Times steps, watched and not watched in turn; the first of a length should have been taken before.

    Args:
        subject: What the step is of.
        step: The step.
        precision: As of `count_step`.
        steps: How often, or less often where it would take longer than some 20 seconds.
    """
    device = subject.model.device
    watched: list[Mapping[Place, float]] = []
    whole: list[float] = []
    began = time.perf_counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    while len(whole) < steps and (not whole or time.perf_counter() - began < _LONG_ENOUGH_S):
        start = _seconds(device)
        with autocast(device, precision):
            loss = step(_unwatched)
        torch.autograd.backward(loss)
        whole.append(_seconds(device) - start)
        _forget(subject.model)
        tracker = PartTracker(subject.boundaries, lambda: (_seconds(device),))
        _watched(subject, step, precision, tracker)
        watched.append({place: rise for place, (rise,) in tracker.rises.items()})
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return Times(len(whole), _medians(watched), median(whole), peak)


def _watched(subject: Subject, step: Step, precision: str, tracker: PartTracker) -> None:
    with autocast(subject.model.device, precision), tracker.watching("forward"):
        loss = step(tracker.part)
    with tracker.watching("backward"):
        torch.autograd.backward(loss)
    _forget(subject.model)


def _unwatched(part: Part, compute: Callable[[], Made]) -> Made:  # noqa: ARG001
    return compute()


def _forget(model: nn.Module) -> None:
    model.zero_grad(set_to_none=True)


def _seconds(device: torch.device) -> float:
    """Now, when all work on the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()


def _medians(runs: Sequence[Mapping[Place, float]]) -> dict[Place, float]:
    places = dict.fromkeys(place for run in runs for place in run)
    return {place: median(run.get(place, 0.0) for run in runs) for place in places}


class _Kept:
    """Counts the memory that autograd keeps for the backward pass, each piece once.

    Args:
        model: Its weights are no part of it.
    """

    def __init__(self, model: nn.Module) -> None:
        weights = (*model.parameters(), *model.buffers())
        self._pieces = {weight.untyped_storage().data_ptr() for weight in weights}
        self.total = 0

    def keep(self, tensor: Tensor) -> Tensor:
        """Counts a tensor that is kept; what stands for it is another one on its memory, which keeps no graph alive."""
        piece = tensor.untyped_storage()
        if piece.data_ptr() not in self._pieces:
            self._pieces.add(piece.data_ptr())
            self.total += piece.nbytes()
        return tensor.detach()


def _cpu_forward(query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: object, **__: object) -> int:
    return 2 * math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _cpu_backward(
    gradient: Sequence[int],  # noqa: ARG001
    query: Sequence[int],
    key: Sequence[int],
    value: Sequence[int],
    *_: object,
    **__: object,
) -> int:
    return 2 * math.prod(query[:-1]) * key[-2] * (3 * query[-1] + 2 * value[-1])


# The counter has formulas for the fused kernels of GPUs only. It hands on shapes in the place of tensors.
_CPU_KERNELS = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _cpu_forward,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _cpu_backward,
}
