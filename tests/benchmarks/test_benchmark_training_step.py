"""Training steps of the benchmark, on a model that takes no time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import measured_rows, training_step
from benchmarks.results_file import read_rows
from benchmarks.training_step import CASES, StepCase
from globalner.config import load_recipe

SMALL = ("model.encoder.hidden_size=16", "model.encoder.num_layers=1", "model.encoder.dropout=0.0")


def small(*changes: str) -> StepCase:
    return StepCase("demo", (*SMALL, "model.head.dropout=0.0", *changes), types=5, batch_size=3, words=6.0)


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_a_valid_recipe(name: str) -> None:
    load_recipe(CASES[name].recipe, CASES[name].changes)


@pytest.mark.parametrize("head", ["efficient_global_pointer", "global_pointer"])
def test_both_losses_are_of_the_same_model_and_batch(head: str) -> None:
    case = small(f"model.head.kind={head}")
    built, batches = training_step._built_with_batches(case, load_recipe(case.recipe, case.changes).recipe)
    assert len(batches[0].gold)
    assert not len(batches[0].ignore)
    published, ours = (training_step._batch_loss(built.model, batches[0], impl) for impl in ("published", "reference"))
    # The published form also scores spans that start or end inside words and at special tokens.
    assert ours < published < 3 * ours


def test_rows_of_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    monkeypatch.setattr(measured_rows, "TABLE", tmp_path / "span_loss.csv")
    monkeypatch.setattr(training_step, "in_fresh_process", lambda function, *arguments: function(*arguments))
    monkeypatch.setitem(CASES, "step-small", small())
    assert training_step.main(["step-small", "--steps", "3", "--threads", str(threads)]) == 0
    rows = read_rows(tmp_path / "span_loss.csv")
    assert [(row["case"], row["impl"], row["metric"]) for row in rows] == [
        ("step-small", impl, metric) for metric in ("time", "memory") for impl in ("published", "auto")
    ]
    assert rows[0]["shape"].startswith("B 3, C 5, L ")
