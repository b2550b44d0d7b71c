"""`globalner train` with `model.init_from`, as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from globalner import Document, Entity, write_documents
from globalner.cli import main
from globalner.config import load_recipe, resolve_recipe_data
from globalner.model import load_model
from globalner.workflows import RunOptions, train_recipe


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start(trained_model: Path, tiny_recipe: Path) -> Path:
    """A trained model beside the recipe that describes it."""
    return Path(shutil.copytree(trained_model, tiny_recipe.parent / "old" / "deep" / "model"))


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_a_relative_folder_is_found_and_new_labels_are_learnt(
    start: Path, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_documents([Document("Ana ran.", (Entity(0, 3, "PER"), Entity(4, 7, "ACT")))] * 4, "new.jsonl")
    words = ("train", tiny_recipe, "data.train=new.jsonl", "data.dev=new.jsonl", "training.epochs=1")
    assert run(*words, "model.init_from=old/deep/model", "--output-dir", "run") == 0
    said = capsys.readouterr().err
    assert "new labels: ACT" in said
    assert "no training document has: LOC, ORG" in said
    assert load_model("run/model")[0].config.labels == ["LOC", "ORG", "PER", "ACT"]
    assert f"init_from: {start}" in Path("run/config.yaml").read_text("utf-8")
    card = Path("run/model/README.md").read_text("utf-8")
    assert "init_from: old/deep/model" in card
    assert str(start) not in card


@pytest.mark.usefixtures("start")
def test_a_model_that_knows_the_data_starts_where_it_ended(tiny_recipe: Path) -> None:
    small = ("training.encoder_learning_rate=1e-9", "training.head_learning_rate=1e-9", "training.epochs=1")
    assert run("train", tiny_recipe, *small, "model.init_from=old/deep/model", "--output-dir", "run", "--quiet") == 0
    assert json.loads(Path("run/metrics.json").read_text())["micro"]["f1"] > 0.95


class CutOffError(Exception):
    pass


@pytest.mark.usefixtures("start")
def test_a_run_that_goes_on_from_a_model_is_resumed(tiny_recipe: Path) -> None:
    words = ("train", tiny_recipe, "training.epochs=2", "model.init_from=old/deep/model", "--quiet", "--output-dir")
    assert run(*words, "whole") == 0

    def cut_off(line: str) -> None:
        if line.startswith("epoch 2/"):
            raise CutOffError

    recipe = resolve_recipe_data(load_recipe(tiny_recipe, words[2:4]))
    with pytest.raises(CutOffError):
        train_recipe(recipe, RunOptions(output_dir=Path("broken"), device="cpu", say=cut_off))
    assert not Path("broken/metrics.json").exists()
    assert run(*words, "broken", "--resume") == 0
    one, other = (load_file(f"{name}/model/model.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert run(*words, "broken", "--resume") == 0
    assert run("train", tiny_recipe, "training.epochs=2", "--quiet", "--output-dir", "broken", "--resume") == 2


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        (("model.init_from=nowhere/at/all",), ["model.init_from: no model at 'nowhere/at/all'", "tried: "]),
        (("model.init_from=''",), ["model.init_from must have at least 1 character"]),
        (("model.init_from=owner/name",), ["model.init_from: owner/name: no model could be loaded"]),
        (("model.init_from=old/deep",), ["is the folder of a run; its model is in"]),
        (("model.init_from=own.jsonl",), ["is a file; a model is a folder"]),
        (("model.init_from=bert",), ["holds a 'bert' model, not one of globalner"]),
        (("model.init_from=cut",), ["model.init_from: ", "damaged or cut off"]),
        (("model.init_from=bare",), ["model.init_from: ", "the tokenizer is missing or damaged"]),
        (("model.encoder.hidden_size=64",), ["hidden_size 32", "hidden_size 64", "see hidden_size"]),
        (("model.encoder.num_layers=3",), ["num_layers 1", "num_layers 3"]),
        (("model.encoder.lowercase=true",), ["lowercase false", "lowercase true"]),
        (("model.head.kind=global_pointer",), ["head efficient_global_pointer", "head global_pointer"]),
        (("model.head.head_size=32",), ["head_size 16", "head_size 32"]),
        (("model.head.rotary=false",), ["rotary true", "rotary false"]),
        (("model.encoder.kind=pretrained", "model.encoder.name=./bert"), ["encoder native", "encoder bert"]),
        (("model.encoder.kind=pretrained", "model.encoder.name=./none"), ["no encoder './none'"]),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_message_and_exit_code_2(
    changes: tuple[str, ...],
    messages: list[str],
    start: Path,
    tiny_recipe: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    BertModel(BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
        "bert"
    )
    load_model(start)[1].save_pretrained("bert")
    weights = Path(shutil.copytree(start, "cut")) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    (Path(shutil.copytree(start, "bare")) / "tokenizer.json").unlink()
    given = () if changes[0].startswith("model.init_from") else ("model.init_from=old/deep/model",)
    assert run("train", tiny_recipe, *given, *changes, "--output-dir", "runs/new") == 2
    printed = capsys.readouterr()
    assert printed.err.count("error: ") == 1
    assert "Traceback" not in printed.err
    for message in messages:
        assert message in printed.err
    # Weights are read when training starts; everything else is looked at before a run's folder is touched.
    assert Path("runs").exists() == ("model.init_from=cut" in changes)


def test_a_run_does_not_replace_the_model_that_it_goes_on_from(
    tiny_recipe: Path, trained_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained_model, "run/model")
    words = ("train", tiny_recipe, "model.init_from=run/model", "--output-dir", "run")
    assert run(*words, "--overwrite") == 2
    assert "which this run would replace" in capsys.readouterr().err
    load_model("run/model")
