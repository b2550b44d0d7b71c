"""Trains recipes with several systems and seeds, tests them, and appends a row for each to results/accuracy.csv.

    python -m benchmarks.accuracy wnut17 --seeds 0 1 2 --data-dir DIR

The systems: globalner itself, and two taggers on the same encoder, data, order, optimiser and number of steps
(benchmarks/baselines). Rows that are there already are skipped, so the command can be cut off and started again. Each
run has a process of its own, whose peak memory the row gives. Rates are in [0, 1], speeds in documents a second;
columns that do not apply are empty: inner_f1, inner_support and outer_f1 where no test entity lies inside another
(benchmarks/inner_entities.py), raw_text_f1 (the words of the file withheld) where the file gives no words.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.results_file import RESULTS, append_row, provenance, read_rows

if TYPE_CHECKING:
    from benchmarks.measure_run import Measured, Run

SYSTEMS = ("globalner", "token_classification", "crf")


def main() -> int:
    """Runs what is missing and prints a summary."""
    options = _parse()
    table, changes = RESULTS / options.table, " ".join(options.set)
    for recipe in options.recipes:
        for seed in options.seeds:
            for system in options.systems:
                key = {"recipe": recipe, "system": system, "seed": seed, "changes": changes}
                if _is_there(table, key):
                    print(f"{recipe}, {system}, seed {seed}: there already")
                    continue
                print(f"{recipe}, {system}, seed {seed}", flush=True)
                measured_on = provenance()
                measured = _in_its_own_process(recipe, system, seed, options)
                append_row(table, {**key, **measured, **measured_on})
                print(f"  test F1 {measured['f1']:.4f}", flush=True)
    for recipe in options.recipes:
        for line in summary(read_rows(table), recipe, changes):
            print(line)
    return 0


def summary(rows: list[dict[str, str]], recipe: str, changes: str) -> list[str]:
    """A heading, and for each system the median and the mean ± standard deviation (n - 1) of test F1 over its seeds."""
    lines = [f"{recipe} {changes}".strip()]
    wanted = [row for row in rows if (row["recipe"], row["changes"]) == (recipe, changes)]
    for system in dict.fromkeys(row["system"] for row in wanted):
        scores = [float(row["f1"]) for row in wanted if row["system"] == system]
        spread = f" ± {statistics.stdev(scores):.4f}" if len(scores) > 1 else ""
        middle, mean = statistics.median(scores), statistics.mean(scores)
        lines.append(f"  {system:20}  median {middle:.4f}  mean {mean:.4f}{spread}  ({len(scores)} seeds)")
    return lines


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", metavar="RECIPE")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the recipe")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--table", default="accuracy.csv", metavar="NAME.csv", help="file under benchmarks/results")
    return parser.parse_args()


def _is_there(table: Path, key: dict[str, object]) -> bool:
    return any(all(row[name] == str(value) for name, value in key.items()) for row in read_rows(table))


def _in_its_own_process(recipe: str, system: str, seed: int, options: argparse.Namespace) -> Measured:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (recipe, system, seed, options))


def _measure(recipe: str, system: str, seed: int, options: argparse.Namespace) -> Measured:
    # Imported here: a process starts with the memory of the one that starts it, so that one stays small.
    from benchmarks.measure_run import Run, measure_run

    run: Run = Run(recipe, system, seed, tuple(options.set), options.data_dir, options.device)
    return measure_run(run)


if __name__ == "__main__":
    sys.exit(main())
