"""Runs that train: pretraining, and named entities with what was pretrained."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from benchmarks.causal_pretraining import CausalOptions, pretrain_causally
from benchmarks.encoder_runs import EncoderRun, Value
from benchmarks.measure_run import measure_run
from benchmarks.run_queue import Run
from globalner.config import load_pretrain_recipe, resolve_pretrain_data
from globalner.workflows import RunOptions, pretrain_recipe

__all__ = ["measure_pretraining", "measure_tuning", "pretrain"]

_CAUSAL_RECIPE = "pretrain_en"


def measure_pretraining(run: EncoderRun) -> list[Value]:
    """Share of hidden (of a decoder: next) tokens of held-out text that what is pretrained finds, at each length."""
    found: dict[str, Any] = json.loads((run.folder / "metrics.json").read_text("utf-8"))
    values = [
        Value(metric, float(scores[metric]), length=int(length))
        for length, scores in found["lengths"].items()
        for metric in ("accuracy", "loss")
    ]
    return [*values, Value("parameters", int(found["parameters"])), Value("tokens_per_s", _tokens_per_s(run.folder))]


def measure_tuning(run: EncoderRun) -> list[Value]:
    """F1 of a recipe of `globalner train` with the encoder of the run."""
    assert run.recipe is not None
    assert run.seed is not None
    changes = run.changes
    if run.pretraining is not None:
        changes = ("model.encoder.kind=pretrained", f"model.encoder.name={run.folder / 'model'}", *changes)
    place = run.place
    measured = measure_run(
        Run(run.recipe, "globalner", run.seed, changes, place.data_dir, place.device, place.precision)
    )
    wanted = ("dev_f1", "f1", "precision", "recall", "train_documents_per_s")
    return [Value(metric, value) for metric in wanted if (value := measured[metric]) is not None]


def pretrain(run: EncoderRun) -> None:
    """Pretrains what a run goes on with, in its folder; what was cut off goes on.

    The folder is done when its metrics.json is there.
    """
    pretraining, place = run.pretraining, run.place
    assert pretraining is not None
    changes = (*pretraining.changes, f"training.seed={run.seed}", f"training.precision={place.precision}")
    recipe = resolve_pretrain_data(load_pretrain_recipe(pretraining.recipe, changes), data_dir=place.data_dir)
    if pretraining.recipe == _CAUSAL_RECIPE:
        biased = pretraining.variant == "query-key-bias"
        pretrain_causally(recipe, run.folder, CausalOptions(query_key_bias=biased, device=place.device, say=_say))
    else:
        pretrain_recipe(recipe, RunOptions(output_dir=run.folder, resume=True, device=place.device, say=_say))


def _tokens_per_s(folder: Path) -> float:
    """Of training alone, from the rows of its history."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return float(rows[-1]["tokens"]) / sum(float(row["train_s"]) for row in rows)


def _say(line: str) -> None:
    print(f"  {line}", flush=True)
