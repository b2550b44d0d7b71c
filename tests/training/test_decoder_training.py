"""A tiny Llama with a byte-level tokenizer without special tokens, from recipe to entities."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from globalner import EntityExtractor, write_documents
from globalner.cli import main
from globalner.config import Recipe, load_recipe, resolve_recipe_data
from globalner.data import read_documents
from globalner.encoders import load_pretrained
from globalner.training.callbacks import ResumeCheckpoint
from globalner.workflows import RunOptions, TrainedRun, train_recipe
from globalner.workflows.evaluate import evaluate_extractor

RECIPE = """
name: decoder
data: {{train: own.jsonl, dev: own.jsonl, window_tokens: 32, overlap_tokens: 16}}
model:
  encoder: {{kind: pretrained, name: {folder}}}
  head: {{head_size: 16}}
training: {{epochs: 1, batch_size: 4, tune_threshold: false, encoder_learning_rate: 5.0e-3, head_learning_rate: 1.0e-2}}
"""
LORA = ("model.encoder.lora.rank=4", "model.encoder.lora.dropout=0.1")


@pytest.fixture
def path(tmp_path: Path, decoder_folder: Path, documents: list) -> Path:
    write_documents(documents, tmp_path / "own.jsonl")
    path = tmp_path / "decoder.yaml"
    path.write_text(RECIPE.format(folder=decoder_folder), "utf-8")
    return path


def recipe_of(path: Path, *changes: str) -> Recipe:
    return resolve_recipe_data(load_recipe(path, changes))


def run(recipe: Recipe, folder: Path, **options: object) -> TrainedRun:
    return train_recipe(recipe, RunOptions(output_dir=folder, device="cpu", **options))


def changed(model: Path, decoder_folder: Path) -> set[str]:
    """Names of the encoder's weights that training has changed; there are no others than before."""
    before: dict[str, Tensor] = load_pretrained(str(decoder_folder)).encoder.state_dict()
    saved = load_file(model / "model.safetensors")
    after = {name.removeprefix("encoder."): weight for name, weight in saved.items() if name.startswith("encoder.")}
    assert after.keys() == before.keys()
    return {name for name in after if not torch.equal(after[name], before[name])}


def test_a_decoder_that_sees_both_ways_learns_names_at_brackets_and_in_chinese(path: Path, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = recipe_of(path, "model.encoder.attention=bidirectional", "training.epochs=30")
    trained = run(recipe, tmp_path / "run", say=said.append)
    assert trained.result is not None
    assert trained.result.micro.f1 > 0.9
    assert not any("left out" in line for line in said)
    document = EntityExtractor.from_pretrained(trained.model, device="cpu")("北京大学的王芳去了北京。")
    assert (0, 4, "ORG") in {entity.key for entity in document.entities}


def test_lora_leaves_a_model_without_it(path: Path, tmp_path: Path, decoder_folder: Path) -> None:
    said: list[str] = []
    recipe = recipe_of(path, *LORA, "model.encoder.attention=half")
    trained = run(recipe, tmp_path / "run", say=said.append)
    names = changed(trained.model, decoder_folder)
    matrices = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert names == {
        f"layers.{layer}.{'self_attn' if place < 4 else 'mlp'}.{matrix}.weight"
        for layer in range(2)
        for place, matrix in enumerate(matrices)
    }
    (note,) = [line for line in said if line.endswith("weights of the encoder are trained")]
    added = 2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 64))
    assert note.startswith(f"{added:,} of ")
    extractor = EntityExtractor.from_pretrained(trained.model, device="cpu")
    assert trained.result is not None
    assert (
        evaluate_extractor(extractor, list(read_documents(recipe.data.dev)), split="dev").micro == trained.result.micro
    )


@pytest.mark.parametrize(("layers", "first"), [(0, None), (1, "layers.1."), (2, "layers.")])
def test_frozen_layers_stay_as_they_were(
    layers: int, first: str | None, path: Path, tmp_path: Path, decoder_folder: Path
) -> None:
    recipe = recipe_of(path, f"model.encoder.trainable_layers={layers}", "model.encoder.attention=causal")
    names = changed(run(recipe, tmp_path / "run").model, decoder_folder)
    if first is None:
        assert names == set()
    else:
        assert names
        assert all(name.startswith((first, "norm.")) for name in names)
        assert "norm.weight" in names


class CutOffError(Exception):
    pass


@pytest.mark.parametrize("changes", [LORA, ("model.encoder.trainable_layers=1",)], ids=["lora", "layers"])
def test_a_resumed_run_ends_like_an_unbroken_one(
    changes: tuple[str, ...], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(path, *changes, "model.encoder.attention=half_layers", "training.epochs=2")
    whole = run(recipe, tmp_path / "whole")

    with monkeypatch.context() as patch:
        save = ResumeCheckpoint.on_train_epoch_end

        def save_then_cut(self: ResumeCheckpoint, trainer: object, module: object) -> None:
            save(self, trainer, module)  # type: ignore[arg-type]
            raise CutOffError

        patch.setattr(ResumeCheckpoint, "on_train_epoch_end", save_then_cut)
        with pytest.raises(CutOffError):
            run(recipe, tmp_path / "broken")
    resumed = run(recipe, tmp_path / "broken", resume=True)
    one, other = (load_file(trained.model / "model.safetensors") for trained in (whole, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert resumed.result is not None
    assert whole.result is not None
    assert resumed.result.to_dict() == whole.result.to_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("model.encoder.attention=bidirectonal",), "did you mean bidirectional?"),
        (("model.encoder.attention=causal", "model.encoder.name={bert}"), "is for decoder-only encoders"),
        (("model.encoder.trainable_layers=9",), "9 layers shall be trained, but this llama has 2"),
        (("model.encoder.lora.targets=[qproj]",), "nearest: q_proj"),
        (("model.encoder.attention_implementation=spda",), "(did you mean sdpa?)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_one_message_and_exit_code_2(
    changes: tuple[str, ...],
    message: str,
    path: Path,
    bert_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [change.format(bert=bert_folder) for change in changes]
    assert main(["train", str(path), *words, "--output-dir", str(path.parent / "run"), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert "Traceback" not in said


def test_without_peft_the_run_folder_stays_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("globalner.encoders.adapters.find_spec", lambda _: None)
    assert main(["train", str(path), *LORA, "--output-dir", str(path.parent / "run"), "--quiet"]) == 2
    assert 'pip install "globalner[lora]"' in capsys.readouterr().err
    assert not (path.parent / "run").exists()
