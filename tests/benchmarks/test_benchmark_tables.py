"""The experiments can be run as they are written down, and the tables say what the rows say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import ablation, experiments, tables
from benchmarks.results_file import append_row, read_rows
from globalner.config import load_recipe

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_every_experiment_is_a_valid_recipe(name: str) -> None:
    experiment = experiments.EXPERIMENTS[name]
    for system in experiment.systems:
        for changes in experiment.settings(system):
            load_recipe(experiment.recipe, changes)


@pytest.mark.parametrize("name", ablation.SETS)
def test_every_candidate_is_a_valid_recipe_of_its_own(name: str) -> None:
    recipe = experiments.EXPERIMENTS[name].recipe
    made = [load_recipe(recipe, ablation.changes_of(candidate, name)).recipe for candidate in ablation.CANDIDATES]
    twice = [name for name, one in zip(ablation.CANDIDATES, made, strict=True) if made.count(one) > 1]
    assert twice == []


def rows_of(experiment: experiments.Experiment, system: str, f1: list[float], setting: int = 0) -> list[dict[str, str]]:
    changes = " ".join(experiment.settings(system)[setting])
    return [
        {
            **{"recipe": experiment.recipe, "system": system, "seed": str(seed), "changes": changes},
            **{"f1": f"{value:.4f}", "inner_f1": "", "outer_f1": "", "inner_support": "", "raw_text_f1": "0.5"},
        }
        for seed, value in enumerate(f1)
    ]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "accuracy.csv"
    monkeypatch.setattr(tables, "TABLE", path)
    return path


def test_systems_stand_side_by_side_with_mean_and_deviation(table: Path) -> None:
    experiment = experiments.EXPERIMENTS["wnut17"]
    rows = rows_of(experiment, "globalner", [0.5, 0.6, 0.7]) + rows_of(experiment, "crf", [0.4])
    for row in rows:
        append_row(table, row)
    assert tables.TABLES["accuracy"]().splitlines()[2:] == ["| WNUT 2017 | 60.0 ± 10.0 |  | 40.0 |"]
    assert tables.TABLES["raw-text"]().splitlines()[2:] == ["| WNUT 2017 | 60.0 | 50.0 | -10.0 |"]


def test_the_better_batch_size_counts(table: Path) -> None:
    experiment = experiments.EXPERIMENTS["wnut17-200"]
    for setting, f1 in enumerate([0.3, 0.4]):
        for row in rows_of(experiment, "token_classification", [f1], setting):
            append_row(table, row)
    assert "| 40.0 |" in tables.TABLES["few-sentences"]()
    assert "30.0" not in tables.TABLES["few-sentences"]()


def test_marked_tables_are_made_anew_and_the_rest_stays(table: Path) -> None:
    page = "before\n<!-- table accuracy -->\nold\n<!-- end of table -->\nafter\n"
    made = tables.page_with_tables(page)
    assert "old" not in made
    assert made.startswith("before\n<!-- table accuracy -->\n\n| set |")
    assert made.endswith("\n<!-- end of table -->\nafter\n")
    assert tables.page_with_tables(made) == made
    assert read_rows(table) == []


@pytest.mark.parametrize("page", ["README.md", "docs/accuracy.md", "docs/encoders.md", "docs/guide/kernels.md"])
def test_the_pages_show_what_was_measured(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- table " in text
    assert tables.page_with_tables(text) == text, "run: python -m benchmarks.tables --write"
