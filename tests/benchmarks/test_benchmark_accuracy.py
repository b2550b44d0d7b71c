"""The queue of runs: rows once, a summary of the seeds."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from benchmarks import accuracy, run_queue
from benchmarks.measure_run import measure_run
from benchmarks.run_queue import Run


def row(system: str, f1: float, changes: str = "") -> dict[str, str]:
    return {"recipe": "tiny", "system": system, "changes": changes, "f1": f"{f1:.4f}"}


def test_the_summary_gives_median_mean_and_deviation() -> None:
    rows = [row("globalner", f1) for f1 in (0.5, 0.6, 0.8)] + [row("crf", 0.4), row("crf", 0.1, "a=b")]
    assert accuracy.summary(rows, "tiny", "") == [
        "tiny",
        "  globalner             median 0.6000  mean 0.6333 ± 0.1528  (3 seeds)",
        "  crf                   median 0.4000  mean 0.4000  (1 seeds)",
    ]


def test_rows_that_are_there_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def measured(_: object, run: Run) -> dict[str, float | None]:
        ran.append(run)
        return {"f1": 0.5, "train_documents_per_s": 9.0, "predict_documents_per_s": 9.0}

    monkeypatch.setattr(accuracy, "RESULTS", tmp_path)
    monkeypatch.setattr(run_queue, "provenance", dict)
    monkeypatch.setattr(run_queue, "in_fresh_process", measured)
    command = ["accuracy", "tiny", "--seeds", "0", "1", "--table", "other.csv"]
    monkeypatch.setattr(sys, "argv", [*command, "--systems", "crf"])
    accuracy.main()
    monkeypatch.setattr(sys, "argv", command)
    accuracy.main()
    assert len(ran) == len(set(ran)) == 6
    with (tmp_path / "other.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    assert "crf, seed 0: there already" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*command, "--set", "training.epochs=1"])
    accuracy.main()
    assert len(ran) == 12
    monkeypatch.setattr(sys, "argv", [*command, "--set", "training.epochs=2", "--jobs", "3"])
    accuracy.main()
    assert len(ran) == 18
    with (tmp_path / "other.csv").open(encoding="utf-8", newline="") as file:
        speeds = [row["train_documents_per_s"] for row in csv.DictReader(file)]
    assert speeds == ["9.0000"] * 12 + [""] * 6


@pytest.mark.parametrize("system", accuracy.SYSTEMS)
def test_every_system_fills_the_same_columns(system: str, tiny_recipe: Path) -> None:
    run = Run(str(tiny_recipe), system, seed=1, changes=("training.epochs=2",), device="cpu")
    measured = measure_run(run)
    assert list(measured) == [
        *("epochs", "batch_size", "steps", "dev_f1", "f1", "precision", "recall"),
        *("inner_f1", "inner_support", "outer_f1", "raw_text_f1"),
        *("train_documents_per_s", "predict_documents_per_s", "peak_memory_mib"),
    ]
    assert (measured["epochs"], measured["batch_size"], measured["steps"]) == (2, 4, 6)
    assert measured["inner_support"] == 8
    assert measured["raw_text_f1"] is None
    assert measured["f1"] == measured["dev_f1"]
