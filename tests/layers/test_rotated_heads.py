"""Queries and keys are rotated while they are split: as if one after the other was done."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from globalner.layers import Rotation, make_rotation, rotate
from globalner.layers.rotated_heads import split_heads, split_rotated_heads

LAYOUTS = ["interleaved", "half"]
HEADS, KEY_SIZE = 3, 6


def one_after_the_other(projected: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = split_heads(projected, HEADS, KEY_SIZE)
    return rotate(query, rotation), rotate(key, rotation), value


def numbers(value_size: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(2, 5, HEADS * (2 * KEY_SIZE + value_size), dtype=torch.float64).to(dtype).requires_grad_()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value_size", [6, 3], ids=["as wide as keys", "rows of odd width"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_it_is_rotation_after_splitting(dtype: torch.dtype, value_size: int, layout: str) -> None:
    rotation, projected = make_rotation(5, KEY_SIZE, layout=layout), numbers(value_size, dtype)
    outcomes = []
    for split in (
        partial(split_rotated_heads, projected, HEADS, rotation),
        partial(one_after_the_other, projected, rotation),
    ):
        query, key, value = parts = split()
        scores = (query @ key.mT).softmax(dim=-1) @ value
        outcomes.append((*parts, *torch.autograd.grad(scores.square().sum(), projected)))
    for ours, expected in zip(*outcomes, strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_gradients_are_right(layout: str) -> None:
    split = partial(split_rotated_heads, num_heads=HEADS, rotation=make_rotation(5, KEY_SIZE, layout=layout))
    assert torch.autograd.gradcheck(split, (numbers(4),))
    assert torch.autograd.gradgradcheck(split, (numbers(4),))


@pytest.mark.parametrize("used", [0, 1, 2])
def test_what_is_not_used_has_no_gradient(used: int) -> None:
    rotation, projected = make_rotation(5, KEY_SIZE), numbers(4)
    outcomes = []
    for parts in (split_rotated_heads(projected, HEADS, rotation), one_after_the_other(projected, rotation)):
        outcomes += torch.autograd.grad(parts[used].sum(), projected)
    torch.testing.assert_close(*outcomes)


def test_the_projection_is_not_kept() -> None:
    projected = numbers(4)
    for part in split_rotated_heads(projected * 1, HEADS, make_rotation(5, KEY_SIZE)):
        held = part.untyped_storage().nbytes() // part.element_size()
        assert held < projected.numel(), "queries, keys and values each hold a part, never the whole"


def test_it_does_not_matter_how_the_projection_lies_in_memory() -> None:
    rotation, wide = make_rotation(5, KEY_SIZE), torch.randn(5, 2, 2 * 48 + 1, dtype=torch.float64)
    for projected in (
        wide.transpose(0, 1)[..., 1:49],
        wide.transpose(0, 1)[..., 1::2],
        wide[:1, :1, :48].expand(2, 5, -1),
    ):
        before = projected.clone()
        outcomes = (split_rotated_heads(projected, HEADS, rotation), one_after_the_other(projected, rotation))
        for ours, expected in zip(*outcomes, strict=True):
            torch.testing.assert_close(ours, expected)
        assert torch.equal(projected, before)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_compiled_it_is_the_same(layout: str) -> None:
    rotation, projected = make_rotation(5, KEY_SIZE, layout=layout), numbers(4)
    compiled = torch.compile(split_rotated_heads, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(projected, HEADS, rotation), split_rotated_heads(projected, HEADS, rotation))
