from __future__ import annotations

import math

import pytest
import torch

from globalner.errors import ShapeError
from globalner.layers import apply_rotary, convert_rotary_weight, make_rotation, rotary_angles, rotate
from globalner.layers.rotary import join_pairs, split_pairs

LAYOUTS = ["interleaved", "half"]


def test_rotation_turns_each_pair_by_its_angle() -> None:
    x = torch.randn(3, 4, dtype=torch.float64)
    turned = apply_rotary(x, rotary_angles(3, 4))
    for p in range(3):
        for r, angle in enumerate((p, p * 10000**-0.5)):
            even, odd = x[p, 2 * r], x[p, 2 * r + 1]
            assert turned[p, 2 * r].item() == pytest.approx(even * math.cos(angle) - odd * math.sin(angle))
            assert turned[p, 2 * r + 1].item() == pytest.approx(odd * math.cos(angle) + even * math.sin(angle))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_the_gradient_is_turned_back(scale: float, layout: str) -> None:
    angles = rotary_angles(5, 6)
    x = torch.randn(2, 5, 3, 6, dtype=torch.float64).transpose(1, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: apply_rotary(x, angles, scale=scale, layout=layout), (x,))
    assert torch.autograd.gradgradcheck(lambda x: apply_rotary(x, angles, scale=scale, layout=layout), (x,))
    torch.testing.assert_close(
        apply_rotary(x, angles, scale=scale, layout=layout), scale * apply_rotary(x, angles, layout=layout)
    )


def _numbers(*shape: int) -> torch.Tensor:
    return torch.arange(math.prod(shape), dtype=torch.float64).sin().view(shape)


LYING = {
    "side by side": _numbers(2, 5, 6),
    "heads behind tokens": _numbers(2, 5, 3, 6).transpose(1, 2),
    "a part of a wider vector": _numbers(2, 5, 20)[..., 6:12],
    "from an odd place on": _numbers(2, 5, 20)[..., 7:13],
    "rows of odd width": _numbers(2, 5, 7)[..., :6],
    "every second value": _numbers(2, 5, 12)[..., ::2],
    "one row for all": _numbers(1, 1, 6).expand(2, 5, 6),
    "nothing": _numbers(0, 5, 6),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("lying", LYING)
def test_it_does_not_matter_how_vectors_lie_in_memory(lying: str, layout: str) -> None:
    x, angles = LYING[lying], rotary_angles(5, 6)
    before, cos, sin = x.clone(), angles.cos(), angles.sin()
    first, second = split_pairs(before, layout)
    expected = join_pairs(first * cos - second * sin, second * cos + first * sin, layout)
    torch.testing.assert_close(apply_rotary(x, angles, layout=layout), expected)
    assert torch.equal(x, before)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_compiled_it_is_the_same(layout: str) -> None:
    x, angles = torch.randn(2, 5, 6, dtype=torch.float64), rotary_angles(5, 6)
    compiled = torch.compile(apply_rotary, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, angles, layout=layout), apply_rotary(x, angles, layout=layout))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_one_rotation_for_all_layers_turns_alike_to_the_bit(dtype: torch.dtype, layout: str) -> None:
    x = torch.randn(2, 5, 6).to(dtype)
    rotated = rotate(x, make_rotation(5, 6, layout=layout))
    assert rotated.dtype == dtype
    assert torch.equal(rotated, apply_rotary(x, rotary_angles(5, 6), layout=layout))


def test_interleaved_pairs_are_half_split_pairs_in_another_order() -> None:
    x, angles = torch.randn(5, 6, dtype=torch.float64), rotary_angles(5, 6)
    order = [0, 2, 4, 1, 3, 5]
    left, right = x[:, order].chunk(2, dim=-1)
    half = torch.cat([left * angles.cos() - right * angles.sin(), right * angles.cos() + left * angles.sin()], dim=-1)
    torch.testing.assert_close(apply_rotary(x, angles)[:, order], half)
    torch.testing.assert_close(apply_rotary(x[:, order], angles, layout="half"), half)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_scores_depend_on_distance_only(layout: str) -> None:
    query, key = torch.randn(2, 7, 8, dtype=torch.float64)
    near, far = (make_rotation(7 + shift, 8, layout=layout) for shift in (0, 1000))
    far = far._replace(cos=far.cos[1000:], sin=far.sin[1000:])
    scores, shifted = (rotate(query, place) @ rotate(key, place).T for place in (near, far))
    torch.testing.assert_close(shifted, scores, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(scores, query @ key.T)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_converted_projections_give_the_same_scores_in_the_other_layout(layout: str) -> None:
    other = LAYOUTS[LAYOUTS[0] == layout]
    hidden = torch.randn(5, 9, dtype=torch.float64)
    weights, biases = torch.randn(2, 12, 9, dtype=torch.float64), torch.randn(2, 12, dtype=torch.float64)

    def scores(weights: list, biases: list, layout: str) -> torch.Tensor:
        rotation = make_rotation(5, 4, layout=layout)
        heads = [
            rotate((hidden @ weight.T + bias).unflatten(-1, (3, 4)).transpose(0, 1), rotation)
            for weight, bias in zip(weights, biases, strict=True)
        ]
        return heads[0] @ heads[1].mT

    converted = [[convert_rotary_weight(part, head_size=4, to=other) for part in parts] for parts in (weights, biases)]
    expected = scores(list(weights), list(biases), layout)
    torch.testing.assert_close(scores(*converted, other), expected)
    assert not torch.allclose(scores(list(weights), list(biases), other), expected)
    assert torch.equal(convert_rotary_weight(converted[0][0], head_size=4, to=layout), weights[0])


def test_odd_width_is_refused() -> None:
    with pytest.raises(ShapeError, match="even"):
        rotary_angles(4, 5)
    with pytest.raises(ShapeError, match="even width; got 3"):
        convert_rotary_weight(torch.zeros(6, 2), head_size=3, to="half")
    with pytest.raises(ShapeError, match="10 outputs"):
        convert_rotary_weight(torch.zeros(10, 2), head_size=4, to="half")
