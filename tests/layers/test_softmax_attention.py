from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from globalner.errors import ConfigError, ShapeError
from globalner.layers import SoftmaxAttention, make_rotation, rotate, scale_by_length

BIASES = ["all", "query_key", "none"]


def attention(**options: object) -> SoftmaxAttention:
    """Of width 8 with two heads, every parameter away from zero."""
    torch.manual_seed(0)
    layer = SoftmaxAttention(hidden_size=8, num_heads=2, **options).double().eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    return layer


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("rotary", [True, False], ids=["rotary", "no order"])
@pytest.mark.parametrize(("scale", "clamp"), [("plain", 16), ("entropy_invariant", 16), ("entropy_invariant", 1)])
def test_it_is_the_explicit_softmax(bias: str, rotary: bool, scale: str, clamp: int) -> None:
    layer = attention(bias=bias, scale=scale, clamp_tokens=clamp)
    hidden = torch.randn(5, 8, dtype=torch.float64)
    mask = torch.tensor([True, True, True, True, False])
    rotation = make_rotation(5, 4) if rotary else None
    weight, given = layer.query_key_value.weight, layer.query_key_value.bias
    biases = torch.zeros(24, dtype=torch.float64)
    if given is not None:
        biases[: len(given)] = given
    query, key, value = (hidden @ weight.T + biases).unflatten(-1, (3, 2, 4)).permute(1, 2, 0, 3)
    if rotation is not None:
        query, key = rotate(query, rotation), rotate(key, rotation)
    factor = math.log(max(4, clamp)) / math.log(512) if scale == "entropy_invariant" else 1.0
    weights = (factor * query @ key.mT / 2).masked_fill(~mask, -torch.inf).softmax(dim=-1)
    expected = layer.output((weights @ value).transpose(0, 1).flatten(-2))
    torch.testing.assert_close(layer(hidden.unsqueeze(0), mask.unsqueeze(0), rotation)[0], expected)


@pytest.mark.parametrize(("bias", "sizes"), [("all", {24, 8}), ("query_key", {16}), ("none", set())])
def test_biases_are_where_they_are_asked_for(bias: str, sizes: set[int]) -> None:
    found = {len(parameter) for name, parameter in attention(bias=bias).named_parameters() if name.endswith("bias")}
    assert found == sizes


@pytest.mark.parametrize(
    ("count", "clamp", "factor"),
    [
        (512, 16, 1.0),
        (64, 16, 2 / 3),
        (4096, 16, 4 / 3),
        (3, 16, 4 / 9),
        (3, 1, math.log(3) / math.log(512)),
        (1, 1, 0),
    ],
)
def test_the_scale_goes_by_real_tokens(count: int, clamp: int, factor: float) -> None:
    mask = torch.arange(5000).expand(2, -1) < torch.tensor([[count], [512]])
    scaled = scale_by_length(torch.ones(2, 3, 4, dtype=torch.float64), mask, clamp_tokens=clamp)
    torch.testing.assert_close(scaled[0], torch.full((3, 4), factor, dtype=torch.float64))
    torch.testing.assert_close(scaled[1], torch.ones(3, 4, dtype=torch.float64))


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("scale", ["plain", "entropy_invariant"])
@pytest.mark.parametrize("rotary", [4, None], ids=["rotary", "no order"])
def test_padding_changes_nothing(
    padding_changes_nothing: Callable[..., None], bias: str, scale: str, rotary: int | None
) -> None:
    padding_changes_nothing(attention(bias=bias, scale=scale), 8, rotary, (1, 5, 20))


@pytest.mark.parametrize("scale", ["plain", "entropy_invariant"])
def test_no_mask_is_a_mask_of_all(scale: str) -> None:
    layer, hidden = attention(scale=scale), torch.randn(2, 40, 8, dtype=torch.float64)
    all_open = torch.ones(2, 40, dtype=torch.bool)
    assert torch.equal(layer(hidden, None, make_rotation(40, 4)), layer(hidden, all_open, make_rotation(40, 4)))


def test_the_only_open_token_is_what_all_see() -> None:
    layer, hidden = attention(), torch.randn(1, 5, 8, dtype=torch.float64)
    mask = torch.tensor([[False, False, True, False, False]])
    alone = layer(hidden[:, 2:3], torch.ones(1, 1, dtype=torch.bool), make_rotation(1, 4))
    torch.testing.assert_close(layer(hidden, mask, make_rotation(5, 4)), alone.expand(1, 5, 8))


def test_dropout_is_for_training() -> None:
    layer, hidden = attention(dropout=0.5), torch.randn(1, 6, 8, dtype=torch.float64)
    mask = torch.ones(1, 6, dtype=torch.bool)
    assert torch.equal(layer(hidden, mask), layer(hidden, mask))
    layer.train()
    assert not torch.equal(layer(hidden, mask), layer(hidden, mask))


def test_options_that_do_not_exist_are_refused_with_the_nearest() -> None:
    with pytest.raises(ShapeError, match="hidden_size 10 does not divide into 4 heads"):
        SoftmaxAttention(hidden_size=10, num_heads=4)
    with pytest.raises(
        ConfigError, match=r"no bias 'query' \(did you mean query_key\?\); there are: all, query_key, none"
    ):
        SoftmaxAttention(hidden_size=8, num_heads=2, bias="query")
    with pytest.raises(ConfigError, match=r"no scale 'entropy' .*mean entropy_invariant"):
        SoftmaxAttention(hidden_size=8, num_heads=2, scale="entropy")
