from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import silu

from globalner.errors import ConfigError
from globalner.layers import GatedAttentionUnit, make_rotation

NORMALIZERS = ["relu_squared", "softmax", "softmax_plus"]


def golden_unit(fill: Callable[..., Tensor], **options: object) -> GatedAttentionUnit:
    unit = GatedAttentionUnit(hidden_size=6, expanded_size=12, key_size=4, **options).double().eval()
    with torch.no_grad():
        unit.projection.weight.copy_(0.5 * fill((6, 28), 0.3).T)
        unit.output.weight.copy_(0.5 * fill((12, 6), 0.21).T)
        unit.query_scale.gain.copy_(1 + 0.1 * fill((4,), 0.5))
        unit.key_scale.gain.copy_(1 + 0.1 * fill((4,), 0.9))
    return unit


GOLDEN = [
    ("relu_squared", {}, 5, (-1.9518176e-05, -2.4184533e-05, -6.5848995e-04)),
    ("softmax", {}, 5, (0.0030857612, 0.0039306531, 0.0259952922)),
    ("softmax_plus", {}, 5, (0.0032466807, 0.0042312646, 0.0326154938)),
    ("softmax_plus", {"clamp_tokens": 1}, 5, (0.0032989602, 0.0043309378, 0.0347939224)),
    ("softmax_plus", {}, 4, (-0.0050263513, -0.0093200841, -0.0229387405)),
]


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-6), (torch.float32, 1e-4)], ids=str)
@pytest.mark.parametrize(("normalizer", "options", "real", "expected"), GOLDEN)
def test_golden_values(
    fill: Callable[..., Tensor],
    normalizer: str,
    options: dict,
    real: int,
    expected: tuple[float, ...],
    dtype: torch.dtype,
    close: float,
) -> None:
    unit = golden_unit(fill, normalizer=normalizer, **options).to(dtype)
    mask = torch.arange(5).unsqueeze(0) < real
    output = unit(fill((1, 5, 6), 0.7).to(dtype), mask, make_rotation(5, 4))[0, :real]
    found = (output[0, 0].item(), output[-1, 5].item(), output.sum().item())
    assert found == pytest.approx(expected, rel=close, abs=0 if dtype == torch.float64 else 1e-8)


def unit_of(**options: object) -> GatedAttentionUnit:
    torch.manual_seed(0)
    unit = GatedAttentionUnit(hidden_size=6, expanded_size=10, key_size=4, **options).double().eval()
    with torch.no_grad():
        for parameter in unit.parameters():
            parameter.normal_()
    return unit


@pytest.mark.parametrize("fixed", [None, 7])
@pytest.mark.parametrize("bias", ["all", "query_key", "none"])
def test_squared_relu_is_the_explicit_formula(bias: str, fixed: int | None) -> None:
    unit = unit_of(normalizer="relu_squared", normalizer_tokens=fixed, bias=bias)
    hidden, mask = torch.randn(5, 6, dtype=torch.float64), torch.tensor([True, True, False, True, False])
    gate, value, shared = silu(unit.projection(hidden)).split((10, 10, 4), dim=-1)
    query, key = (
        shared * part.gain + (0 if part.offset is None else part.offset) for part in (unit.query_scale, unit.key_scale)
    )
    weights = (query @ key.T).relu().square() * mask / (4 * (fixed or 3))
    expected = unit.output(gate * (weights @ value))
    torch.testing.assert_close(unit(hidden.unsqueeze(0), mask.unsqueeze(0))[0], expected)


def test_offsets_are_the_bias_of_queries_and_keys() -> None:
    names = {bias: {name for name, _ in unit_of(bias=bias).named_parameters()} for bias in ("none", "query_key", "all")}
    assert names["query_key"] - names["none"] == {"query_scale.offset", "key_scale.offset"}
    assert names["all"] - names["query_key"] == {"projection.bias", "output.bias"}


def test_the_size_is_that_of_the_paper() -> None:
    unit = GatedAttentionUnit(hidden_size=768, expanded_size=1536)
    assert sum(parameter.numel() for parameter in unit.parameters()) == 3_637_248 + 2 * 128


@pytest.mark.parametrize("normalizer", NORMALIZERS)
@pytest.mark.parametrize("rotary", [4, None], ids=["rotary", "no order"])
def test_padding_changes_nothing(
    padding_changes_nothing: Callable[..., None], normalizer: str, rotary: int | None
) -> None:
    unit = GatedAttentionUnit(hidden_size=6, expanded_size=10, key_size=4, normalizer=normalizer, bias="all")
    padding_changes_nothing(unit, 6, rotary, (1, 5, 20))


@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_the_only_open_token_is_what_all_see(normalizer: str) -> None:
    unit, hidden = unit_of(normalizer=normalizer), torch.randn(1, 5, 6, dtype=torch.float64)
    mask = torch.tensor([[False, False, True, False, False]])
    changed = hidden.clone()
    changed[:, [0, 1, 3, 4]] = 9.0
    seen, others_changed = (unit(x, mask, make_rotation(5, 4))[:, 2] for x in (hidden, changed))
    torch.testing.assert_close(others_changed, seen)
    alone = unit(hidden[:, 2:3], torch.ones(1, 1, dtype=torch.bool), make_rotation(1, 4))[:, 0]
    torch.testing.assert_close(seen, alone)


@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_dropout_is_for_training(normalizer: str) -> None:
    unit, hidden = unit_of(normalizer=normalizer, dropout=0.5), torch.randn(1, 9, 6, dtype=torch.float64)
    mask = torch.ones(1, 9, dtype=torch.bool)
    assert torch.equal(unit(hidden, mask), unit(hidden, mask))
    unit.train()
    assert not torch.equal(unit(hidden, mask), unit(hidden, mask))


@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_every_parameter_learns(normalizer: str) -> None:
    unit = unit_of(normalizer=normalizer, bias="all")
    unit(torch.randn(1, 5, 6, dtype=torch.float64), torch.ones(1, 5, dtype=torch.bool)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in unit.parameters())


def test_a_normaliser_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no normalizer 'relu_square' \(did you mean relu_squared\?\)"):
        unit_of(normalizer="relu_square")
