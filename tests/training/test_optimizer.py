from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Linear

from globalner.encoders import NativeEncoderConfig, load_pretrained
from globalner.model import GlobalPointerConfig, GlobalPointerModel
from globalner.training.optimizer import OptimizerSettings, parameter_groups, warmup_then_linear_decay


def test_groups_hold_every_parameter_once_with_its_rate_and_decay() -> None:
    encoder = NativeEncoderConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2).to_dict()
    model = GlobalPointerModel(GlobalPointerConfig(encoder=encoder, labels=["A"], head_size=4))
    groups = parameter_groups(model, OptimizerSettings(1e-5, 1e-3, 0.01, 0.1))
    of_parameter = {id(p): group for group in groups for p in group["params"]}
    assert len(of_parameter) == sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        group = of_parameter[id(parameter)]
        assert group["lr"] == (1e-3 if name.startswith("head.") else 1e-5)
        vector = name.endswith(".bias") or "norm" in name
        assert group["weight_decay"] == (0.0 if vector else 0.01)


def test_what_is_trained_beside_the_model_has_the_rate_of_the_head() -> None:
    encoder = NativeEncoderConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2).to_dict()
    model, beside = GlobalPointerModel(GlobalPointerConfig(encoder=encoder, labels=["A"], head_size=4)), Linear(8, 2)
    groups = parameter_groups(model, OptimizerSettings(1e-5, 1e-3, 0.01, 0.1), beside)
    of_parameter = {id(p): group for group in groups for p in group["params"]}
    assert len(of_parameter) == len(list(model.parameters())) + 2
    for parameter, decay in ((beside.weight, 0.01), (beside.bias, 0.0)):
        assert (of_parameter[id(parameter)]["lr"], of_parameter[id(parameter)]["weight_decay"]) == (1e-3, decay)


def test_lower_layers_of_the_encoder_learn_more_slowly() -> None:
    encoder = NativeEncoderConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, convolution_width=3
    ).to_dict()
    model = GlobalPointerModel(GlobalPointerConfig(encoder=encoder, labels=["A"], head_size=4))
    groups = parameter_groups(model, OptimizerSettings(1e-3, 5e-3, 0.01, 0.1, layer_decay=0.5))
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    expected = {"encoder.embedding": 2.5e-4, "encoder.convolution": 2.5e-4, "encoder.blocks.0": 5e-4}
    expected |= {"encoder.blocks.1": 1e-3, "encoder.norm": 1e-3, "head": 5e-3}
    for name, parameter in model.named_parameters():
        (start,) = (start for start in expected if name.startswith(f"{start}."))
        assert rates[id(parameter)] == pytest.approx(expected[start]), name


def test_layers_of_a_pretrained_encoder_are_known(bert_folder: Path) -> None:
    encoder = load_pretrained(str(bert_folder)).encoder
    config = GlobalPointerConfig(encoder=encoder.config.to_dict(), labels=["A"], head_size=4)
    model = GlobalPointerModel.with_encoder(config, encoder)
    groups = parameter_groups(model, OptimizerSettings(1.0, 1.0, 0.0, 0.1, layer_decay=0.5))
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    depth = encoder.config.num_hidden_layers
    for name, parameter in encoder.named_parameters():
        layer = -1 if name.startswith("embeddings") else int(name.split(".")[2])
        assert rates[id(parameter)] == 0.5 ** (depth - 1 - layer), name


@given(total=st.integers(1, 500), warmup=st.floats(0, 1))
def test_the_rate_rises_then_falls_to_nothing(total: int, warmup: float) -> None:
    factor = warmup_then_linear_decay(total, warmup)
    factors = [factor(step) for step in range(total + 1)]
    top = round(total * warmup)
    assert all(0 < value <= 1 for value in factors[:-1])
    assert factors[:top] == sorted(factors[:top])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert factors[-1] == pytest.approx(0)
    if top < total:
        assert factors[top] == 1
