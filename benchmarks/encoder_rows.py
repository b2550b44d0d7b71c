"""Looks up what stands in encoders.csv, of the settings as they are now."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.encoder_cases import SIZES, Size
from benchmarks.encoder_runs import GROUPS, EncoderRun, Place

__all__ = ["Setup", "best_by_dev", "by_seed", "setups", "speed_points"]

Row = Mapping[str, str]
BySeed = dict[int, float]

_NOWHERE = Place(None, Path())


@dataclass(frozen=True)
class Setup:
    """What times were measured of, and on.

    Attributes:
        size: How large the encoder is.
        device: "cpu" or "cuda".
        precision: "fp32" or "bf16".
    """

    size: Size
    device: str
    precision: str

    def __str__(self) -> str:
        return f"{self.size.name}, {self.device}, {self.precision}"


def by_seed(rows: Sequence[Row], group: str, size: Size, metric: str) -> dict[tuple[str, str, str], BySeed]:
    """Values by variant, data and length, each by seed, in the order in which they are measured.

    Args:
        rows: Of the results file.
        group: One of `GROUPS`, but not one that times.
        size: How large the encoder is.
        metric: Which values.
    """
    found: dict[tuple[str, str, str], BySeed] = {}
    seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
    wanted = [row for row in rows if row["group"] == group and row["metric"] == metric]
    for run in GROUPS[group](size, seeds, _NOWHERE):
        columns = run.key.items()
        for row in wanted:
            if row.items() >= columns:
                key = (run.variant, run.data, row["length"])
                found.setdefault(key, {})[int(row["seed"])] = float(row["value"])
    return found


def best_by_dev(rows: Sequence[Row], size: Size) -> dict[tuple[str, str], BySeed]:
    """Test F1 by start and data, each by seed, at the learning rate whose mean F1 on dev is the better one."""
    tried: dict[tuple[str, str, str], dict[str, BySeed]] = {}
    seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
    for run in GROUPS["pretraining-gain"](size, seeds, _NOWHERE):
        columns = run.key.items()
        scores = {row["metric"]: float(row["value"]) for row in rows if row.items() >= columns}
        if "f1" in scores:
            of_rate = tried.setdefault((run.variant, run.data, _rate(run)), {"f1": {}, "dev_f1": {}})
            for metric, values in of_rate.items():
                values[int(run.key["seed"])] = scores[metric]
    best: dict[tuple[str, str], tuple[float, BySeed]] = {}
    for (start, data, _), of_rate in tried.items():
        dev = statistics.fmean(of_rate["dev_f1"].values())
        if (start, data) not in best or dev > best[start, data][0]:
            best[start, data] = (dev, of_rate["f1"])
    return {key: f1 for key, (_, f1) in best.items()}


def setups(rows: Sequence[Row]) -> Iterator[Setup]:
    """What times there are rows of, small before large."""
    timed = [row for row in rows if row["group"] == "speed"]
    for name, size in SIZES.items():
        for device, precision in sorted({(row["device"], row["precision"]) for row in timed if row["size"] == name}):
            yield Setup(size, device, precision)


def speed_points(
    rows: Sequence[Row], setup: Setup, metric: str, *, group: str = "speed"
) -> dict[str, list[tuple[int, float]]]:
    """Points (length, median) of each contender, by rising length; from the rows of "speed" or of "pairs"."""
    key = {"group": group, "size": setup.size.name, "device": setup.device, "precision": setup.precision}
    points: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row.items() >= key.items() and row["metric"] == metric:
            points.setdefault(row["variant"], []).append((int(row["length"]), float(row["value"])))
    return {name: sorted(of_name) for name, of_name in points.items()}


def _rate(run: EncoderRun) -> str:
    return next(change for change in run.changes if change.startswith("training.encoder_learning_rate="))
