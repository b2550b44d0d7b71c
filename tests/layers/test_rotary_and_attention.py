from __future__ import annotations

import math

import pytest
import torch

from globalner.errors import ShapeError
from globalner.layers import RotarySelfAttention, TokenConvolution, TransformerBlock, apply_rotary, rotary_angles


def test_rotation_turns_each_pair_by_its_angle() -> None:
    x = torch.randn(3, 4, dtype=torch.float64)
    turned = apply_rotary(x, rotary_angles(3, 4))
    for p in range(3):
        for r, angle in enumerate((p, p * 10000**-0.5)):
            even, odd = x[p, 2 * r], x[p, 2 * r + 1]
            assert turned[p, 2 * r].item() == pytest.approx(even * math.cos(angle) - odd * math.sin(angle))
            assert turned[p, 2 * r + 1].item() == pytest.approx(odd * math.cos(angle) + even * math.sin(angle))


@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_the_gradient_is_turned_back(scale: float) -> None:
    angles = rotary_angles(5, 6)
    x = torch.randn(2, 5, 3, 6, dtype=torch.float64).transpose(1, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: apply_rotary(x, angles, scale=scale), (x,))
    assert torch.autograd.gradgradcheck(lambda x: apply_rotary(x, angles, scale=scale), (x,))
    torch.testing.assert_close(apply_rotary(x, angles, scale=scale), scale * apply_rotary(x, angles))


def test_compiled_it_is_the_same() -> None:
    x, angles = torch.randn(2, 5, 6, dtype=torch.float64), rotary_angles(5, 6)
    compiled = torch.compile(apply_rotary, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, angles), apply_rotary(x, angles))


def test_interleaved_pairs_are_half_split_pairs_in_another_order() -> None:
    x, angles = torch.randn(5, 6, dtype=torch.float64), rotary_angles(5, 6)
    order = [0, 2, 4, 1, 3, 5]
    left, right = x[:, order].chunk(2, dim=-1)
    half = torch.cat([left * angles.cos() - right * angles.sin(), right * angles.cos() + left * angles.sin()], dim=-1)
    torch.testing.assert_close(apply_rotary(x, angles)[:, order], half)


def test_odd_width_is_refused() -> None:
    with pytest.raises(ShapeError, match="even"):
        rotary_angles(4, 5)
    with pytest.raises(ShapeError, match="heads"):
        RotarySelfAttention(hidden_size=10, num_heads=4)
    with pytest.raises(ShapeError, match="even width"):
        RotarySelfAttention(hidden_size=9, num_heads=3)


def test_attention_is_the_explicit_softmax() -> None:
    torch.manual_seed(0)
    attention = RotarySelfAttention(hidden_size=8, num_heads=2).double()
    hidden = torch.randn(1, 5, 8, dtype=torch.float64)
    mask = torch.tensor([[True, True, True, True, False]])
    angles = rotary_angles(5, 4)
    query, key, value = attention.query_key_value(hidden)[0].unflatten(-1, (3, 2, 4)).permute(1, 2, 0, 3)
    logits = apply_rotary(query, angles) @ apply_rotary(key, angles).transpose(-1, -2) / 2
    weights = logits.masked_fill(~mask, -torch.inf).softmax(dim=-1)
    expected = attention.output((weights @ value).transpose(0, 1).flatten(-2))
    torch.testing.assert_close(attention(hidden, mask, angles)[0], expected)


def test_padding_changes_nothing_in_a_block() -> None:
    torch.manual_seed(0)
    block = TransformerBlock(hidden_size=8, num_heads=2, intermediate_size=16, dropout=0.5).double().eval()
    hidden = torch.randn(2, 4, 8, dtype=torch.float64)
    padded = torch.cat([hidden, torch.full((2, 3, 8), 5.0, dtype=torch.float64)], dim=1)
    mask = torch.tensor([[True] * 4 + [False] * 3] * 2)
    short = block(hidden, torch.ones(2, 4, dtype=torch.bool), rotary_angles(4, 4))
    torch.testing.assert_close(block(padded, mask, rotary_angles(7, 4))[:, :4], short, rtol=1e-9, atol=1e-9)


def test_a_convolution_adds_what_it_makes_of_the_neighbours() -> None:
    torch.manual_seed(0)
    layer = TokenConvolution(hidden_size=2, width=3).double()
    hidden = torch.randn(1, 4, 2, dtype=torch.float64)
    mask = torch.tensor([[True, True, True, False]])
    kernel, bias = layer.convolution.weight, layer.convolution.bias
    inputs = [torch.zeros(2, dtype=torch.float64), *hidden[0, :3], torch.zeros(2, dtype=torch.float64)]
    for place in range(3):
        made = bias + sum(kernel[:, :, k] @ inputs[place + k] for k in range(3))
        expected = hidden[0, place] + torch.nn.functional.gelu(made)
        torch.testing.assert_close(layer(hidden, mask)[0, place], expected)


@pytest.mark.parametrize("width", [0, 4])
def test_a_convolution_needs_a_middle(width: int) -> None:
    with pytest.raises(ShapeError, match="odd"):
        TokenConvolution(hidden_size=2, width=width)
