"""Measures what each candidate for the default recipe brings, one at a time, on several sets.

    python -m benchmarks.ablation --data-dir DIR

Rows go to results/ablation.csv, and those that are there already are skipped, so the command can be cut off and started
again. All are compared without those that a recipe has taken up since; what is the recipe as it stands is one of
benchmarks/experiments.py, and its rows are those of results/accuracy.csv.
`python -m benchmarks.tables` prints what came out.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.experiments import EXPERIMENTS, TABLE
from benchmarks.results_file import RESULTS, read_rows
from benchmarks.run_queue import Run, add_place_options, measure_missing

_TABLE = RESULTS / "ablation.csv"

SETS = ("cluener-fifth", "cmeee-fifth", "conll2003-fifth", "wnut17", "wnut17-200", "wnut17-500")
"""The experiments on which candidates are compared."""

BASE = "none of these"

CANDIDATES: dict[str, tuple[str, ...]] = {
    BASE: (),
    "full GlobalPointer head": ("model.head.kind=global_pointer",),
    "head of 128": ("model.head.head_size=128",),
    "head rate 3e-3": ("training.head_learning_rate=3.0e-3",),
    "other encoder rate": (),
    "other boundary": (),
    "head dropout 0.3": ("model.head.dropout=0.3",),
    "head dropout 0.3, 4 samples": ("model.head.dropout=0.3", "model.head.dropout_samples=4"),
    "layer decay 0.9": ("training.layer_decay=0.9",),
    "weight average 0.99": ("training.average_decay=0.99",),
    "adversarial step 1.0": ("training.adversarial_norm=1.0",),
    "tagging loss 1.0": ("training.tagging_weight=1.0",),
    "initial logit 0": ("model.head.initial_logit=0.0",),
    "threshold 0.5": ("training.tune_threshold=false",),
}
"""Changes to the recipe; those that depend on the recipe are in `_BY_RECIPE`."""

_BY_RECIPE = {
    "other encoder rate": {
        "cluener": ("training.encoder_learning_rate=1.0e-3",),
        "cmeee": ("training.encoder_learning_rate=1.0e-3",),
        "conll2003": ("training.encoder_learning_rate=2.0e-4",),
        "wnut17": ("training.encoder_learning_rate=2.0e-4",),
    },
    "other boundary": {
        "cluener": ("data.boundary=word",),
        "cmeee": ("data.boundary=word",),
        "conll2003": ("data.boundary=token",),
        "wnut17": ("data.boundary=token",),
    },
}

_NO_TAGGING = {"tagging loss 1.0": "training.tagging_weight=0.0"}
_TAKEN_UP = {"cluener": _NO_TAGGING, "cmeee": _NO_TAGGING, "wnut17": _NO_TAGGING}
"""Candidates that a recipe has taken up, and what leaves them out again."""


def changes_of(candidate: str, name: str) -> tuple[str, ...]:
    """Changes to the recipe of an experiment that make a candidate of it, those of the experiment included."""
    experiment = EXPERIMENTS[name]
    (shared,) = experiment.settings("globalner")
    taken_up = _TAKEN_UP.get(experiment.recipe, {})
    left_out = (without for other, without in taken_up.items() if other != candidate)
    added = () if candidate in taken_up else CANDIDATES[candidate]
    return (*shared, *left_out, *added, *_BY_RECIPE.get(candidate, {}).get(experiment.recipe, ()))


def main() -> int:
    """Measures what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    add_place_options(parser)
    options = parser.parse_args()
    runs = [
        (_run(candidate, name, seed, options), _table_of(candidate, name))
        for seed in options.seeds
        for candidate in options.candidates
        for name in options.sets
    ]
    measure_missing(runs, options.jobs)
    return 0


def _run(candidate: str, name: str, seed: int, options: argparse.Namespace) -> Run:
    recipe, changes = EXPERIMENTS[name].recipe, changes_of(candidate, name)
    return Run(recipe, "globalner", seed, changes, options.data_dir, options.device, options.precision)


def scores(candidate: str, name: str) -> dict[int, float]:
    """Test F1 by seed in an experiment, in per cent, of the rows that are there."""
    changes = " ".join(changes_of(candidate, name))
    key = {"recipe": EXPERIMENTS[name].recipe, "system": "globalner", "changes": changes}
    rows = [row for row in read_rows(_table_of(candidate, name)) if row.items() >= key.items()]
    return {int(row["seed"]): 100 * float(row["f1"]) for row in rows}


def _table_of(candidate: str, name: str) -> Path:
    as_it_stands = changes_of(candidate, name) in EXPERIMENTS[name].settings("globalner")
    return TABLE if as_it_stands else _TABLE


if __name__ == "__main__":
    sys.exit(main())
