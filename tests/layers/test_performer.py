from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from globalner.errors import ShapeError
from globalner.layers import PerformerAttention, favor_attention, make_rotation, orthogonal_features, rotate


def test_features_of_a_block_are_at_right_angles() -> None:
    torch.manual_seed(0)
    features = orthogonal_features(20, 8)
    assert features.shape == (20, 8)
    for block in features.split(8):
        products = block @ block.T
        torch.testing.assert_close(products, torch.diag(products.diagonal()), rtol=0, atol=1e-4)


def test_each_feature_is_distributed_like_independent_normal_values() -> None:
    torch.manual_seed(0)
    features = orthogonal_features(40_000, 4)
    torch.testing.assert_close(features.mean(0), torch.zeros(4), rtol=0, atol=0.03)
    torch.testing.assert_close(features.T @ features / len(features), torch.eye(4), rtol=0, atol=0.03)
    torch.testing.assert_close(features.norm(dim=-1).pow(4).mean(), torch.tensor(24.0), rtol=0.05, atol=0)
    # A factorisation whose signs are left as they come prefers one side in the first of a block.
    firsts = features[::4]
    torch.testing.assert_close(firsts.mean(0), torch.zeros(4), rtol=0, atol=0.05)


def test_the_error_falls_as_the_square_root_of_the_features() -> None:
    torch.manual_seed(0)
    # Small vectors: the variance of one feature grows as e^{|q + k|^2}.
    query, key = 0.3 * torch.randn(2, 1, 1, 12, 8, dtype=torch.float64)
    value, mask = torch.randn(1, 1, 12, 4, dtype=torch.float64), torch.arange(12).unsqueeze(0) < 10
    exact = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
    sizes, errors = [16, 64, 256, 1024, 4096], []
    for size in sizes:
        squares = [
            (favor_attention(query, key, value, mask, orthogonal_features(size, 8).double()) - exact).square().mean()
            for _ in range(60)
        ]
        errors.append(torch.stack(squares).mean().sqrt().log())
    x = torch.tensor(sizes, dtype=torch.float64).log()
    y = torch.stack(errors)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert slope.item() == pytest.approx(-0.5, abs=0.05)
    assert errors[-1].exp() < 0.005


def layer_of(**options: object) -> PerformerAttention:
    torch.manual_seed(0)
    return PerformerAttention(hidden_size=16, num_heads=2, **options).double().eval()


def test_it_estimates_softmax_attention_with_rotary_position() -> None:
    layer, hidden, mask = layer_of(num_features=8192), torch.randn(1, 6, 16, dtype=torch.float64), torch.ones(1, 6) > 0
    rotation = make_rotation(6, 8)
    query, key, value = layer.query_key_value.heads(hidden)
    exact = scaled_dot_product_attention(rotate(query, rotation), rotate(key, rotation), value)
    without = scaled_dot_product_attention(query, key, value)
    estimated = favor_attention(rotate(query, rotation), rotate(key, rotation), value, mask, layer.features)
    assert (estimated - exact).abs().max() < 0.2 * (without - exact).abs().max()
    torch.testing.assert_close(layer(hidden, mask, rotation), layer.output(estimated.transpose(1, 2).flatten(-2)))


def test_large_keys_and_queries_stay_finite() -> None:
    query, key, value = torch.randn(3, 1, 2, 6, 8)
    output = favor_attention(60 * query, 60 * key, value, torch.ones(1, 6) > 0, orthogonal_features(32, 8))
    assert output.isfinite().all()
    assert (output.abs() <= value.abs().amax(-2, keepdim=True) + 1e-5).all()


def test_features_are_saved_and_redrawn() -> None:
    layer = layer_of()
    assert layer.features.shape == (16, 8)  # 8 ln 8 = 16.6
    assert "features" in layer.state_dict()
    before = layer.features.clone()
    layer.redraw()
    assert layer.features.dtype == before.dtype
    assert not torch.allclose(layer.features, before)


@pytest.mark.parametrize("rotary", [8, None], ids=["rotary", "no order"])
def test_padding_changes_nothing(padding_changes_nothing: Callable[..., None], rotary: int | None) -> None:
    padding_changes_nothing(layer_of(bias="query_key"), 16, rotary, (1, 5, 20))


def test_the_only_open_token_is_what_all_see() -> None:
    query, key, value = torch.randn(3, 1, 2, 5, 8, dtype=torch.float64)
    mask = torch.tensor([[False, False, True, False, False]])
    output = favor_attention(query, key, value, mask, orthogonal_features(16, 8))
    torch.testing.assert_close(output, value[:, :, 2:3].expand_as(value))


def test_every_parameter_learns() -> None:
    layer = layer_of()
    layer(torch.randn(1, 5, 16, dtype=torch.float64), torch.ones(1, 5) > 0).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match="num_features must be at least 1; got 0"):
        layer_of(num_features=0)
