"""Runs to be measured, each in a process of its own; those whose row is there are skipped."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fresh_process import in_fresh_process
from benchmarks.results_file import append_row, provenance, read_rows

if TYPE_CHECKING:
    from benchmarks.measure_run import Measured

__all__ = ["DEVICES", "PRECISIONS", "SYSTEMS", "Run", "add_place_options", "measure_missing"]

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16")
SYSTEMS = ("globalner", "token_classification", "crf")
_SPEEDS = ("train_documents_per_s", "predict_documents_per_s")


@dataclass(frozen=True)
class Run:
    """What to measure.

    Attributes:
        recipe: Name or file of a recipe.
        system: "globalner", or one of the baselines.
        seed: Seed of the training.
        changes: Changes to the recipe, KEY=VALUE each.
        data_dir: Folder of the data; None where the recipe needs none.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "fp32" or "bf16"; bf16 is faster where the processor has instructions for it, and much slower where
            not. It says how a run is computed, not what is measured, so a row counts for both.
    """

    recipe: str
    system: str
    seed: int
    changes: tuple[str, ...] = ()
    data_dir: Path | None = None
    device: str = "auto"
    precision: str = "fp32"

    @property
    def key(self) -> dict[str, str]:
        """The columns of its row that tell it from other runs."""
        return {
            "recipe": self.recipe,
            "system": self.system,
            "seed": str(self.seed),
            "changes": " ".join(self.changes),
        }

    def __str__(self) -> str:
        return " ".join([f"{self.recipe}, {self.system}, seed {self.seed}", *self.changes])


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say where and how runs are computed: --device, --precision, --jobs."""
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument(
        "--jobs", type=int, default=1, help="runs at the same time; where there are several, speed is not written down"
    )


def measure_missing(runs: Iterable[tuple[Run, Path]], jobs: int = 1) -> None:
    """Measures runs and appends the row of each to its table, unless it is there.

    Args:
        runs: What to measure, and the table of its row.
        jobs: How many at the same time. Those that share a machine say nothing about its speed, so the columns of
            speed stay empty where there are several.
    """
    appending = threading.Lock()

    def measure(run: Run, table: Path) -> None:
        measured_on = provenance()
        measured = in_fresh_process(_measure, run)
        if jobs > 1:
            measured |= dict.fromkeys(_SPEEDS)
        with appending:
            append_row(table, {**run.key, "precision": run.precision, **measured, **measured_on})
        print(f"{run}: test F1 {measured['f1']:.4f}", flush=True)

    with ThreadPoolExecutor(jobs) as executor:
        started = []
        for run, table in runs:
            if any(row.items() >= run.key.items() for row in read_rows(table)):
                print(f"{run}: there already", flush=True)
            else:
                started.append(executor.submit(measure, run, table))
        for one in started:
            one.result()


def _measure(run: Run) -> Measured:
    # Imported here: a process starts with the memory of the one that starts it, so that one stays small.
    from benchmarks.measure_run import measure_run

    return measure_run(run)
