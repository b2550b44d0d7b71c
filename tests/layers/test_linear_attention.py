from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import elu

from globalner.errors import ConfigError, ShapeError
from globalner.layers import LinearAttention, linear_attention, make_rotation, rotate

MAPS = ["exp", "elu", "double_softmax"]
GOLDEN = [
    ("exp", 4, (0.35809296, 0.49835149), (0.36336998, 0.44815655)),
    ("elu", 4, (0.32499880, 0.43689470), (0.33013857, 0.40643007)),
    ("double_softmax", 4, (0.35981580, 0.48695156), (0.36484944, 0.43486600)),
    ("exp", 3, (0.49382452, 0.38089995), None),
]


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-6), (torch.float32, 1e-4)], ids=str)
@pytest.mark.parametrize(("feature_map", "real", "first", "last"), GOLDEN)
def test_golden_values(
    fill: Callable[..., Tensor],
    feature_map: str,
    real: int,
    first: tuple,
    last: tuple,
    dtype: torch.dtype,
    close: float,
) -> None:
    query, key, value = (
        fill(shape, a)[None, None].to(dtype) for shape, a in (((4, 3), 0.4), ((4, 3), 0.6), ((4, 2), 0.9))
    )
    mask = torch.arange(4).unsqueeze(0) < real
    output = linear_attention(query, key, value, mask, feature_map=feature_map)[0, 0]
    assert output[0].tolist() == pytest.approx(first, rel=close)
    if last is not None:
        assert output[3].tolist() == pytest.approx(last, rel=close)


def by_explicit_matrix(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, feature_map: str, turn: bool) -> Tensor:
    """With the whole matrix of attention: (B, heads, L, M) and (B, heads, L, D) -> (B, heads, L, D)."""
    open_ = mask[:, None, :, None]
    if feature_map == "double_softmax":
        query, key = query.softmax(-1), key.masked_fill(~open_, -torch.inf).softmax(-2)
    else:
        query, key = (x.exp() if feature_map == "exp" else elu(x) + 1 for x in (query, key))
        key = key * open_
    total = 1.0 if feature_map == "double_softmax" else (query @ key.mT).sum(-1, keepdim=True)
    if turn:
        rotation = make_rotation(query.shape[-2], query.shape[-1])
        query, key = rotate(query, rotation), rotate(key, rotation)
    return (query @ key.mT) @ value / total


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(1, 9),
    half=st.integers(1, 4),
    feature_map=st.sampled_from(MAPS),
    rotary=st.booleans(),
    seed=st.integers(0, 99),
)
def test_it_is_the_explicit_matrix(length: int, half: int, feature_map: str, rotary: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    query, key = torch.randn(2, 2, 3, length, 2 * half, generator=generator, dtype=torch.float64)
    value = torch.randn(2, 3, length, 5, generator=generator, dtype=torch.float64)
    mask = torch.rand(2, length, generator=generator) < 0.6
    mask[:, 0] = True
    rotation = make_rotation(length, 2 * half) if rotary else None
    found = linear_attention(query, key, value, mask, rotation, feature_map=feature_map)
    expected = by_explicit_matrix(query, key, value, mask, feature_map, rotary)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("layout", ["interleaved", "half"])
@pytest.mark.parametrize("rotary", [True, False], ids=["rotary", "no order"])
def test_exp_never_overflows_and_is_exact_where_e_to_the_x_is_no_number(layout: str, rotary: bool) -> None:
    """Keys of one feature lie 600 apart from those of another, and 300 is far beyond fp32."""
    torch.manual_seed(0)
    rotation = make_rotation(6, 4, layout=layout) if rotary else None
    pairs = [0, 0, 1, 1] if layout == "interleaved" else [0, 1, 0, 1]
    shift = torch.tensor([300.0, -300.0], dtype=torch.float64)[pairs]
    query, key = (torch.randn(1, 1, 6, 4, dtype=torch.float64) for _ in range(2))
    value, mask = torch.randn(1, 1, 6, 2, dtype=torch.float64), torch.ones(1, 6, dtype=torch.bool)
    expected = linear_attention(query, key, value, mask, rotation)
    low = (query - shift).float(), (key + shift).float(), value.float()
    found = linear_attention(*low, mask, rotation)
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-3)


