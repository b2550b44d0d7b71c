from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import silu

from globalner.errors import ConfigError, ShapeError
from globalner.layers import GatedAttentionUnit, MixedChunkAttention, Rotation, make_rotation, rotate


def golden_layer(fill: Callable[..., Tensor], causal: bool) -> MixedChunkAttention:
    layer = MixedChunkAttention(hidden_size=6, expanded_size=12, key_size=4, chunk_size=2, causal=causal).double()
    scales = (layer.query_scale, layer.key_scale, layer.far_query_scale, layer.far_key_scale)
    with torch.no_grad():
        layer.projection.weight.copy_(0.5 * fill((6, 28), 0.3).T)
        layer.output.weight.copy_(0.5 * fill((12, 6), 0.21).T)
        for scale, a in zip(scales, (0.5, 0.9, 1.3, 1.7), strict=True):
            scale.gain.copy_(1 + 0.1 * fill((4,), a))
    return layer


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-6), (torch.float32, 1e-4)], ids=str)
@pytest.mark.parametrize(
    ("causal", "expected"),
    [
        (False, (-8.588554e-04, -3.613513e-04, -0.0181194122)),
        (True, (-5.179877e-05, 0.0015020077, 0.0086066438)),
    ],
)
def test_golden_values(
    fill: Callable[..., Tensor], causal: bool, expected: tuple[float, ...], dtype: torch.dtype, close: float
) -> None:
    layer = golden_layer(fill, causal).to(dtype)
    output = layer(fill((5, 6), 0.7)[None, :4].to(dtype), torch.ones(1, 4, dtype=torch.bool), make_rotation(4, 4))[0]
    found = (output[0, 0].item(), output[3, 5].item(), output.sum().item())
    assert found == pytest.approx(expected, rel=close, abs=0 if dtype == torch.float64 else 1e-7)


def layer_of(chunk_size: int, causal: bool = False, **options: object) -> MixedChunkAttention:
    """Small, with every parameter away from zero."""
    torch.manual_seed(0)
    layer = MixedChunkAttention(
        hidden_size=6, expanded_size=10, key_size=4, chunk_size=chunk_size, causal=causal, **{"bias": "all", **options}
    )
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    return layer.double().eval()


