"""One run of one system: trained, tested and timed. What it gives is the measured part of a row of accuracy.csv."""

from __future__ import annotations

import csv
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.baselines.training_loop import BASELINES, train_baseline
from benchmarks.inner_entities import inner_outer_scores
from benchmarks.run_queue import Run
from globalner.config import Recipe, load_recipe, resolve_recipe_data
from globalner.decoding import DecodingMode
from globalner.evaluation import evaluate_documents
from globalner.extractor import EntityExtractor
from globalner.training import TrainingData, TrainingOptions
from globalner.types import Document
from globalner.workflows import RunOptions, train_recipe
from globalner.workflows.train import read_split

__all__ = ["Measured", "measure_run"]

Measured = dict[str, float | int | None]


@dataclass(frozen=True)
class _Trained:
    extractor: EntityExtractor
    dev_f1: float
    batch_size: int
    steps: int
    train_s: float


def measure_run(run: Run) -> Measured:
    """Trains, predicts the test documents once against the clock, and scores what came out.

    Where the recipe has no test documents, those of dev take their place. Memory is the peak of this process.
    """
    changes = [*run.changes, f"training.seed={run.seed}", f"training.precision={run.precision}"]
    recipe = resolve_recipe_data(load_recipe(run.recipe, changes), data_dir=run.data_dir)
    data = TrainingData(*(read_split(recipe, split, _silent) for split in ("train", "dev")))
    trained = _train_baseline(run, recipe, data) if run.system in BASELINES else _train_globalner(run, recipe)
    test = read_split(recipe, "test", _silent) if recipe.data.test else data.dev
    began = time.perf_counter()
    predicted = trained.extractor.extract(test)
    predict_s = time.perf_counter() - began
    peak_memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "epochs": recipe.training.epochs,
        "batch_size": trained.batch_size,
        "steps": trained.steps,
        "dev_f1": trained.dev_f1,
        **_scores(test, predicted, trained.extractor.mode),
        "raw_text_f1": _raw_text_f1(trained.extractor, test),
        "train_documents_per_s": len(data.train) * recipe.training.epochs / trained.train_s,
        "predict_documents_per_s": len(test) / predict_s,
        "peak_memory_mib": peak_memory_mib,
    }


def _train_baseline(run: Run, recipe: Recipe, data: TrainingData) -> _Trained:
    trained = train_baseline(run.system, recipe, data, TrainingOptions(run.device, say=_say))
    return _Trained(trained.extractor, trained.best_dev_f1, trained.batch_size, trained.steps, trained.train_s)


def _train_globalner(run: Run, recipe: Recipe) -> _Trained:
    """In a folder that is thrown away. Without test documents, which are predicted once, and later."""
    without_test = recipe.model_copy(update={"data": recipe.data.model_copy(update={"test": None})})
    with tempfile.TemporaryDirectory() as folder:
        done = train_recipe(without_test, RunOptions(output_dir=Path(folder), device=run.device, say=_say))
        with (done.folder / "history.csv").open(encoding="utf-8", newline="") as file:
            history = list(csv.DictReader(file))
        extractor = EntityExtractor.from_pretrained(done.model, device=run.device, precision=recipe.training.precision)
    assert done.result is not None and done.training is not None  # noqa: PT018
    train_s = sum(float(row["train_s"]) for row in history)
    return _Trained(extractor, done.result.micro.f1, done.training.batch_size, int(history[-1]["step"]), train_s)


def _scores(gold: Sequence[Document], predicted: Sequence[Document], mode: DecodingMode) -> Measured:
    micro = evaluate_documents(gold, predicted, mode=mode, split="test").micro
    nested = inner_outer_scores(gold, predicted)
    return {
        "f1": micro.f1,
        "precision": micro.precision,
        "recall": micro.recall,
        "inner_f1": nested.inner.f1 if nested else None,
        "inner_support": nested.inner.support if nested else None,
        "outer_f1": nested.outer.f1 if nested else None,
    }


def _raw_text_f1(extractor: EntityExtractor, test: Sequence[Document]) -> float | None:
    """F1 where the text alone is given, of the documents that come with tokens; None where none does."""
    gold = [document for document in test if document.tokens is not None]
    if not gold:
        return None
    predicted = extractor.extract([replace(document, tokens=None) for document in gold])
    return evaluate_documents(gold, predicted, mode=extractor.mode, split="test").micro.f1


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _silent(line: str) -> None:
    """Says nothing: training says what was read."""
