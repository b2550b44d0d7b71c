"""Measures what each candidate for the default recipe brings, one at a time, on four sets.

    python -m benchmarks.ablation --data-dir DIR

Rows go to results/ablation.csv, and those that are there already are skipped, so the command can be cut off and started
again. `python -m benchmarks.tables` prints what came out.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.results_file import RESULTS, read_rows
from benchmarks.run_queue import Run, measure_missing

_TABLE = RESULTS / "ablation.csv"
_EVERYWHERE = ("training.precision=bf16",)

SETS: dict[str, tuple[str, ...]] = {
    "cluener": ("data.train=cluener2020/train.json[0:1935]",),
    "cmeee": ("data.train=cmeee_v2/CMeEE-V2_dev.json[0:700]",),
    "conll2003": ("data.train=conll2003_en/eng.train[0:2808]",),
    "wnut17": (),
}
"""Recipes, each with the first fifth of its training records; wnut17 whole."""

CANDIDATES: dict[str, tuple[str, ...]] = {
    "the recipe": (),
    "full GlobalPointer head": ("model.head.kind=global_pointer",),
    "head of 128": ("model.head.head_size=128",),
    "head rate x 3": ("training.head_learning_rate=3.0e-3",),
    "encoder rate x 2": (),
    "other boundary": (),
    "head dropout 0.3": ("model.head.dropout=0.3",),
    "head dropout 0.3, 4 samples": ("model.head.dropout=0.3", "model.head.dropout_samples=4"),
    "layer decay 0.9": ("training.layer_decay=0.9",),
    "weight average 0.99": ("training.average_decay=0.99",),
    "adversarial step 1.0": ("training.adversarial_norm=1.0",),
    "initial logit -4": ("model.head.initial_logit=-4.0",),
    "threshold by dev": ("training.tune_threshold=true",),
}
"""Changes to the recipe; those that depend on the set are in `_BY_SET`."""

_BY_SET = {
    "encoder rate x 2": {
        "cluener": ("training.encoder_learning_rate=2.0e-3",),
        "cmeee": ("training.encoder_learning_rate=2.0e-3",),
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


def changes_of(candidate: str, recipe: str) -> tuple[str, ...]:
    """Changes to a recipe that make a candidate of it, those that all runs here share included."""
    return (*_EVERYWHERE, *SETS[recipe], *CANDIDATES[candidate], *_BY_SET.get(candidate, {}).get(recipe, ()))


def main() -> int:
    """Measures what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    options = parser.parse_args()
    for seed in options.seeds:
        for candidate in options.candidates:
            for recipe in options.sets:
                run = Run(recipe, "globalner", seed, changes_of(candidate, recipe), options.data_dir)
                measure_missing(run, _TABLE)
    return 0


def scores(candidate: str, recipe: str) -> list[float]:
    """Test F1 of the rows that are there, in per cent."""
    changes = " ".join(changes_of(candidate, recipe))
    return [100 * float(row["f1"]) for row in read_rows(_TABLE) if (row["recipe"], row["changes"]) == (recipe, changes)]


if __name__ == "__main__":
    sys.exit(main())
