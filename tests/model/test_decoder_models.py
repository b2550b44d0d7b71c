"""Models on decoders: what they see and what they learnt is theirs after saving, in a fresh process, and going on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig

from globalner import EntityExtractor, LabelSet
from globalner.config import DataConfig, ModelConfig
from globalner.encoders import build_character_tokenizer
from globalner.encoders.decoder_attention import DECODER_FAMILIES
from globalner.errors import ConfigError, MissingExtraError
from globalner.model import (
    BuiltModel,
    GlobalPointerConfig,
    GlobalPointerModel,
    build_model,
    check_encoder,
    load_model,
    save_model,
)

MODES = ("causal", "bidirectional", "half_heads", "half_layers")
DATA = DataConfig(train="a", dev="b", window_tokens=64, overlap_tokens=8)
LORA = {"rank": 2, "alpha": 4.0}
IDS = torch.arange(5, 17).reshape(2, 6)
SHAPE: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def recipe(folder: Path, **encoder: object) -> ModelConfig:
    sections = {"encoder": {"kind": "pretrained", "name": str(folder), **encoder}, "head": {"head_size": 8}}
    return ModelConfig.model_validate(sections)


def build(model: ModelConfig, *labels: str) -> BuiltModel:
    torch.manual_seed(0)
    return build_model(model, DATA, LabelSet(labels or ("LOC", "PER")), [])


def scores(model: GlobalPointerModel, ids: Tensor = IDS) -> Tensor:
    with torch.no_grad():
        return model.eval()(ids, torch.ones_like(ids)).dense()


def looks_ahead(model: GlobalPointerModel) -> bool:
    """Whether the last token changes the vector of the first one."""
    with torch.no_grad():
        first = [model.eval().encode(ids, torch.ones_like(ids))[0, 0] for ids in (IDS[:1], IDS[:1].clamp(max=9))]
    return not torch.allclose(*first, rtol=0, atol=1e-6)


def fill_adapters(model: nn.Module) -> None:
    """Stands for training: the second factor of LoRA starts at zero."""
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.3)


FRESH_PROCESS = """
import sys, torch
sys.modules["peft"] = None
from globalner.model import load_model
ids = torch.arange(5, 17).reshape(2, 6)
for folder in sys.argv[1:]:
    model, _ = load_model(folder)
    with torch.no_grad():
        torch.save(model(ids, torch.ones_like(ids)).dense(), folder + "/scores.pt")
