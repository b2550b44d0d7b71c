"""The rows of span_loss.csv: how long things take and how much memory, as they stand now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import torch

from benchmarks.results_file import RESULTS, processor, provenance, replace_rows

__all__ = ["TABLE", "Measured", "p50", "write_measured"]

TABLE = RESULTS / "span_loss.csv"
_UNITS = {"time": "ms", "memory": "MiB", "ceiling": "TFLOP/s", "share": "%"}


@dataclass(frozen=True)
class Measured:
    """Values of one metric of one implementation of a case.

    Attributes:
        case: What was measured.
        impl: "published", "dense", or an implementation of ours.
        metric: "time", "memory", and on CUDA the "ceiling" of matrix products and the "share" of it that was reached.
        values: One of each run.
        shape: Sizes, as "B 8, C 10, L 512, D 64".
        device: "cpu" or "cuda".
        threads: Of the CPU.
    """

    case: str
    impl: str
    metric: str
    values: Sequence[float]
    shape: str
    device: str
    threads: int


def write_measured(measured: Iterable[Measured]) -> None:
    """Puts rows in the table, in place of those of the same case, implementation, metric and kind of device."""
    now = {
        "torch": version("torch"),
        "commit": provenance()["commit"],
        "date": datetime.now(UTC).date().isoformat(),
    }
    replace_rows(TABLE, [_row(one) | now for one in measured], _key)


def p50(rows: Iterable[Mapping[str, str]], case: str, impl: str, metric: str) -> float | None:
    """The median of a row, or None where there is none."""
    for row in rows:
        if (row["case"], row["impl"], row["metric"]) == (case, impl, metric):
            return float(row["p50"])
    return None


def _row(one: Measured) -> dict[str, object]:
    low, middle, high = (float(value) for value in np.quantile(one.values, (0.2, 0.5, 0.8)))
    return {
        "case": one.case,
        "impl": one.impl,
        "metric": one.metric,
        "unit": _UNITS[one.metric],
        "p20": low,
        "p50": middle,
        "p80": high,
        "shape": one.shape,
        "device": f"{one.device}: {processor() if one.device == 'cpu' else torch.cuda.get_device_name()}",
        "threads": one.threads,
    }


def _key(row: Mapping[str, object]) -> tuple[object, ...]:
    return row["case"], row["impl"], row["metric"], str(row["device"]).partition(":")[0]
