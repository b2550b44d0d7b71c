"""Public layouts of checkpoints, on random weights laid out that way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import silu
from transformers import RoFormerConfig, RoFormerForMaskedLM, RoFormerModel

from globalner.encoders import convert_gau_alpha, convert_roformer, read_checkpoint
from globalner.errors import CheckpointError

ROFORMER = RoFormerConfig(
    vocab_size=40, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=36, pad_token_id=0
)
GAU: dict[str, Any] = {
    "model_type": "gau_alpha",
    "vocab_size": 40,
    "hidden_size": 24,
    "embedding_size": 24,
    "intermediate_size": 48,
    "attention_key_size": 8,
    "num_hidden_layers": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "swish",
    "hidden_dropout_prob": 0.1,
    "attention_scale": True,
    "normalization": "softmax_plus",
    "type_vocab_size": 2,
    "use_bias": False,
    "pad_token_id": 0,
}


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randint(1, 40, (3, 20)), torch.arange(20) < torch.tensor([[20], [7], [1]])


def noisy(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Random values everywhere, in gains and biases too."""
    torch.manual_seed(0)
    return {name: (weight + 0.2 * torch.randn_like(weight)).clone() for name, weight in weights.items()}


def roformer_weights(kind: type = RoFormerModel) -> dict[str, Tensor]:
    model = kind(ROFORMER)
    tables = "embed_positions"
    weights = {name: w for name, w in model.state_dict().items() if tables not in name and "decoder" not in name}
    return noisy(weights)


def gau_weights(biased: bool = False) -> dict[str, Tensor]:
    width, inner, keys = 24, 48, 8
    weights = {
        "gau_alpha.embeddings.word_embeddings.weight": torch.zeros(40, width),
        "gau_alpha.embeddings.token_type_embeddings.weight": torch.zeros(2, width),
    }
    for layer in range(2):
        unit = f"gau_alpha.encoder.layer.{layer}.gau."
        weights[f"{unit}i_dense.weight"] = torch.zeros(2 * inner + keys, width)
        weights[f"{unit}o_dense.weight"] = torch.zeros(width, inner)
        weights |= {f"{unit}{part}_scaleoffset.weight": torch.ones(keys) for part in "qk"}
        if biased:
            weights |= {f"{unit}i_dense.bias": torch.zeros(2 * inner + keys), f"{unit}o_dense.bias": torch.zeros(width)}
            weights |= {f"{unit}{part}_scaleoffset.bias": torch.zeros(keys) for part in "qk"}
    weights = noisy(weights)
    weights["cls.predictions.decoder.weight"] = weights["gau_alpha.embeddings.word_embeddings.weight"].clone()
    return weights


def gau_alpha_reference(weights: dict[str, Tensor], ids: Tensor, normalization: str) -> Tensor:
    """One text without padding, from the formulas: (L,) -> (L, H)."""
    weights = {name: weight.double() for name, weight in weights.items()}
    base, length, keys = "gau_alpha.", len(ids), 8

    def norm(x: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-12).sqrt()

    def turned(x: Tensor) -> Tensor:
        # Pairs (2r, 2r + 1) as complex numbers.
        frequencies = 10000.0 ** (-torch.arange(0, keys, 2, dtype=torch.float64) / keys)
        angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies)
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)

    x = weights[f"{base}embeddings.word_embeddings.weight"][ids]
    x = norm(x + weights[f"{base}embeddings.token_type_embeddings.weight"][0])
    for layer in range(2):
        unit = f"{base}encoder.layer.{layer}.gau."
        bias = weights.get(f"{unit}i_dense.bias", torch.tensor(0.0))
        u, v, z = silu(x @ weights[f"{unit}i_dense.weight"].T + bias).split((48, 48, keys), dim=-1)
        query, key = (
            turned(
                z * weights[f"{unit}{part}_scaleoffset.weight"]
                + weights.get(f"{unit}{part}_scaleoffset.bias", torch.tensor(0.0))
            )
            for part in "qk"
        )
        logits = query @ key.T / keys**0.5
        if normalization == "squared_relu":
            attention = logits.relu().square() / length
        else:
            factor = torch.tensor(length).log() / torch.tensor(512).log() if normalization == "softmax_plus" else 1.0
            attention = (logits * factor).softmax(-1)
        output = (u * (attention @ v)) @ weights[f"{unit}o_dense.weight"].T
        x = norm(x + output + weights.get(f"{unit}o_dense.bias", torch.tensor(0.0)))
    return x