"""


def test_every_family_and_mode_comes_back_in_a_fresh_process(decoder_folder: Path, tmp_path: Path) -> None:
    here: dict[str, tuple[GlobalPointerModel, float]] = {}
    for number, family in enumerate(DECODER_FAMILIES):
        sizes = (
            SHAPE if family == "gpt2" else {**SHAPE, "intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8}
        )
        encoder = AutoConfig.for_model(family, **sizes).to_dict()
        mode = MODES[number % len(MODES)]
        config = GlobalPointerConfig(encoder=encoder, attention=mode, labels=["LOC", "PER"], head_size=8)
        here[family] = (GlobalPointerModel(config), 0.0)
    built = build(recipe(decoder_folder, attention="half_layers", lora=LORA))
    fill_adapters(built.model)
    here["lora"] = (built.model, 1e-5)
    for name, (model, _) in here.items():
        save_model(model, build_character_tokenizer(["abc"]), tmp_path / name)
    folders = [str(tmp_path / name) for name in here]
    subprocess.run([sys.executable, "-c", FRESH_PROCESS, *folders], check=True, capture_output=True)
    for name, (model, tolerance) in here.items():
        back = torch.load(tmp_path / name / "scores.pt")
        assert float((back - scores(model)).abs().max()) <= tolerance, name
        loaded = load_model(tmp_path / name)[0]
        assert loaded.config.attention == model.config.attention
        assert looks_ahead(loaded) == (model.config.attention != "causal"), name


def test_the_recipe_decides_and_half_has_one_name(decoder_folder: Path, tmp_path: Path) -> None:
    ahead = {mode: build(recipe(decoder_folder, attention=mode)).model for mode in (None, *MODES, "half")}
    assert [looks_ahead(model) for model in ahead.values()] == [False, False, True, True, True, True]
    assert ahead["half"].config.attention == "half_heads"
    assert ahead[None].config.attention is None
    assert torch.equal(scores(ahead["half"]), scores(ahead["half_heads"]))
    save_model(ahead["half"], build_character_tokenizer(["abc"]), tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert r"| attention of the encoder | half\_heads |" in card
    description = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    (tmp_path / "model" / "config.json").write_text(json.dumps(description | {"attention": "sideways"}), "utf-8")
    with pytest.raises(ConfigError, match="unknown attention 'sideways'"):
        load_model(tmp_path / "model")


def test_left_and_right_padding_give_the_same_scores(decoder_folder: Path) -> None:
    for mode in (None, *MODES):
        model = build(recipe(decoder_folder, attention=mode)).model.eval()
        alone = scores(model, IDS[:1])
        for left, right in ((0, 3), (3, 0)):
            ids = nn.functional.pad(IDS[:1], (left, right))
            mask = nn.functional.pad(torch.ones_like(IDS[:1]), (left, right))
            with torch.no_grad():
                padded = model(ids, mask).dense()
            inside = padded[:, :, left : left + 6, left : left + 6]
            torch.testing.assert_close(inside, alone, rtol=0, atol=1e-5)


def test_additions_are_part_of_the_weights_that_are_saved(decoder_folder: Path, tmp_path: Path) -> None:
    built = build(recipe(decoder_folder, attention="bidirectional", lora=LORA))
    assert any("weights of the encoder are trained" in note for note in built.notes)
    before = scores(built.model)
    fill_adapters(built.model)
    after = scores(built.model)
    save_model(built.model, built.tokenizer, tmp_path / "model")
    back, tokenizer = load_model(tmp_path / "model")
    torch.testing.assert_close(scores(back), after, rtol=0, atol=1e-5)
    assert not torch.allclose(before, after, rtol=0, atol=1e-2)
    assert {name for name, _ in back.named_parameters()} == {
        name for name, _ in build(recipe(decoder_folder)).model.named_parameters()
    }
    assert all(weight.requires_grad for weight in back.parameters())
    assert tokenizer.backend_tokenizer.to_str() == built.tokenizer.backend_tokenizer.to_str()
    assert EntityExtractor.from_pretrained(tmp_path / "model", device="cpu")("Ana left.").text == "Ana left."


def test_going_on_keeps_attention_and_weights_and_may_train_less(decoder_folder: Path, tmp_path: Path) -> None:
    built = build(recipe(decoder_folder, attention="half_layers"))
    save_model(built.model, built.tokenizer, tmp_path / "model")
    start = {"init_from": str(tmp_path / "model")}
    section = recipe(decoder_folder, attention="half_layers", lora=LORA, trainable_layers=1).model_dump()
    again = build(ModelConfig.model_validate(section | start))
    assert torch.equal(scores(again.model), scores(built.model))
    trained = [name for name, weight in again.model.encoder.named_parameters() if weight.requires_grad]
    assert trained
    assert all(name.startswith("layers.1.") and ".lora_" in name for name in trained)
    section = recipe(decoder_folder, attention="bidirectional").model_dump()
    with pytest.raises(ConfigError, match=r"see attention: it has .*attention half_layers.*attention bidirectional"):
        build(ModelConfig.model_validate(section | start))


def test_what_an_encoder_cannot_have_is_known_before_weights_are_read(
    decoder_folder: Path, bert_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globalner.encoders.adapters.find_spec", lambda _: None)
    monkeypatch.setattr("globalner.encoders.pretrained.AutoModel", None)
    check_encoder(recipe(decoder_folder, attention="half"))
    check_encoder(recipe(bert_folder))
    with pytest.raises(ConfigError, match="causal is for decoder-only encoders"):
        check_encoder(recipe(bert_folder, attention="causal"))
    with pytest.raises(MissingExtraError, match=r"globalner\[lora\]"):
        check_encoder(recipe(bert_folder, lora=LORA))


def test_more_layers_than_there_are_and_unknown_matrices_are_said(decoder_folder: Path) -> None:
    with pytest.raises(ConfigError, match="3 layers shall be trained, but this llama has 2"):
        build(recipe(decoder_folder, trainable_layers=3))
    with pytest.raises(ConfigError, match="no linear matrix 'qproj'; nearest: q_proj"):
        build(recipe(decoder_folder, lora={"targets": ["qproj"]}))