def test_elu_keeps_a_denominator_far_below_zero() -> None:
    query, key = torch.full((1, 1, 3, 2), -40.0), torch.full((1, 1, 3, 2), -30.0)
    value, mask = torch.tensor([1.0, 2.0, 6.0]).view(1, 1, 3, 1), torch.ones(1, 3, dtype=torch.bool)
    torch.testing.assert_close(
        linear_attention(query, key, value, mask, feature_map="elu"), torch.full((1, 1, 3, 1), 3.0)
    )


@pytest.mark.parametrize("feature_map", MAPS)
@pytest.mark.parametrize("rotary", [True, False], ids=["rotary", "no order"])
def test_gradients_are_those_of_the_explicit_matrix(feature_map: str, rotary: bool) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    mask, weight = torch.tensor([[True, True, False, True, True]]), torch.randn(1, 2, 5, 4, dtype=torch.float64)
    rotation = make_rotation(5, 4) if rotary else None
    found = torch.autograd.grad(
        (linear_attention(*inputs, mask, rotation, feature_map=feature_map) * weight).sum(), inputs
    )
    expected = torch.autograd.grad((by_explicit_matrix(*inputs, mask, feature_map, rotary) * weight).sum(), inputs)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_a_layer_takes_a_larger_key_size_and_its_own_biases() -> None:
    layer = LinearAttention(hidden_size=8, num_heads=2, key_size=12, bias="query_key").double()
    torch.nn.init.normal_(layer.query_key_value.bias)
    assert layer.query_key_value.weight.shape == (2 * 24 + 8, 8)
    hidden, mask = torch.randn(2, 5, 8, dtype=torch.float64), torch.ones(2, 5, dtype=torch.bool)
    bias = torch.cat([layer.query_key_value.bias, torch.zeros(8)])
    projected = (hidden @ layer.query_key_value.weight.T + bias).split((24, 24, 8), dim=-1)
    query, key, value = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in projected)
    mixed = by_explicit_matrix(query, key, value, mask, "exp", True).transpose(1, 2).flatten(-2)
    torch.testing.assert_close(layer(hidden, mask, make_rotation(5, 12)), layer.output(mixed))


@pytest.mark.parametrize("feature_map", MAPS)
@pytest.mark.parametrize("rotary", [6, None], ids=["rotary", "no order"])
def test_padding_changes_nothing(
    padding_changes_nothing: Callable[..., None], feature_map: str, rotary: int | None
) -> None:
    torch.manual_seed(0)
    layer = LinearAttention(hidden_size=8, num_heads=2, key_size=6, feature_map=feature_map)
    padding_changes_nothing(layer, 8, rotary, (1, 5, 20))


@pytest.mark.parametrize("feature_map", MAPS)
def test_the_only_open_token_is_what_all_see(feature_map: str) -> None:
    value = torch.randn(1, 2, 5, 3, dtype=torch.float64)
    query, key = torch.randn(2, 1, 2, 5, 4, dtype=torch.float64)
    mask = torch.tensor([[False, False, True, False, False]])
    output = linear_attention(query, key, value, mask, feature_map=feature_map)
    torch.testing.assert_close(output, value[:, :, 2:3].expand_as(value))


def test_sums_are_made_in_single_precision_under_autocast() -> None:
    query, key, value = torch.randn(3, 1, 2, 300, 8)
    mask = torch.ones(1, 300, dtype=torch.bool)
    expected = linear_attention(query, key, value, mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(linear_attention(query, key, value, mask), expected)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"no feature map 'elu1' \(did you mean elu\?\)"):
        LinearAttention(hidden_size=8, num_heads=2, feature_map="elu1")
    with pytest.raises(ShapeError, match="key_size must be at least 1; got 0"):
        LinearAttention(hidden_size=8, num_heads=2, key_size=0)
