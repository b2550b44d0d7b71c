from __future__ import annotations

from pathlib import Path

import pytest

from globalner.workflows import RunOptions, run_demo

SMALL = ("training.epochs=1", *(f"model.encoder.{key}" for key in ("hidden_size=16", "num_layers=1", "num_heads=2")))


@pytest.mark.parametrize("mode", ["nested", "flat"])
def test_scores_tell_the_mode_of_the_recipe_and_of_the_dictionary(mode: str, tmp_path: Path) -> None:
    options = RunOptions(output_dir=tmp_path / "run", device="cpu")
    result = run_demo(options, [*SMALL, f"data.mode={mode}"], max_documents=40)
    assert result.unseen is not None
    assert result.baseline_unseen is not None
    assert {result.test.mode, result.unseen.mode} == {mode}
    assert {result.baseline.mode, result.baseline_unseen.mode} == {"nested"}
