"""Windows in a step, where the recipe leaves it open."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.config import load_recipe, resolve_recipe_data
from globalner.training.batch_size import FEWEST_STEPS, resolve_batch_size
from globalner.workflows import RunOptions, train_recipe


def test_a_number_stays() -> None:
    assert resolve_batch_size(48, 10, 1) == 48


@pytest.mark.parametrize(
    ("windows", "epochs", "expected"),
    [(3394, 5, 32), (2808, 3, 16), (200, 20, 4), (500, 20, 16), (24000, 3, 32), (50, 5, 4), (1, 1, 4)],
)
def test_small_sets_have_small_batches(windows: int, epochs: int, expected: int) -> None:
    assert resolve_batch_size("auto", windows, epochs) == expected


@given(windows=st.integers(1, 10_000), epochs=st.integers(1, 50))
def test_the_largest_batch_that_makes_enough_steps(windows: int, epochs: int) -> None:
    size = resolve_batch_size("auto", windows, epochs)
    steps = {candidate: epochs * math.ceil(windows / candidate) for candidate in (4, 8, 16, 32)}
    enough = [candidate for candidate, count in steps.items() if count >= FEWEST_STEPS]
    assert size == max(enough, default=4)


def test_a_run_says_what_it_chose(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, ["training.batch_size=auto", "training.epochs=2"]))
    said: list[str] = []
    run = train_recipe(recipe, RunOptions(output_dir=tmp_path / "run", device="cpu", say=said.append))
    assert "batch size 4 for 12 windows: 6 steps in all" in said
    assert run.training is not None
    assert run.training.batch_size == 4
    assert "batch_size: auto" in (run.folder / "config.yaml").read_text(encoding="utf-8")
