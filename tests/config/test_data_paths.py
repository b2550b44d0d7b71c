"""Where the data of a recipe are looked for, and recipes that are copied elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.config import (
    LoadedRecipe,
    copy_recipe,
    load_recipe,
    resolve_data_path,
    resolve_recipe_data,
    resource_folder,
    resources,
    shipped_recipes,
)
from globalner.errors import ConfigError, OutputError

RECIPE = """\
name: own
data:
  train: 'sets/train.jsonl'  # beside the recipe
  dev: elsewhere/dev.jsonl
  format: native
model: {encoder: {kind: native}}
"""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    made = {name: tmp_path / name for name in ("recipes", "working", "data")}
    for folder in made.values():
        folder.mkdir()
    monkeypatch.chdir(made["working"])
    return made


@pytest.fixture
def own_recipe(folders: dict[str, Path]) -> LoadedRecipe:
    (folders["recipes"] / "sets").mkdir()
    (folders["recipes"] / "sets" / "train.jsonl").touch()
    (folders["recipes"] / "own.yaml").write_text(RECIPE, "utf-8")
    return load_recipe(folders["recipes"] / "own.yaml")


def test_places_are_tried_in_order(folders: dict[str, Path]) -> None:
    for name in ("data", "working", "recipes"):
        (folders[name] / "a.jsonl").touch()
        found = resolve_data_path("a.jsonl", recipe_folder=folders["recipes"], data_dir=folders["data"])
        assert found == str(folders[name] / "a.jsonl")


def test_absolute_paths_and_the_home_folder(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folders["data"]))
    target = folders["data"] / "a.jsonl"
    target.touch()
    assert resolve_data_path(str(target), recipe_folder=folders["recipes"]) == str(target)
    assert resolve_data_path("~/a.jsonl", recipe_folder=folders["recipes"]) == str(target)


def test_a_missing_file_lists_the_places(folders: dict[str, Path]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_data_path("a.jsonl", recipe_folder=folders["recipes"], data_dir=folders["data"])
    tried = ", ".join(str(folders[name] / "a.jsonl") for name in ("recipes", "working", "data"))
    assert str(caught.value) == f"nothing found at 'a.jsonl'; tried: {tried}"
    with pytest.raises(ConfigError, match="--data-dir"):
        resolve_data_path("a.jsonl", recipe_folder=folders["recipes"])


def test_all_missing_files_are_told_at_once(own_recipe: LoadedRecipe, folders: dict[str, Path]) -> None:
    (folders["recipes"] / "sets" / "train.jsonl").unlink()
    with pytest.raises(ConfigError) as caught:
        resolve_recipe_data(own_recipe)
    train, dev = str(caught.value).splitlines()
    assert train.startswith(f"{own_recipe.source}: data.train: nothing found at 'sets/train.jsonl'")
    assert dev.startswith(f"{own_recipe.source}: data.dev: nothing found at 'elsewhere/dev.jsonl'")


def test_a_resolved_recipe_has_absolute_paths(own_recipe: LoadedRecipe, folders: dict[str, Path]) -> None:
    (folders["data"] / "elsewhere").mkdir()
    (folders["data"] / "elsewhere" / "dev.jsonl").touch()
    resolved = resolve_recipe_data(own_recipe, data_dir=folders["data"])
    assert resolved.data.train == str(folders["recipes"] / "sets" / "train.jsonl")
    assert resolved.data.dev == str(folders["data"] / "elsewhere" / "dev.jsonl")
    assert resolved.data.test is None
    assert resolved.model == own_recipe.recipe.model
    assert own_recipe.recipe.data.train == "sets/train.jsonl"


def test_the_demo_set_is_found_wherever_the_program_is_run(folders: dict[str, Path]) -> None:
    data = resolve_recipe_data(load_recipe("demo")).data
    assert Path(data.train) == resource_folder("datasets/demo") / "train.jsonl"
    assert data.test is not None
    copied = copy_recipe("demo", folders["working"] / "deep" / "mine.yaml")
    assert resolve_recipe_data(load_recipe(copied)).data == data


def test_a_copy_keeps_comments_and_changes_only_paths_that_need_it(
    own_recipe: LoadedRecipe, folders: dict[str, Path]
) -> None:
    written = copy_recipe(own_recipe.path)
    assert written == folders["working"] / "own.yaml"
    train = folders["recipes"] / "sets" / "train.jsonl"
    assert written.read_text("utf-8") == RECIPE.replace("'sets/train.jsonl'", f'"{train}"')


def test_a_copy_replaces_nothing_unasked(folders: dict[str, Path]) -> None:
    target = copy_recipe("wnut17", folders["working"])
    target.write_text("mine", "utf-8")
    with pytest.raises(OutputError, match=r"wnut17\.yaml exists already"):
        copy_recipe("wnut17")
    assert target.read_text("utf-8") == "mine"
    assert copy_recipe("wnut17", target, overwrite=True).read_text("utf-8") == shipped_recipes()["wnut17"].read_text(
        "utf-8"
    )


def test_a_copy_that_cannot_be_written(folders: dict[str, Path]) -> None:
    (folders["working"] / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        copy_recipe("wnut17", folders["working"] / "file" / "x.yaml")


def test_resources_of_a_wheel_go_before_a_source_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "globalner"
    carried, beside = package / "_resources" / "configs", package.parent / "configs"
    beside.mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", package)
    with pytest.raises(ConfigError, match="lacks its folder 'configs'"):
        resource_folder("configs")
    (package.parent / "pyproject.toml").touch()
    assert resource_folder("configs") == beside
    carried.mkdir(parents=True)
    assert resource_folder("configs") == carried


MODEL_RECIPE = RECIPE.replace("{encoder: {kind: native}}", "\n  encoder: {kind: native}\n  init_from: models/old")


def test_a_model_to_go_on_from_is_tried_like_data_and_may_be_a_name(own_recipe: LoadedRecipe) -> None:
    def resolved(value: str) -> str | None:
        recipe = load_recipe(own_recipe.path, [f"model.init_from={value}", "data.dev=sets/train.jsonl"])
        return resolve_recipe_data(recipe).model.init_from

    (own_recipe.folder / "owner" / "name").mkdir(parents=True)
    assert resolved("owner/name") == str(own_recipe.folder / "owner" / "name")
    assert resolved("owner/other") == "owner/other"
    assert resolved("null") is None
    for wrong in ("./other", "other", "a/b/c", "/nowhere/model", "~/nowhere"):
        with pytest.raises(ConfigError, match=r"model\.init_from: no model at .* tried: /"):
            resolved(wrong)


def test_a_copied_recipe_still_finds_the_model_beside_the_original(folders: dict[str, Path]) -> None:
    (folders["recipes"] / "models" / "old").mkdir(parents=True)
    (folders["recipes"] / "own.yaml").write_text(MODEL_RECIPE, "utf-8")
    copied = copy_recipe(folders["recipes"] / "own.yaml", folders["working"])
    assert load_recipe(copied).recipe.model.init_from == str(folders["recipes"] / "models" / "old")


def test_names_on_a_hub_stay_as_they_are(tmp_path: Path) -> None:
    for name in ("hub:owner/people:train", "hub:people:test[0:10]"):
        assert resolve_data_path(name, recipe_folder=tmp_path) == name
