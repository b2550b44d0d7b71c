"""The baseline computes what the definition says, so that only its way of computing is compared."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.published_form import square_efficient_span_loss, square_head, square_span_loss
from globalner.kernels import SpanScores, span_loss
from globalner.layers import GlobalPointer

BATCH, TYPES, LENGTH, WIDTH = 2, 3, 9, 4
GOLD = torch.tensor([[0, 0, 0, 0], [0, 2, 1, 8], [1, 1, 2, 4], [1, 1, 3, 3]])


@pytest.fixture
def mask() -> Tensor:
    mask = torch.ones(BATCH, LENGTH, dtype=torch.bool)
    mask[1, 6:] = False
    return mask


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def labels() -> Tensor:
    made = torch.zeros(BATCH, TYPES, LENGTH, LENGTH, dtype=torch.float64)
    made[tuple(GOLD.unbind(1))] = 1
    return made


def assert_same(published: Tensor, ours: Tensor, leaves: tuple[Tensor, ...]) -> None:
    torch.testing.assert_close(published, ours)
    for one, other in zip(torch.autograd.grad(published, leaves), torch.autograd.grad(ours, leaves), strict=True):
        torch.testing.assert_close(one, other)


def test_loss_and_gradients_of_global_pointer(mask: Tensor) -> None:
    torch.manual_seed(0)
    query, key = random(BATCH, TYPES, LENGTH, WIDTH), random(BATCH, TYPES, LENGTH, WIDTH)
    published = square_span_loss(query, key, labels(), mask.double())
    ours = span_loss(SpanScores(query, key, start_mask=mask, end_mask=mask), GOLD, impl="reference")
    assert_same(published, ours, (query, key))


def test_loss_and_gradients_of_efficient_global_pointer(mask: Tensor) -> None:
    torch.manual_seed(0)
    query, key = random(BATCH, LENGTH, WIDTH), random(BATCH, LENGTH, WIDTH)
    start, end = random(BATCH, TYPES, LENGTH), random(BATCH, TYPES, LENGTH)
    published = square_efficient_span_loss((query, key), (start, end), labels(), mask.double())
    scores = SpanScores(query.unsqueeze(1), key.unsqueeze(1), start, end, mask, mask)
    assert_same(published, span_loss(scores, GOLD, impl="reference"), (query, key, start, end))


def test_head() -> None:
    torch.manual_seed(0)
    head = GlobalPointer(hidden_size=5, num_types=TYPES, head_size=WIDTH).double()
    hidden = random(BATCH, LENGTH, 5)
    scores = head(hidden)
    for published, ours in zip(square_head(hidden, head.projection, TYPES), (scores.query, scores.key), strict=True):
        torch.testing.assert_close(published, ours, rtol=1e-5, atol=1e-5)
