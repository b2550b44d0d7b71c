"""Runs to be measured, one after the other, each in a process of its own; those whose row is there are skipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fresh_process import in_fresh_process
from benchmarks.results_file import append_row, provenance, read_rows

if TYPE_CHECKING:
    from benchmarks.measure_run import Measured

__all__ = ["PRECISIONS", "SYSTEMS", "Run", "measure_missing"]

PRECISIONS = ("fp32", "bf16")
SYSTEMS = ("globalner", "token_classification", "crf")


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


def measure_missing(run: Run, table: Path) -> None:
    """Measures a run and appends its row to the table, unless it is there."""
    if any(row.items() >= run.key.items() for row in read_rows(table)):
        print(f"{run.recipe}, {run.system}, seed {run.seed}: there already")
        return
    print(f"{run.recipe}, {run.system}, seed {run.seed} {' '.join(run.changes)}", flush=True)
    measured_on = provenance()
    measured = in_fresh_process(_measure, run)
    append_row(table, {**run.key, "precision": run.precision, **measured, **measured_on})
    print(f"  test F1 {measured['f1']:.4f}", flush=True)


def _measure(run: Run) -> Measured:
    # Imported here: a process starts with the memory of the one that starts it, so that one stays small.
    from benchmarks.measure_run import measure_run

    return measure_run(run)
