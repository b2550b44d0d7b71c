"""The tables of docs/encoders.md, from the rows of encoders.csv."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.encoder_cases import BIASES, SIZES, VARIANTS
from benchmarks.encoder_claims import COLUMNS, claim_lines
from benchmarks.encoder_flops import BASE, CONTENDERS, TRANSFORMERS, fewer_from, formula_flops
from benchmarks.encoder_rows import best_by_dev, by_seed, setups, speed_points
from benchmarks.encoder_runs import ATTENTIONS, GAIN_SETS, LENGTHS, SCRATCH
from benchmarks.experiments import EXPERIMENTS
from benchmarks.markdown_table import markdown_table

__all__ = ["ENCODER_TABLES", "crossing"]

Row = Mapping[str, str]
Points = Sequence[tuple[int, float]]

_NOTHING = "Not measured yet."
_TESTED = (128, 256, 512, 1024)
_GOAL_RATIO, _GOAL_FLOPS = 1.05, 0.20


def crossing(points: Points, base: Points) -> float | None:
    """The length from which on the one stays below the other; None if it does not at the longest.

    Between two lengths the ratio is taken to follow a power of the length. Below all lengths it is not looked for: then
    the answer is the shortest length.

    Args:
        points: (length, value) by rising length.
        base: What is to be undercut, likewise.
    """
    others = dict(base)
    logs = [(length, math.log(value / others[length])) for length, value in points if length in others]
    if not logs or logs[-1][1] >= 0:
        return None
    above = [place for place, (_, log) in enumerate(logs) if log >= 0]
    if not above:
        return float(logs[0][0])
    (left, over), (right, under) = logs[above[-1]], logs[above[-1] + 1]
    return float(left * (right / left) ** (over / (over - under)))


def _masked_accuracy(rows: Sequence[Row]) -> str:
    return _accuracy_by_length(rows, "mlm", {name: variant.title for name, variant in VARIANTS.items()})


def _extrapolation(rows: Sequence[Row]) -> str:
    return _accuracy_by_length(rows, "extrapolation", BIASES)


def _accuracy_by_length(rows: Sequence[Row], group: str, titles: Mapping[str, str]) -> str:
    lines = []
    for size in SIZES.values():
        found = by_seed(rows, group, size, "accuracy")
        weights = by_seed(rows, group, size, "parameters")
        for name, title in titles.items():
            cells = [_summary(_of_variant(found, name, str(length))) for length in _TESTED]
            if any(cells):
                count = statistics.fmean(_of_variant(weights, name, "").values())
                lines.append([size.name, title, f"{count / 1e6:.2f}", *cells])
    return _table(["size", "encoder", "million weights", *map(str, _TESTED)], lines)


def _of_variant(found: Mapping[tuple[str, str, str], dict[int, float]], name: str, length: str) -> dict[int, float]:
    return next((values for (variant, _, at), values in found.items() if (variant, at) == (name, length)), {})


def _directions(rows: Sequence[Row]) -> str:
    return _table(COLUMNS, claim_lines(rows))


def _gain(rows: Sequence[Row]) -> str:
    lines = []
    for size in SIZES.values():
        best = best_by_dev(rows, size)
        for start in (SCRATCH, *size.masked):
            cells = [_summary(best.get((start, data), {})) for data in GAIN_SETS]
            if any(cells):
                lines.append([size.name, start, *cells])
    return _table(["size", "encoder", *(EXPERIMENTS[data].title for data in GAIN_SETS)], lines)


def _decoder(rows: Sequence[Row]) -> str:
    lines = []
    for size in SIZES.values():
        found = by_seed(rows, "decoder", size, "f1")
        cells = [_summary(_of_variant(found, attention, "")) for attention in ATTENTIONS]
        if any(cells):
            lines.append([size.name, *cells])
    return _table(["size", *ATTENTIONS], lines)


def _time(rows: Sequence[Row]) -> str:
    return _by_length(rows, "time_ms")


def _memory(rows: Sequence[Row]) -> str:
    return _by_length(rows, "memory_mib")


def _by_length(rows: Sequence[Row], metric: str) -> str:
    lines = []
    for setup in setups(rows):
        points = speed_points(rows, setup, metric)
        for name, title in CONTENDERS.items():
            if name in points:
                values = dict(points[name])
                cells = [f"{values[length]:,.0f}" if length in values else "" for length in LENGTHS]
                lines.append([str(setup), title, *cells])
    return _table(["measured on", "encoder", *map(str, LENGTHS)], lines)


def _crossing(rows: Sequence[Row]) -> str:
    lines = []
    for setup in setups(rows):
        ratios = speed_points(rows, setup, "base_ratio")
        memory = speed_points(rows, setup, "memory_mib")
        for name in VARIANTS:
            if name != BASE and name in ratios:
                time = crossing([(length, 1 / ratio) for length, ratio in ratios[name]], _ones(ratios[name]))
                less = crossing(memory[name], memory[BASE])
                cells = [_tokens(value) for value in (time, less, fewer_from(setup.size, name))]
                lines.append([str(setup), VARIANTS[name].title, *cells])
    return _table(["measured on", "encoder", "less time from", "less memory from", "fewer operations from"], lines)


def _ones(points: Points) -> Points:
    return [(length, 1.0) for length, _ in points]


def _tokens(length: float | None) -> str:
    return "never" if length is None else f"{length:,.0f}"


def _against_transformers(rows: Sequence[Row]) -> str:
    lines = []
    for setup in setups(rows):
        turns, pairs = (speed_points(rows, setup, "base_ratio", group=group) for group in ("speed", "pairs"))
        # Where there are no pairs yet, what came out when all took turns.
        ratios = {name: dict([*turns.get(name, ()), *pairs.get(name, ())]) for name in TRANSFORMERS}
        for length in LENGTHS:
            found = [ratios[name].get(length) for name in TRANSFORMERS]
            if any(ratio is not None for ratio in found):
                reached = all(ratio is None or ratio <= _GOAL_RATIO for ratio in found)
                cells = ["" if ratio is None else f"{ratio:.2f}" for ratio in found]
                lines.append([str(setup), f"{length:,}", *cells, "yes" if reached else "no"])
    heads = [f"time by that of {CONTENDERS[name]}" for name in TRANSFORMERS]
    return _table(["measured on", "tokens", *heads, f"at most {_GOAL_RATIO}"], lines)


def _flops(rows: Sequence[Row]) -> str:
    lines = []
    for setup in setups(rows):
        points = speed_points(rows, setup, "flops")
        for name in VARIANTS:
            if name in points:
                ratios = [count / formula_flops(setup.size, name, length) for length, count in points[name]]
                near = all(abs(ratio - 1) <= _GOAL_FLOPS for ratio in ratios)
                cells = [f"{min(ratios):.3f}", f"{max(ratios):.3f}", "yes" if near else "no"]
                lines.append([str(setup), VARIANTS[name].title, *cells])
    return _table(["measured on", "encoder", "lowest", "highest", "within 20 %"], lines)


def _summary(values: Mapping[int, float]) -> str:
    """Mean and standard deviation in per cent."""
    if not values:
        return ""
    spread = f" ± {100 * statistics.stdev(values.values()):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.fmean(values.values()):.1f}{spread}"


def _table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    cells = list(lines)
    return markdown_table(columns, cells) if cells else _NOTHING


ENCODER_TABLES: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "encoders-mlm": _masked_accuracy,
    "encoders-directions": _directions,
    "encoders-gain": _gain,
    "encoders-decoder": _decoder,
    "encoders-extrapolation": _extrapolation,
    "encoders-time": _time,
    "encoders-memory": _memory,
    "encoders-crossing": _crossing,
    "encoders-transformers": _against_transformers,
    "encoders-flops": _flops,
}
