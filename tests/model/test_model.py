from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import BertConfig

from globalner import EntityExtractor
from globalner.encoders import NativeEncoderConfig, build_character_tokenizer, encoder_from_config
from globalner.errors import CheckpointError, ConfigError
from globalner.model import GlobalPointerConfig, GlobalPointerModel, load_model, save_model

SMALL_BERT = BertConfig(
    vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
).to_dict()
NATIVE = NativeEncoderConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2).to_dict()


def config(encoder: dict = NATIVE, head: str = "efficient_global_pointer", **rest: object) -> GlobalPointerConfig:
    return GlobalPointerConfig(encoder=encoder, labels=["LOC", "PER"], head_kind=head, head_size=8, **rest)


FRESH_PROCESS = """
import sys, torch
from globalner.model import load_model
model, _ = load_model(sys.argv[1])
ids = torch.arange(5, 17).reshape(2, 6)
with torch.no_grad():
    torch.save(model(ids, torch.ones_like(ids)).dense(), sys.argv[2])
"""


@pytest.mark.parametrize("head", ["efficient_global_pointer", "global_pointer"])
@pytest.mark.parametrize("encoder", [NATIVE, SMALL_BERT], ids=["native", "bert"])
def test_saved_and_loaded_in_a_fresh_process_gives_the_same_bits(encoder: dict, head: str, tmp_path: Path) -> None:
    model = GlobalPointerModel(config(encoder, head)).eval()
    save_model(model, build_character_tokenizer(["abc"]), tmp_path / "model")
    arguments = [sys.executable, "-c", FRESH_PROCESS, str(tmp_path / "model"), str(tmp_path / "scores.pt")]
    subprocess.run(arguments, check=True, capture_output=True)
    ids = torch.arange(5, 17).reshape(2, 6)
    with torch.no_grad():
        here = model(ids, torch.ones_like(ids)).dense()
    assert torch.equal(torch.load(tmp_path / "scores.pt"), here)


def test_everything_in_the_configuration_comes_back(tmp_path: Path) -> None:
    reading = {"boundary": "token", "alignment": "split", "window_tokens": 77, "overlap_tokens": 7}
    given = config(**reading, max_span_tokens=9, thresholds={"PER": 0.7})
    save_model(GlobalPointerModel(given), build_character_tokenizer(["abc"]), tmp_path / "model")
    back = load_model(tmp_path / "model")[0].config
    for name in (*reading, "max_span_tokens", "thresholds", "labels", "head_size"):
        assert getattr(back, name) == getattr(given, name)
    assert back.label_set.names == ("LOC", "PER")


@pytest.mark.parametrize("mode", ["nested", "flat"])
def test_the_mode_comes_back_and_is_nested_where_a_folder_has_none(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_model(GlobalPointerModel(config(mode=mode)), build_character_tokenizer(["abc"]), folder)
    assert load_model(folder)[0].config.mode == mode
    description = json.loads((folder / "config.json").read_text("utf-8"))
    assert description.pop("mode") == mode
    (folder / "config.json").write_text(json.dumps(description), "utf-8")
    assert load_model(folder)[0].config.mode == "nested"
    assert EntityExtractor.from_pretrained(folder, device="cpu").mode == "nested"


def test_saving_leaves_safetensors_that_others_may_read(tmp_path: Path) -> None:
    save_model(GlobalPointerModel(config()), build_character_tokenizer(["abc"]), tmp_path / "model")
    names = {file.name for file in (tmp_path / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert not any(name.endswith((".bin", ".pt")) for name in names)
    modes = {file.stat().st_mode for file in (tmp_path / "model").iterdir()}
    assert len(modes) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


def test_saving_replaces_an_older_model(tmp_path: Path) -> None:
    tokenizer = build_character_tokenizer(["abc"])
    save_model(GlobalPointerModel(config()), tokenizer, tmp_path / "model")
    (tmp_path / "model" / "stale.txt").touch()
    newer = GlobalPointerModel(config(window_tokens=99))
    save_model(newer, tokenizer, tmp_path / "model")
    assert load_model(tmp_path / "model")[0].config.window_tokens == 99
    assert not (tmp_path / "model" / "stale.txt").exists()


def test_a_pretrained_encoder_keeps_its_weights() -> None:
    encoder = encoder_from_config(SMALL_BERT)
    model = GlobalPointerModel.with_encoder(config(SMALL_BERT), encoder)
    assert model.encoder is encoder
    with pytest.raises(CheckpointError, match="differs"):
        GlobalPointerModel.with_encoder(config(SMALL_BERT), encoder_from_config(NATIVE))


def test_masks_close_padding_and_what_they_are_told() -> None:
    model = GlobalPointerModel(config()).eval()
    ids = torch.arange(5, 11).reshape(1, 6)
    real = torch.tensor([[1, 1, 1, 1, 0, 0]])
    starts = torch.tensor([[False, True, True, False, True, True]])
    scores = model(ids, real, start_mask=starts)
    assert scores.start_mask.tolist() == [[False, True, True, False, False, False]]
    assert scores.end_mask.tolist() == [[True, True, True, True, False, False]]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"head": "triangle"}, "unknown head 'triangle'"), ({"encoder": {}}, "needs `encoder`")],
)
def test_impossible_configurations_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GlobalPointerModel(config(**change))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(GlobalPointerModel(config()), build_character_tokenizer(["abc"]), tmp_path / "model")
    return tmp_path / "model"


def test_a_model_folder_without_weights_is_refused(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        load_model(saved)


def test_truncated_weights_are_refused(saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged or cut off"):
        load_model(saved)


def test_a_damaged_configuration_is_refused(saved: Path) -> None:
    (saved / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(saved)


def test_weights_of_another_shape_are_refused(saved: Path) -> None:
    description = json.loads((saved / "config.json").read_text())
    description["head_size"] = 16
    (saved / "config.json").write_text(json.dumps(description))
    with pytest.raises(CheckpointError, match=r"head\.projection|size mismatch|no model could be loaded"):
        load_model(saved)


def test_a_missing_tokenizer_is_refused(saved: Path) -> None:
    (saved / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="tokenizer"):
        load_model(saved)


def test_what_is_no_model_folder_is_refused(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        load_model(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        load_model(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="is a file"):
        load_model(saved / "config.json")
    with pytest.raises(CheckpointError, match="folder of a run"):
        load_model(tmp_path)
    encoder_from_config(SMALL_BERT).save_pretrained(tmp_path / "bert")
    with pytest.raises(CheckpointError, match="'bert' model, not one of globalner"):
        load_model(tmp_path / "bert")


def test_dropout_before_the_head_acts_in_training_only() -> None:
    encoder = {**NATIVE, "dropout": 0.0}
    model = GlobalPointerModel(config(encoder, dropout=0.5))
    ids = torch.arange(5, 11).reshape(1, 6)
    mask = torch.ones_like(ids)
    assert not torch.equal(model.train()(ids, mask).square(), model(ids, mask).square())
    assert torch.equal(model.eval()(ids, mask).square(), model(ids, mask).square())
