"""How much memory training will take, estimated before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from globalner.config import Recipe
from globalner.data import Batch, collate
from globalner.extractor import autocast
from globalner.kernels import SpanScores
from globalner.training.data_module import WindowDataModule
from globalner.training.module import GlobalPointerModule

__all__ = ["MemoryEstimate", "estimate_memory"]

_MIB = 1 << 20
# Gradients and moments come to lie between the blocks of a batch, and the blocks of a larger one do not fit in the gaps
# that are left; the heap gives them back to nobody. With glibc 2.36, runs in the shapes of conll2003, genia and demo
# (`python -m benchmarks.memory_estimate`) lost from 0.4 to 1.0 of a batch's memory to them, on an average this much.
# They grow with the number of steps (`--batches`), most for small models.
_GAPS = 0.6


@dataclass(frozen=True)
class MemoryEstimate:
    """What training adds, at its peak, to what is in memory when the model is built; all in MiB.

    Attributes:
        gradients_mib: One number for each trained weight.
        optimizer_mib: The two moments of AdamW.
        copies_mib: The running average of the weights, and the token vectors that adversarial training puts back.
        activations_mib: What the encoder keeps of the largest batch for the backward pass.
        head_mib: What head and loss keep of it, and the gradients of the scores' factors.
        gaps_mib: What the heap of a CPU loses between blocks; an average that was measured.
        checkpoint_mib: What putting a checkpoint together in memory, behind the last step of an epoch, takes beyond
            these gaps.
    """

    gradients_mib: float
    optimizer_mib: float
    copies_mib: float
    activations_mib: float
    head_mib: float
    gaps_mib: float
    checkpoint_mib: float

    @property
    def total_mib(self) -> float:
        """Sum of the parts."""
        return sum(float(getattr(self, field.name)) for field in fields(self))

    def line(self) -> str:
        """One line for people; parts of nothing are left out."""
        parts = {
            "gradients": self.gradients_mib,
            "optimiser": self.optimizer_mib,
            "copies of weights": self.copies_mib,
            "activations": self.activations_mib,
            "head and loss": self.head_mib,
            "gaps in the heap": self.gaps_mib,
            "writing the checkpoint": self.checkpoint_mib,
        }
        named = ", ".join(f"{name} {_rounded(part)}" for name, part in parts.items() if part)
        return f"memory: about {_rounded(self.total_mib)} MiB on top of what is loaded ({named})"


def estimate_memory(module: GlobalPointerModule, data: WindowDataModule, recipe: Recipe) -> MemoryEstimate:
    """Estimates the memory of training from the sizes of its weights and from what one window makes a step keep.

    The longest window goes forward once alone and once twice, and what autograd keeps of it is counted. What the second
    one adds is what each window of the largest batch takes; the rest does not depend on the batch. So it holds for any
    encoder and any way of computing attention, on the device where the module is, and costs less than a training step.
    Weights, gradients and the random state are as before.

    Args:
        module: What is trained, on the device where it will be.
        data: Its windows, and how many go in a batch.
        recipe: Precision, and the options that keep copies of the weights.
    """
    training = recipe.training
    longest = data.longest
    alone, twice = (_kept(module, collate([longest] * n, data.pad_id), training.precision) for n in (1, 2))
    more = min(data.batch_size, len(data.windows)) - 1
    activations, head = (max(0.0, one + more * (two - one)) for one, two in zip(alone, twice, strict=True))
    weights = _bytes(module.parameters())
    trained = _bytes(weight for weight in module.parameters() if weight.requires_grad)
    average = weights if training.average_decay else 0
    pushed = _token_vectors(module) if training.adversarial_norm else 0
    gaps = _GAPS * (activations + head) if module.device.type == "cpu" else 0.0
    # A checkpoint of weights on a GPU is put together in the memory of the processor.
    checkpoint = weights + 2 * trained + average if module.device.type != "cuda" else 0
    parts = (trained, 2 * trained, average + pushed, activations, head, gaps, max(0.0, checkpoint - gaps))
    return MemoryEstimate(*(part / _MIB for part in parts))


def _kept(module: GlobalPointerModule, batch: Batch, precision: str) -> tuple[int, int]:
    """Bytes that a step on the batch keeps for its backward pass: of the encoder, and of head and loss."""
    batch = batch.to(module.device)
    # Largest batches are padded, and attention without a mask would keep less.
    batch.attention_mask[:, -1] = False
    counter = _Kept({_place(weight) for weight in (*module.parameters(), *module.buffers())})
    was_training = module.training
    devices = [module.device] if module.device.type == "cuda" else []
    with torch.random.fork_rng(devices), counter.watching(module), autocast(module.device, precision):
        module.train()
        module.batch_loss(batch)
    module.train(was_training)
    return counter.encoder, counter.total - counter.encoder


class _Kept:
    """Counts the memory that autograd keeps for the backward pass, each piece once.

    Args:
        weights: Where the weights are, which are no part of it.
    """

    def __init__(self, weights: set[int]) -> None:
        self._pieces = dict.fromkeys(weights, 0)
        self._factors = 0
        self.encoder = 0

    @property
    def total(self) -> int:
        """Bytes so far; the loss makes gradients of the scores' factors, and these go through the rotation."""
        return sum(self._pieces.values()) + 2 * self._factors

    @contextmanager
    def watching(self, module: GlobalPointerModule) -> Iterator[None]:
        """Counts inside the block."""
        hooks = (
            module.model.encoder.register_forward_hook(self._encoded),
            module.model.head.register_forward_hook(self._scored),
        )
        try:
            # What stands for a kept tensor is another one on its memory: an output itself would keep its graph alive.
            with saved_tensors_hooks(self._keep, lambda tensor: tensor):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _keep(self, tensor: Tensor) -> Tensor:
        self._pieces.setdefault(_place(tensor), tensor.untyped_storage().nbytes())
        return tensor.detach()

    def _encoded(self, *_: object) -> None:
        self.encoder = self.total

    def _scored(self, head: nn.Module, given: object, scores: SpanScores) -> None:  # noqa: ARG002
        parts = (scores.query, scores.key, scores.start_bias, scores.end_bias)
        self._factors += _bytes(part for part in parts if part is not None)


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _token_vectors(module: GlobalPointerModule) -> int:
    return cast(nn.Embedding, module.model.encoder.get_input_embeddings()).weight.nbytes


def _rounded(mib: float) -> str:
    return f"{mib:,.0f}" if mib >= 10 else f"{mib:.1f}"
