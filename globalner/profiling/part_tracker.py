"""Tells how much something rises in each part of a training step, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle
from torch.utils.weak import WeakTensorKeyDictionary

from globalner.profiling.part import Part

__all__ = ["PartTracker", "Phase"]

Phase = Literal["forward", "backward"]
Made = TypeVar("Made")


class PartTracker:
    """Reads rising numbers whenever a step goes from one part to another, and sums the rises by part.

    Forward, hooks of modules tell. Backward, tensors do: the gradient of a tensor is complete when everything behind it
    is done, and what is computed next is of the part that made the tensor. So every rise is counted once, and the parts
    add up to the whole. Sums of gradients where a tensor was used twice count to the part that was gone through last.

    Args:
        parts: The part of each module.
        read: Gives the numbers, always as many; for times of a GPU it has to wait until all work is done.

    Attributes:
        rises: For each phase and part that was gone through.
    """

    def __init__(self, parts: Mapping[nn.Module, Part], read: Callable[[], tuple[float, ...]]) -> None:
        self._parts, self._read = parts, read
        self._stack: list[Part] = []
        self._phase: Phase = "forward"
        self._part: Part = "rest"
        self._last: tuple[float, ...] = ()
        self._marked = WeakTensorKeyDictionary()
        self.rises: dict[tuple[Phase, Part], tuple[float, ...]] = {}

    @contextmanager
    def watching(self, phase: Phase) -> Iterator[None]:
        """Counts what rises inside the block."""
        handles = self._hooks() if phase == "forward" else []
        self._phase, self._part, self._stack = phase, "rest", []
        self._last = self._read()
        try:
            yield
            self._go_to(self._part)
        finally:
            for handle in handles:
                handle.remove()

    def part(self, part: Part, compute: Callable[[], Made]) -> Made:
        """What a function that is no module makes, counted to a part."""
        self._enter(part)
        made = compute()
        self._leave(made)
        return made

    def _hooks(self) -> list[RemovableHandle]:
        handles = []
        for module, part in self._parts.items():
            before = _Before(self, part)
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.register_forward_hook(lambda _module, _given, made: self._leave(made)))
        return handles

    def _enter(self, part: Part) -> None:
        self._go_to(part)
        self._stack.append(part)

    def _leave(self, made: object) -> None:
        self._mark(made, self._stack.pop())
        self._go_to(self._stack[-1] if self._stack else "rest")

    def _go_to(self, part: Part) -> None:
        now = self._read()
        place = (self._phase, self._part)
        before = self.rises.get(place, (0.0,) * len(now))
        risen = zip(before, now, self._last, strict=True)
        self.rises[place] = tuple(sum_ + new - old for sum_, new, old in risen)
        self._part, self._last = part, now

    def _mark(self, made: object, part: Part) -> None:
        """Backward, work on the tensors' origin is of a part, unless an inner module has said so of its own."""
        for tensor in _tensors(made):
            if tensor.grad_fn is not None and tensor not in self._marked:
                self._marked[tensor] = part
                tensor.register_hook(lambda _gradient: self._go_to(part))  # type: ignore[no-untyped-call]


class _Before:
    """Before a module: what goes in was made by the module around it, and the module begins."""

    def __init__(self, tracker: PartTracker, part: Part) -> None:
        self._tracker, self._part = tracker, part

    def __call__(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:  # noqa: ARG002
        tracker = self._tracker
        tracker._mark((given, named), tracker._stack[-1] if tracker._stack else "rest")
        tracker._enter(self._part)


def _tensors(value: object) -> Iterator[Tensor]:
    for leaf in tree_leaves(value):
        if isinstance(leaf, Tensor):
            yield leaf
        elif is_dataclass(leaf) and not isinstance(leaf, type):
            yield from _tensors([getattr(leaf, field.name) for field in fields(leaf)])
