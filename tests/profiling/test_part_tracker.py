"""A rising number is told apart by part, forward and backward, whatever way a step takes through a model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from globalner.profiling.part_tracker import PartTracker


class Clock:
    """Time that passes only where something says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> tuple[float, ...]:
        return (self.now, 10 * self.now)


class Takes(torch.autograd.Function):
    """The identity, which takes one time forward and another backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, clock: Clock, forward: float, backward: float) -> Tensor:
        ctx.clock, ctx.backward_time = clock, backward
        clock.now += forward
        return x * 1.0

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        ctx.clock.now += ctx.backward_time
        return gradient, None, None, None


class Slow(nn.Module):
    def __init__(self, clock: Clock, forward: float, backward: float, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.clock, self.times, self.inner = clock, (forward, backward), inner

    def forward(self, x: Tensor) -> Tensor:
        if self.inner is not None:
            x = Takes.apply(x, self.clock, *self.times)
            x = self.inner(x)
        return Takes.apply(x, self.clock, *self.times)


class Residual(nn.Module):
    """A block that computes by itself before, between and behind its modules, and takes its input twice."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.norm = Slow(clock, 1, 2)
        self.attention = Slow(clock, 4, 8, inner=Slow(clock, 16, 32))
        self.feed_forward = Slow(clock, 64, 128)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = x + self.attention(self.norm(x))
        x = Takes.apply(x, self.clock, 256, 512)
        return {"hidden": x + self.feed_forward(x)}


def test_every_part_has_its_own_time() -> None:
    clock = Clock()
    table, block = nn.Embedding(5, 3), Residual(clock)
    parts = {
        table: "embedding",
        block: "rest",
        block.norm: "embedding",
        block.attention: "attention_mixing",
        block.attention.inner: "attention_projections",
        block.feed_forward: "feed_forward",
    }
    tracker = PartTracker(parts, clock.read)
    with tracker.watching("forward"):
        hidden = block(table(torch.tensor([0, 3, 3])))["hidden"]
        loss = tracker.part("loss", lambda: Takes.apply(hidden, clock, 1024, 2048).sum())
    with tracker.watching("backward"):
        loss.backward()
    assert {place: rise for place, (rise, _) in tracker.rises.items() if rise} == {
        ("forward", "embedding"): 1,
        ("forward", "attention_mixing"): 2 * 4,
        ("forward", "attention_projections"): 16,
        ("forward", "feed_forward"): 64,
        ("forward", "rest"): 256,
        ("forward", "loss"): 1024,
        ("backward", "embedding"): 2,
        ("backward", "attention_mixing"): 2 * 8,
        ("backward", "attention_projections"): 32,
        ("backward", "feed_forward"): 128,
        ("backward", "rest"): 512,
        ("backward", "loss"): 2048,
    }
    assert sum(rise for rise, _ in tracker.rises.values()) == clock.now
    assert all(tens == pytest.approx(10 * rise) for rise, tens in tracker.rises.values())
    assert table.weight.grad is not None
    assert table.weight.grad[3].tolist() == [8.0, 8.0, 8.0]  # two tokens, two residuals: hooks change no gradient


def test_a_step_that_fails_leaves_no_hooks() -> None:
    module = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), PartTracker({module: "head"}, lambda: (0.0,)).watching("forward"):
        module(torch.ones(3))
    assert not module._forward_hooks
    assert not module._forward_pre_hooks
