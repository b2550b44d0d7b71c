"""`globalner config`: what each of its verbs prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from globalner.cli.app import app
from globalner.config import (
    load_pretrain_recipe,
    load_recipe,
    pretrain_recipe_schema,
    recipe_schema,
    shipped_pretrain_recipes,
    shipped_recipes,
)

RUNNER = CliRunner()


def output_of(*words: str) -> str:
    result = RUNNER.invoke(app, ["config", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def recipe_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GLOBALNER_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "own.yaml"
    path.write_text("name: own\ndata: {train: a, dev: b}\nmodel: {encoder: {kind: native}}\n", "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    for name in "ab":
        (data / name).touch()
    return path


def test_list_names_every_shipped_recipe() -> None:
    lines = output_of("list").splitlines()
    shipped = shipped_recipes() | shipped_pretrain_recipes()
    assert [line.split()[0] for line in lines] == list(shipped)
    listed = json.loads(output_of("list", "--json"))
    assert [(entry["name"], entry["path"]) for entry in listed] == [(n, str(p)) for n, p in shipped.items()]
    assert {entry["name"] for entry in listed if entry["verb"] == "pretrain"} == set(shipped_pretrain_recipes())


def test_show_prints_the_file_or_every_value() -> None:
    assert output_of("show", "wnut17") == shipped_recipes()["wnut17"].read_text("utf-8")
    assert json.loads(output_of("show", "wnut17", "--json")) == load_recipe("wnut17").recipe.model_dump()
    shown = json.loads(output_of("show", "pretrain_zh", "--json"))
    assert shown == load_pretrain_recipe("pretrain_zh").recipe.model_dump()


def test_copy_says_what_it_wrote(recipe_file: Path) -> None:
    result = RUNNER.invoke(app, ["config", "copy", "wnut17", "mine.yaml"], catch_exceptions=False)
    assert (result.stdout, result.stderr) == ("", "wrote mine.yaml\n")
    assert load_recipe(recipe_file.parent / "mine.yaml").recipe == load_recipe("wnut17").recipe
    again = RUNNER.invoke(app, ["config", "copy", "wnut17", "mine.yaml", "--overwrite", "--quiet"])
    assert (again.exit_code, again.output) == (0, "")


def test_check_finds_the_data(recipe_file: Path) -> None:
    data = recipe_file.parent / "data"
    printed = output_of("check", "own.yaml", "--data-dir", str(data))
    assert printed.splitlines() == ["own.yaml: the recipe is valid", f"  train  {data / 'a'}", f"  dev    {data / 'b'}"]


def test_check_finds_the_texts_of_a_recipe_for_pretraining(recipe_file: Path) -> None:
    data = recipe_file.parent / "data"
    changes = ["data.train=[a,'b[1:2]']", "data.heldout=b[0:1]"]
    printed = output_of("check", "pretrain_zh", *changes, "--data-dir", str(data))
    assert printed.splitlines()[1:] == [
        f"  train    {data / 'a'}",
        f"  train    {data / 'b'}[1:2]",
        f"  heldout  {data / 'b'}[0:1]",
    ]


def test_check_takes_the_data_folder_from_the_environment(recipe_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALNER_DATA", str(recipe_file.parent / "data"))
    checked = json.loads(output_of("check", "own.yaml", "training.epochs=7", "--json"))
    assert checked["valid"] is True
    assert checked["recipe"]["training"]["epochs"] == 7
    assert checked["recipe"]["data"]["train"] == str(recipe_file.parent / "data" / "a")


def test_schema_is_the_schema() -> None:
    assert json.loads(output_of("schema")) == recipe_schema()
    assert json.loads(output_of("schema", "--pretrain")) == pretrain_recipe_schema()
