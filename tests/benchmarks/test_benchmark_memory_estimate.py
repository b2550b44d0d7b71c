"""The benchmark of the memory estimate reads the line that training prints, and writes what it measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import memory_estimate
from benchmarks.results_file import read_rows


def test_a_run_gives_its_estimate_and_the_rise_behind_it() -> None:
    shape = memory_estimate._Shape("demo", 4, 6, 2)
    estimated, measured = memory_estimate._measure(shape, 2, "cpu")
    assert estimated > 5, "gradients and moments alone"
    assert measured > 0


def test_a_row_for_each_recipe_and_the_median(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([(90.0, 100.0), (110.0, 100.0), (300.0, 200.0)])
    monkeypatch.setattr(memory_estimate, "in_fresh_process", lambda *_: next(answers))
    monkeypatch.setattr(memory_estimate, "_TABLE", tmp_path / "memory_estimate.csv")
    monkeypatch.setattr("sys.argv", ["memory_estimate", "--batches", "3"])
    assert memory_estimate.main() == 0
    rows = read_rows(tmp_path / "memory_estimate.csv")
    assert [row["recipe"] for row in rows] == ["conll2003", "demo", "genia"]
    assert [row["ratio"] for row in rows] == ["0.9000", "1.1000", "1.5000"]
    assert rows[0]["batches"] == "3"
    assert rows[0]["commit"]
    answers = iter([(95.0, 100.0)] * 3)
    assert memory_estimate.main() == 0
    assert [row["ratio"] for row in read_rows(tmp_path / "memory_estimate.csv")] == ["0.9500"] * 3
    assert "median ratio 1.100" in capsys.readouterr().out