def test_roformer_equals_that_of_transformers() -> None:
    weights = roformer_weights()
    theirs = RoFormerModel(ROFORMER).eval()
    assert not theirs.load_state_dict(weights, strict=False).unexpected_keys
    ours = convert_roformer(ROFORMER.to_dict(), weights)
    ids, mask = batch()
    expected = theirs(ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(ours(ids, mask).last_hidden_state[mask], expected[mask], rtol=1e-5, atol=1e-5)
    assert not ours.training


@pytest.mark.parametrize("normalization", ["softmax_plus", "softmax", "squared_relu"])
@pytest.mark.parametrize("biased", [False, True])
def test_gau_alpha_equals_the_formulas(normalization: str, biased: bool) -> None:
    weights = gau_weights(biased)
    ours = convert_gau_alpha({**GAU, "normalization": normalization, "use_bias": biased}, weights).double()
    ids, mask = batch()
    found = ours(ids, mask).last_hidden_state
    for place, length in enumerate((20, 7, 1)):
        expected = gau_alpha_reference(weights, ids[place, :length], normalization)
        torch.testing.assert_close(found[place, :length], expected, rtol=1e-6, atol=1e-6)


def test_names_may_stand_without_the_prefix_and_with_a_head() -> None:
    ids, mask = batch()
    weights = gau_weights()
    bare = {name.removeprefix("gau_alpha."): w for name, w in weights.items() if not name.startswith("cls.")}
    one, other = (convert_gau_alpha(GAU, given)(ids, mask).last_hidden_state for given in (weights, bare))
    assert torch.equal(one, other)
    with_head = roformer_weights(RoFormerForMaskedLM)
    assert any(name.startswith("cls.") for name in with_head)
    assert convert_roformer(ROFORMER.to_dict(), with_head).config.num_hidden_layers == 2


Break = Callable[[dict, dict], None]
BROKEN: list[tuple[str, Break, str]] = [
    (
        "gau",
        lambda _, w: w.update({"gau_alpha.encoder.layer.1.gau.i_dense.weight": torch.zeros(100, 24)}),
        r"'encoder\.layer\.1\.gau\.i_dense\.weight' of the checkpoint has the shape \(100, 24\).*asks for \(104, 24\)",
    ),
    (
        "gau",
        lambda c, _: c.update(vocab_size=41),
        r"'embeddings\.word_embeddings\.weight' .* shape \(40, 24\).* asks for \(41, 24\)",
    ),
    (
        "gau",
        lambda c, _: c.update(num_hidden_layers=3),
        r"no tensor 'encoder\.layer\.2\.gau\.i_dense\.weight'",
    ),
    (
        "gau",
        lambda c, _: c.update(num_hidden_layers=1),
        r"4 tensors .* no place .*'encoder\.layer\.1\.gau\.i_dense\.weight' \(104, 24\)",
    ),
    ("gau", lambda c, _: c.update(hidden_act="gelu"), "has hidden_act swish or silu; the checkpoint has gelu"),
    ("gau", lambda c, _: c.update(normalization="other"), "has normalization softmax_plus or softmax or squared_relu"),
    ("gau", lambda c, _: c.update(embedding_size=12), "has embedding_size 24 or None; the checkpoint has 12"),
    ("gau", lambda c, _: c.pop("attention_key_size"), "no number attention_key_size; got None"),
    (
        "roformer",
        lambda _, w: w.update({"encoder.layer.0.attention.self.key.bias": torch.zeros(23)}),
        r"'encoder\.layer\.0\.attention\.self\.key\.bias' .* \(23,\), .* asks for \(24,\)",
    ),
    ("roformer", lambda c, _: c.update(rotary_value=True), "rotary_value False; the checkpoint has True"),
    ("roformer", lambda c, _: c.update(hidden_act="relu"), "hidden_act gelu; the checkpoint has relu"),
]


@pytest.mark.parametrize(("kind", "change", "message"), BROKEN)
def test_what_does_not_fit_is_refused(kind: str, change: Break, message: str) -> None:
    convert, config, weights = {
        "gau": (convert_gau_alpha, dict(GAU), gau_weights()),
        "roformer": (convert_roformer, ROFORMER.to_dict(), roformer_weights()),
    }[kind]
    change(config, weights)
    with pytest.raises(CheckpointError, match=message):
        convert(config, weights)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder_is_read(name: str, tmp_path: Path) -> None:
    weights = gau_weights()
    (tmp_path / "config.json").write_text(json.dumps(GAU))
    save_file(weights, tmp_path / name) if name.endswith("s") else torch.save(weights, tmp_path / name)
    config, read = read_checkpoint(tmp_path)
    assert config == GAU
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[key], weights[key]) for key in weights)


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is no checkpoint, it needs config\.json"):
        read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        read_checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no weights either")
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path)
