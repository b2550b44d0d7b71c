"""What the benchmark of the service measured, with the goal of each value, as rows of results/service.csv."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.results_file import RESULTS, provenance, replace_rows

__all__ = ["TABLE", "Measured", "Sizes", "Subject", "write_measured"]

TABLE = RESULTS / "service.csv"


@dataclass(frozen=True)
class Sizes:
    """How long each case takes.

    Attributes:
        rounds: Of what is compared; the parties take turns in each.
        seconds: Of one measurement of a throughput.
        requests: Of one measurement of a latency.
        overload_s: Of each overload.
        soak_s: Of the soak.
        replica_s: Of each load on the replicas.
        schema_cases: Requests made from the schema.
        byte_cases: Requests of broken bytes.
    """

    rounds: int = 3
    seconds: float = 20.0
    requests: int = 300
    overload_s: float = 60.0
    soak_s: float = 600.0
    replica_s: float = 30.0
    schema_cases: int = 5000
    byte_cases: int = 10_000

    @classmethod
    def short(cls) -> Sizes:
        """Seconds for each case; its values say nothing about speed."""
        return cls(1, 1.0, 20, 2.0, 4.0, 4.0, 70, 400)


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        model: Folder of the model, or "rule".
        texts: What it reads.
        sizes: How long.
        seed: Of what is drawn.
    """

    model: str
    texts: tuple[str, ...]
    sizes: Sizes
    seed: int = 1


@dataclass(frozen=True)
class Measured:
    """One value.

    Attributes:
        case: What was done.
        metric: What was measured.
        unit: Of the value.
        value: The value.
        goal: ">= 3", "<= 1.3", "== 0", or empty where the value is only reported.
        samples: What the value sums up, for the quantiles.
        load_cpu_s: CPU seconds of the process that made the load; None where there was none.
        details: What else was seen.
    """

    case: str
    metric: str
    unit: str
    value: float
    goal: str = ""
    samples: Sequence[float] = field(default=(), repr=False)
    load_cpu_s: float | None = None
    details: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if not self.goal:
            return None
        sign, number = self.goal.split()
        goal = float(number)
        return {">=": self.value >= goal, "<=": self.value <= goal, "==": self.value == goal}[sign]

    def __str__(self) -> str:
        verdict = {None: "", True: f"  (goal {self.goal}: met)", False: f"  (goal {self.goal}: MISSED)"}[self.met]
        more = f"  [{self.details}]" if self.details else ""
        return f"{self.case}, {self.metric}: {self.value:,.4g} {self.unit}{verdict}{more}"


def write_measured(measured: Iterable[Measured], table: Path, command: str) -> None:
    """Puts rows in a table, in place of those of the same case and metric.

    Args:
        measured: What to write.
        table: The file.
        command: What measured them.
    """
    ran_on = provenance()
    ran_on["versions"] += "".join(f"; {name} {version(name)}" for name in ("fastapi", "uvicorn", "httptools"))
    now = {"command": command, "date": datetime.now(UTC).date().isoformat(), **ran_on}
    replace_rows(table, [_row(one) | now for one in measured], _key)


def _row(one: Measured) -> dict[str, object]:
    return {
        "case": one.case,
        "metric": one.metric,
        "unit": one.unit,
        "value": float(one.value),
        "goal": one.goal,
        "met": {None: "", True: "yes", False: "no"}[one.met],
        **{name: _quantile(one.samples, share) for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))},
        "samples": len(one.samples) or "",
        "load_cpu_s": "" if one.load_cpu_s is None else float(one.load_cpu_s),
        "details": one.details,
    }


def _quantile(samples: Sequence[float], share: float) -> object:
    return float(np.quantile(samples, share)) if len(samples) else ""


def _key(row: Mapping[str, object]) -> tuple[object, ...]:
    return row["case"], row["metric"]
