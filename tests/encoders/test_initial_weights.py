from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from globalner.encoders import NativeEncoderConfig, NativeEncoderForMaskedLM, initialise_by_depth


@pytest.mark.parametrize(("num_layers", "order"), [(1, 2), (24, 3), (12, 2)])
def test_weights_have_the_deviation_of_the_formula_and_no_far_values(num_layers: int, order: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(1000, 256), nn.Linear(256, 1024), nn.Linear(1024, 256), nn.LayerNorm(256))
    bias = model[1].bias.detach().clone()
    initialise_by_depth(model, num_layers=num_layers, order=order)
    for layer, fan_in in zip(model[:3], (256, 256, 1024), strict=True):
        expected = fan_in**-0.5 * num_layers ** (-1 / order)
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.01)
        assert abs(layer.weight.mean().item()) < 0.01 * expected
        assert layer.weight.abs().max().item() <= 2 * 1.13684723 * expected * (1 + 1e-6)
    assert torch.equal(model[1].bias, bias)
    assert torch.equal(model[3].weight, torch.ones(256))


def test_a_fresh_model_gives_every_token_about_the_same_chance() -> None:
    """With the table of token vectors for a head, unscaled vectors would start at many times this loss."""
    torch.manual_seed(0)
    config = NativeEncoderConfig(
        vocab_size=500, hidden_size=64, num_hidden_layers=4, num_attention_heads=4, dropout=0.0
    )
    model = NativeEncoderForMaskedLM(config).eval()
    initialise_by_depth(model, num_layers=4, order=2)
    ids = torch.randint(5, 500, (4, 32))
    loss = model(ids, torch.ones_like(ids), labels=torch.randint(5, 500, (4, 32))).loss
    assert abs(loss.item() - math.log(500)) < 0.5
    assert not model.encoder.embedding.weight[0].any()
    assert model.head.weight is model.encoder.embedding.weight
