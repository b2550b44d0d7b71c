"""LAMB: Adam whose step is as long as the weights are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["Lamb"]


class Lamb(Optimizer):
    """Layer-wise adaptive moments.

        m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g^2
        r = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + decay w
        w = w - lr |w| / |r| r

    for each tensor of weights w; where |w| or |r| is 0, and in groups with `adapt: False` (vectors such as biases and
    norms), the ratio is 1, which makes the step that of AdamW.

    Args:
        params: Parameters or groups of them; a group may have `lr`, `weight_decay` and `adapt` of its own.
        lr: Learning rate: the share of its own length by which a tensor changes in a step.
        betas: b1 and b2.
        eps: Keeps the division finite.
        weight_decay: Decay, a part of the step whose length is adapted.
        adapt: Whether steps get the length of the weights.

    Source: arXiv 1904.00962.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        adapt: bool = True,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "adapt": adapt})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes the weights once.

        Args:
            closure: Computes loss and gradients anew, if given.

        Returns:
            What the closure gave.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._change(weight, group)
        return loss

    def _change(self, weight: Tensor, group: dict[str, Any]) -> None:
        state, (first, second), gradient = self.state[weight], group["betas"], weight.grad
        assert gradient is not None
        if not state:
            state["step"], state["mean"], state["square"] = 0, torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
        update = (state["mean"] / (1 - first ** state["step"])).div_(root)
        update.add_(weight, alpha=group["weight_decay"])
        if group["adapt"]:
            length, own = update.norm(), weight.norm()
            update.mul_(torch.where((length > 0) & (own > 0), own / length, 1.0))
        weight.add_(update, alpha=-group["lr"])
