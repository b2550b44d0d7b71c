from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from globalner.training.lamb import Lamb


def weight_of(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))


def test_two_steps_by_hand() -> None:
    lr, b1, b2, eps, decay = 0.1, 0.9, 0.99, 1e-6, 0.05
    weight = weight_of(3.0, 4.0)
    optimizer = Lamb([weight], lr=lr, betas=(b1, b2), eps=eps, weight_decay=decay)
    w, m, v = [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]
    for step, g in enumerate(([1.0, -2.0], [0.5, 3.0]), start=1):
        weight.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        m = [b1 * a + (1 - b1) * x for a, x in zip(m, g, strict=True)]
        v = [b2 * a + (1 - b2) * x * x for a, x in zip(v, g, strict=True)]
        r = [
            (a / (1 - b1**step)) / (math.sqrt(s / (1 - b2**step)) + eps) + decay * x
            for a, s, x in zip(m, v, w, strict=True)
        ]
        ratio = math.hypot(*w) / math.hypot(*r)
        w = [x - lr * ratio * y for x, y in zip(w, r, strict=True)]
        assert weight.tolist() == pytest.approx(w, rel=1e-12)


def test_without_adapted_lengths_it_is_adamw() -> None:
    torch.manual_seed(0)
    start = torch.randn(4, 3, dtype=torch.float64)
    one, other = (nn.Parameter(start.clone()) for _ in range(2))
    lamb = Lamb([one], lr=0.01, eps=1e-8, weight_decay=0.1, adapt=False)
    adamw = AdamW([other], lr=0.01, eps=1e-8, weight_decay=0.1)
    for _ in range(5):
        gradient = torch.randn(4, 3, dtype=torch.float64)
        one.grad, other.grad = gradient.clone(), gradient.clone()
        lamb.step()
        adamw.step()
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_step_is_the_rates_share_of_the_weights_length(scale: float) -> None:
    weight = weight_of(0.3 * scale, -0.4 * scale)
    before = weight.detach().clone()
    weight.grad = torch.tensor([7.0, 0.1], dtype=torch.float64)
    Lamb([weight], lr=0.02).step()
    assert (weight - before).norm().item() == pytest.approx(0.02 * before.norm().item())


def test_weights_or_steps_of_length_zero_are_no_division_by_zero() -> None:
    zero, still = weight_of(0.0, 0.0), weight_of(1.0, 2.0)
    zero.grad, still.grad = torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    Lamb([zero, still], lr=0.1).step()
    assert zero.tolist() == pytest.approx([-0.1, -0.1], rel=1e-4)
    assert still.tolist() == [1.0, 2.0]


def test_a_saved_state_goes_on_as_if_never_cut_off() -> None:
    weights, states = [], None
    for cut in (False, True):
        weight = weight_of(1.0, -2.0, 3.0)
        optimizer = Lamb([weight], lr=0.1, weight_decay=0.01)
        for step in range(4):
            if cut and step == 2:
                states = optimizer.state_dict()
                optimizer = Lamb([weight], lr=0.1, weight_decay=0.01)
                optimizer.load_state_dict(states)
            weight.grad = torch.tensor([1.0, step, -1.0], dtype=torch.float64)
            optimizer.step()
        weights.append(weight.detach().clone())
    assert torch.equal(*weights)


def test_it_learns() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(8, 1)
    inputs = torch.randn(64, 8)
    targets = inputs @ torch.randn(8, 1)
    optimizer = Lamb(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(150):
        loss = (layer(inputs) - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
