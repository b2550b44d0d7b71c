"""What every kind of native encoder has to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel

from globalner.encoders import NativeEncoder, NativeEncoderConfig
from globalner.errors import ConfigError, ShapeError
from globalner.layers import PerformerAttention

Build = Callable[..., NativeEncoder]
LENGTHS = (1, 5, 11)


def texts(*lengths: int, width: int | None = None) -> tuple[Tensor, Tensor]:
    """Ids and mask of a batch of texts; padding is no special token here, so that it could be noticed."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 30, (len(lengths), width or max(lengths)), generator=generator)
    return ids, torch.arange(ids.shape[1]) < torch.tensor(lengths).unsqueeze(-1)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-9), (torch.float32, 1e-5)], ids=str)
def test_a_batch_equals_its_members_and_padding_changes_nothing(
    small_encoder: Build, variant: dict, dtype: torch.dtype, close: float
) -> None:
    model = small_encoder(**variant).to(dtype)
    ids, mask = texts(*LENGTHS, width=17)
    together = model(ids, mask).last_hidden_state
    for place, length in enumerate(LENGTHS):
        alone = model(ids[place : place + 1, :length]).last_hidden_state[0]
        torch.testing.assert_close(together[place, :length], alone, rtol=close, atol=close)
    assert together.dtype == dtype


def test_only_one_token_is_open(small_encoder: Build, variant: dict) -> None:
    model = small_encoder(**variant).double()
    ids, _ = texts(7)
    mask = torch.arange(7).unsqueeze(0) == 0
    changed = ids.clone()
    changed[:, 1:] = 29
    one, other = (model(x, mask).last_hidden_state[:, 0] for x in (ids, changed))
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(one, model(ids[:, :1]).last_hidden_state[:, 0], rtol=1e-9, atol=1e-9)


def test_every_token_sees_every_other(small_encoder: Build, variant: dict) -> None:
    model = small_encoder(**variant).double()
    ids, mask = texts(11)
    changed = ids.clone()
    changed[0, 5] = ids[0, 5] % 29 + 1
    moved = (model(ids, mask).last_hidden_state - model(changed, mask).last_hidden_state).abs().amax(-1)
    assert (moved > 1e-12).all()


def test_order_matters(small_encoder: Build, variant: dict) -> None:
    model = small_encoder(**variant).double()
    one, other = (model(torch.tensor([ids])).last_hidden_state[0, 0] for ids in ([2, 7, 8, 9, 3], [2, 9, 8, 7, 3]))
    assert (one - other).abs().max() > 1e-9


def test_without_rotary_or_convolution_there_is_no_order(small_encoder: Build) -> None:
    for attention in ("softmax", "gau", "linear", "performer"):
        model = small_encoder(attention=attention, rotary=False).double()
        one, other = (model(torch.tensor([ids])).last_hidden_state[0, 0] for ids in ([2, 7, 8, 3], [2, 8, 3, 7]))
        torch.testing.assert_close(one, other)


def test_bfloat16_stays_finite_at_length_4096(small_encoder: Build, variant: dict) -> None:
    model = small_encoder(**variant).bfloat16()
    ids, mask = texts(4096, 1)
    hidden = model(ids, mask).last_hidden_state
    assert hidden.dtype == torch.bfloat16
    assert hidden[mask].isfinite().all()


def test_every_parameter_learns(small_encoder: Build, variant: dict) -> None:
    model = small_encoder(**variant).train()
    ids, mask = texts(9, 6)
    weight = torch.randn(*ids.shape, 16, generator=torch.Generator().manual_seed(1))
    (model(ids, mask).last_hidden_state * weight)[mask].sum().backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


def test_checkpointing_gives_the_same_gradients(small_encoder: Build, variant: dict) -> None:
    ids, mask = texts(9, 6)
    gradients = []
    for checkpointing in (False, True):
        model = small_encoder(**{**variant, "dropout": 0.3}).double().train()
        if checkpointing:
            model.gradient_checkpointing_enable()
            assert model.is_gradient_checkpointing
        torch.manual_seed(1)
        model(ids, mask).last_hidden_state[mask].square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_checkpointing_runs_the_blocks_twice(small_encoder: Build) -> None:
    runs = []
    model = small_encoder().train()
    model.gradient_checkpointing_enable()
    model.blocks[0].register_forward_pre_hook(lambda *_: runs.append(1))
    model(*texts(9)).last_hidden_state.sum().backward()
    assert len(runs) == 2


@pytest.mark.parametrize("name", ["plain", "gau relu_squared", "flash", "performer"])
def test_compiled_it_is_the_same(small_encoder: Build, variants: dict[str, dict], name: str) -> None:
    torch.compiler.reset()
    model = small_encoder(**variants[name]).double()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    ids, mask = texts(9, 6)
    found, expected = (each(ids, mask).last_hidden_state[mask] for each in (compiled, model))
    torch.testing.assert_close(found, expected)


def test_an_exported_encoder_heeds_masks_that_it_was_not_exported_with(small_encoder: Build) -> None:
    model = small_encoder().double()
    ids, mask = texts(9, 6)
    exported = torch.export.export(model, (ids, torch.ones_like(mask))).module()
    found = exported(ids, mask).last_hidden_state
    torch.testing.assert_close(found[mask], model(ids, mask).last_hidden_state[mask])


