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
import os
import statistics
import sys
from pathlib import Path

from benchmarks.results_file import RESULTS, read_rows
from benchmarks.run_queue import SYSTEMS, Run, add_place_options, measure_missing


def main() -> int:
    """Runs what is missing and prints a summary."""
    options = _parse()
    table = RESULTS / options.table
    runs = [
        Run(recipe, system, seed, tuple(options.set), options.data_dir, options.device, options.precision)
        for recipe in options.recipes
        for seed in options.seeds
        for system in options.systems
    ]
    measure_missing([(run, table) for run in runs], options.jobs)
    for recipe in options.recipes:
        for line in summary(read_rows(table), recipe, " ".join(options.set)):
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
    add_place_options(parser)
    parser.add_argument("--table", default="accuracy.csv", metavar="NAME.csv", help="file under benchmarks/results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
