"""Trains recipes with several seeds, tests them, and appends a row for each to results/accuracy.csv.

    python -m benchmarks.accuracy wnut17 --seeds 0 1 2 --data-dir DIR

Rows that are there already are skipped, so the command can be cut off and started again. Each run has a process of its
own, whose peak memory the row gives. Rates are in [0, 1], speeds in documents a second.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results_file import RESULTS, append_row, provenance, read_rows

_TABLE = RESULTS / "accuracy.csv"


def main() -> int:
    """Runs what is missing and prints the medians."""
    options = _parse()
    for recipe in options.recipes:
        for seed in options.seeds:
            changes = [*options.set, f"training.seed={seed}"]
            if _is_there(recipe, seed, " ".join(options.set)):
                print(f"{recipe}, seed {seed}: there already")
                continue
            measured_on = provenance()
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                measured = pool.apply(_measure, (recipe, changes, options.data_dir, options.device))
            row = {"recipe": recipe, "seed": seed, "changes": " ".join(options.set), **measured, **measured_on}
            append_row(_TABLE, row)
            print(f"{recipe}, seed {seed}: test F1 {measured['f1']:.4f}")
        _print_median(recipe, " ".join(options.set))
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", metavar="RECIPE")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the recipe")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


def _is_there(recipe: str, seed: int, changes: str) -> bool:
    return any(
        (row["recipe"], row["seed"], row["changes"]) == (recipe, str(seed), changes) for row in read_rows(_TABLE)
    )


def _measure(recipe: str, changes: Sequence[str], data_dir: Path | None, device: str) -> dict[str, float | int]:
    """Trains, tests and times one run in a folder that is thrown away."""
    from globalner import EntityExtractor
    from globalner.config import load_recipe, resolve_recipe_data
    from globalner.workflows import RunOptions, train_recipe
    from globalner.workflows.train import read_split

    resolved = resolve_recipe_data(load_recipe(recipe, changes), data_dir=data_dir)
    with tempfile.TemporaryDirectory() as folder:
        run = train_recipe(resolved, RunOptions(output_dir=Path(folder), device=device, say=_say))
        with (run.folder / "history.csv").open(encoding="utf-8", newline="") as file:
            train_s = sum(float(row["train_s"]) for row in csv.DictReader(file))
        extractor = EntityExtractor.from_pretrained(run.model, device=device)
        documents = read_split(resolved, "test" if resolved.data.test else "dev", lambda _: None)
        began = time.perf_counter()
        extractor.extract(documents)
        predict_s = time.perf_counter() - began
    assert run.result is not None
    train_documents = len(read_split(resolved, "train", lambda _: None)) * resolved.training.epochs
    return {
        "epochs": resolved.training.epochs,
        "f1": run.result.micro.f1,
        "precision": run.result.micro.precision,
        "recall": run.result.micro.recall,
        "train_documents_per_s": train_documents / train_s,
        "predict_documents_per_s": len(documents) / predict_s,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _print_median(recipe: str, changes: str) -> None:
    scores = [float(row["f1"]) for row in read_rows(_TABLE) if (row["recipe"], row["changes"]) == (recipe, changes)]
    if scores:
        print(f"{recipe}: median test F1 of {len(scores)} seeds {statistics.median(scores):.4f}")


if __name__ == "__main__":
    sys.exit(main())