SAVED = """
import json, sys
from pathlib import Path
import torch
from safetensors.torch import load_file
from transformers import AutoModel
import globalner.encoders

equal = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    expected = load_file(folder / "expected" / "outputs.safetensors")
    model = AutoModel.from_pretrained(folder)
    hidden = model(expected["ids"], expected["mask"]).last_hidden_state
    equal[folder.name] = [type(model).__name__, torch.equal(hidden, expected["hidden"])]
print(json.dumps(equal))
"""


def test_saved_and_loaded_in_a_fresh_process_it_is_equal_to_the_bit(
    small_encoder: Build, variants: dict[str, dict], tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    ids, mask = texts(9, 6)
    for name, variant in variants.items():
        model = small_encoder(**variant)
        model.save_pretrained(tmp_path / name)
        (tmp_path / name / "expected").mkdir()
        outputs = {"ids": ids, "mask": mask, "hidden": model(ids, mask).last_hidden_state.detach()}
        save_file(outputs, tmp_path / name / "expected" / "outputs.safetensors")
    command = [sys.executable, "-c", SAVED, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {name: ["NativeEncoder", True] for name in variants}


def test_the_auto_classes_know_it(small_encoder: Build, variant: dict) -> None:
    config = small_encoder(**variant).config
    again = AutoConfig.for_model(config.model_type, **{k: v for k, v in config.to_dict().items() if k != "model_type"})
    assert isinstance(again, NativeEncoderConfig)
    assert again.to_dict() == config.to_dict()
    assert isinstance(AutoModel.from_config(again), NativeEncoder)


def test_redrawn_features_are_others(small_encoder: Build) -> None:
    model, (ids, mask) = small_encoder(attention="performer"), texts(9)
    before, features = model(ids, mask).last_hidden_state, [m.features.clone() for m in performers(model)]
    model.redraw_features()
    assert not any(torch.equal(m.features, old) for m, old in zip(performers(model), features, strict=True))
    assert not torch.allclose(model(ids, mask).last_hidden_state, before)


def performers(model: NativeEncoder) -> list[PerformerAttention]:
    return [module for module in model.modules() if isinstance(module, PerformerAttention)]


@pytest.mark.parametrize(("attention", "order"), [("softmax", 2), ("gau", 3), ("flash", 3), ("linear", 2)])
def test_truncated_initialisation_has_the_published_deviation(attention: str, order: int) -> None:
    shape = NativeEncoderConfig(
        vocab_size=500,
        hidden_size=128,
        num_hidden_layers=8,
        intermediate_size=512,
        attention=attention,
        initialization="truncated_normal",
    )
    torch.manual_seed(0)
    model = NativeEncoder(shape)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            expected = parameter.shape[1] ** -0.5 * 8 ** (-1 / order)
            assert parameter.std().item() == pytest.approx(expected, rel=0.03), name
            assert parameter.abs().max() <= 2 * 1.13684723 * expected + 1e-6, name
        elif name.endswith("bias") or name.endswith("offset"):
            assert not parameter.any(), name


def test_a_plain_encoder_starts_with_the_numbers_it_always_started_with() -> None:
    """Recorded before there were other kinds: recipes with a plain encoder must go on giving the same models."""
    torch.manual_seed(7)
    shape = {"vocab_size": 50, "hidden_size": 48, "num_hidden_layers": 2, "intermediate_size": 100}
    model = NativeEncoder(NativeEncoderConfig(**shape, num_attention_heads=4, convolution_width=5, dropout=0.2)).eval()
    total = sum(parameter.double().abs().sum().item() for parameter in model.parameters())
    ids = torch.arange(1, 18).unsqueeze(0)
    hidden = model(ids, torch.ones_like(ids)).last_hidden_state
    found = (total, hidden[0, 0, 0].item(), hidden.abs().sum().item())
    assert found == pytest.approx(RECORDED, rel=1e-4)
    assert sorted(name for name, _ in model.named_parameters())[:3] == [
        "blocks.0.attention.output.bias",
        "blocks.0.attention.output.weight",
        "blocks.0.attention.query_key_value.bias",
    ]


RECORDED = (6440.160018723973, 0.9714712500572205, 646.9902954101562)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"attention": "sofmax"}, ConfigError, r"no attention 'sofmax' \(did you mean softmax\?\)"),
        ({"norm": "layers"}, ConfigError, r"no norm 'layers' \(did you mean layer\?\)"),
        ({"initialization": "truncated"}, ConfigError, "did you mean truncated_normal"),
        ({"norm_placement": "behind"}, ConfigError, "no norm placement 'behind'"),
        ({"attention": "gau", "normalizer": "relu"}, ConfigError, "did you mean relu_squared"),
        ({"num_attention_heads": 3}, ShapeError, "16 must divide into 3 heads of an even width"),
        ({"num_attention_heads": 16}, ShapeError, "16 must divide into 16 heads of an even width"),
        ({"attention": "gau", "key_size": 5}, ShapeError, "key_size 5 is odd"),
        ({"attention": "linear", "key_size": 5}, ShapeError, "key_size 5 is odd"),
    ],
)
def test_impossible_shapes_are_refused(small_encoder: Build, wrong: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        small_encoder(**wrong)