def by_explicit_matrix(layer: MixedChunkAttention, hidden: Tensor, mask: Tensor, rotation: Rotation | None) -> Tensor:
    """One text, with the whole matrix of attention."""
    gate, value, shared = silu(layer.projection(hidden)).split((10, 10, 4), dim=-1)
    scales = (layer.query_scale, layer.key_scale, layer.far_query_scale, layer.far_key_scale)
    query, key, far_query, far_key = (shared * scale.gain + scale.offset for scale in scales)
    if rotation is not None:
        query, key, far_query, far_key = (rotate(x, rotation) for x in (query, key, far_query, far_key))
    length = len(hidden)
    weights = torch.zeros(length, length, dtype=hidden.dtype)
    for i in range(length):
        for j in (j for j in range(length) if mask[j]):
            own, other = i // layer.chunk_size, j // layer.chunk_size
            if own == other and (j <= i or not layer.causal):
                inside = sum(bool(mask[k]) for k in range(length) if k // layer.chunk_size == own)
                weights[i, j] += (query[i] @ key[j]).relu() ** 2 / (4 * inside)
            if not layer.causal:
                weights[i, j] += far_query[i] @ far_key[j] / mask.sum()
            elif other < own:
                weights[i, j] += far_query[i] @ far_key[j] / mask[: own * layer.chunk_size].sum()
    return layer.output(gate * (weights @ value))


@settings(max_examples=40, deadline=None)
@given(
    real=st.integers(1, 11),
    padded=st.integers(0, 5),
    chunk_size=st.integers(1, 12),
    causal=st.booleans(),
    rotary=st.booleans(),
)
def test_it_is_one_explicit_matrix(real: int, padded: int, chunk_size: int, causal: bool, rotary: bool) -> None:
    layer = layer_of(chunk_size, causal)
    hidden = torch.randn(real + padded, 6, dtype=torch.float64)
    mask = torch.arange(real + padded) < real
    rotation = make_rotation(real + padded, 4) if rotary else None
    found = layer(hidden.unsqueeze(0), mask.unsqueeze(0), rotation)[0, :real]
    torch.testing.assert_close(found, by_explicit_matrix(layer, hidden, mask, rotation)[:real], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("chunk_size", [5, 9])
def test_one_chunk_is_the_quadratic_unit_and_its_linear_term(chunk_size: int) -> None:
    layer = layer_of(chunk_size, bias="none")
    quadratic = GatedAttentionUnit(hidden_size=6, expanded_size=10, key_size=4, normalizer="relu_squared").double()
    state = {name: value for name, value in layer.state_dict().items() if not name.startswith("far_")}
    quadratic.load_state_dict(state)
    hidden, mask = torch.randn(1, 5, 6, dtype=torch.float64), torch.tensor([[True, True, True, True, False]])
    rotation = make_rotation(5, 4)
    gate, value, shared = silu(layer.projection(hidden)).split((10, 10, 4), dim=-1)
    query, key = (rotate(scale(shared), rotation) for scale in (layer.far_query_scale, layer.far_key_scale))
    linear = layer.output(gate * ((query @ key.mT * mask / 4) @ value))
    torch.testing.assert_close(layer(hidden, mask, rotation), quadratic(hidden, mask, rotation) + linear)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rotary", [4, None], ids=["rotary", "no order"])
def test_padding_changes_nothing(
    padding_changes_nothing: Callable[..., None], causal: bool, rotary: int | None
) -> None:
    torch.manual_seed(1)
    layer = MixedChunkAttention(hidden_size=6, expanded_size=10, key_size=4, chunk_size=4, causal=causal, bias="all")
    padding_changes_nothing(layer, 6, rotary, (1, 5, 8, 11))


def test_causal_means_that_the_future_is_not_seen() -> None:
    hidden, mask = torch.randn(1, 9, 6, dtype=torch.float64), torch.ones(1, 9, dtype=torch.bool)
    changed = hidden.clone()
    changed[0, 5] += 1.0
    for causal in (True, False):
        layer = layer_of(4, causal)
        moved = (layer(changed, mask) - layer(hidden, mask)).abs().amax(-1)[0] > 1e-9
        # The far part of a causal layer sees whole chunks before its own: token 5 is in the chunk of 4 to 7.
        assert moved.tolist() == ([False] * 5 + [True] * 4 if causal else [True] * 9)


def test_the_only_open_token_is_what_all_see() -> None:
    layer, hidden = layer_of(2), torch.randn(1, 5, 6, dtype=torch.float64)
    mask = torch.tensor([[False, False, True, False, False]])
    changed = hidden.clone()
    changed[:, [0, 1, 3, 4]] = 9.0
    seen, others_changed = (layer(x, mask)[:, 2] for x in (hidden, changed))
    torch.testing.assert_close(others_changed, seen)
    torch.testing.assert_close(seen, layer(hidden[:, 2:3], torch.ones(1, 1, dtype=torch.bool))[:, 0])


def test_every_parameter_learns_and_dropout_is_for_training() -> None:
    layer, hidden = layer_of(4, dropout=0.5), torch.randn(1, 9, 6, dtype=torch.float64)
    mask = torch.ones(1, 9, dtype=torch.bool)
    assert torch.equal(layer(hidden, mask), layer(hidden, mask))
    layer(hidden, mask).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in layer.parameters())
    layer.train()
    assert not torch.equal(layer(hidden, mask), layer(hidden, mask))


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ShapeError, match="chunk_size must be at least 1; got 0"):
        layer_of(0)
    with pytest.raises(ConfigError, match="no bias 'some'"):
        layer_of(2, bias="some")
