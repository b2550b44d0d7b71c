"""Draws docs/images/span_loss.svg: time and memory of the span loss against tokens and against entity types.

    python -m benchmarks.span_loss_plot

The picture is made of the rows in results/span_loss.csv alone and is the same each time; it carries a fingerprint of
what it shows, by which a test tells that it is up to date.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.measured_rows import TABLE
from benchmarks.results_file import read_rows
from benchmarks.svg_picture import svg_picture

__all__ = ["PICTURE", "draw", "fingerprint", "series"]

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "span_loss.svg"

_COLOURS = {"published": "#c0504d", "tiled": "#1f77b4"}
_SWEEPS = {
    "length": ("L", "tokens", "GlobalPointer, 1 text, 10 types"),
    "types": ("C", "entity types", "Efficient GlobalPointer, 4 texts, 512 tokens"),
}
_METRICS = {"time": "forward and backward, ms", "memory": "peak extra memory, MiB"}

Row = Mapping[str, str]
Points = list[tuple[int, float]]


def main() -> int:
    """Draws the picture."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(read_rows(TABLE)), encoding="utf-8")
    print(PICTURE)
    return 0


def series(rows: Sequence[Row], sweep: str, metric: str) -> dict[str, Points]:
    """Points (size, median) of each implementation over a sweep, by rising size.

    Args:
        rows: Of the results file.
        sweep: "length" or "types".
        metric: "time" or "memory".
    """
    lines: dict[str, Points] = {}
    # Ten thousand types were measured with fewer texts, and do not belong to the line.
    shape = {"length": r"B 1, C 10, L (\d+),", "types": r"B 4, C (\d+), L 512,"}[sweep]
    for row in rows:
        size = re.match(shape, row["shape"])
        if size and row["metric"] == metric and row["case"].startswith(f"{sweep}-") and row["impl"] in _COLOURS:
            lines.setdefault(row["impl"], []).append((int(size[1]), float(row["p50"])))
    return {impl: sorted(lines[impl]) for impl in _COLOURS if impl in lines}


def fingerprint(rows: Sequence[Row]) -> str:
    """Of all that the picture shows."""
    return hashlib.sha256(repr(list(_shown(rows))).encode()).hexdigest()[:16]


def draw(rows: Sequence[Row]) -> str:
    """The picture as SVG; where nothing is measured the axes are empty and say so."""

    def fill(figure: Figure) -> None:
        axes = figure.subplots(len(_METRICS), len(_SWEEPS), squeeze=False)
        for (sweep, metric), place in zip(
            ((sweep, metric) for metric in _METRICS for sweep in _SWEEPS), axes.flat, strict=True
        ):
            _draw_lines(place, sweep, metric, series(rows, sweep, metric))

    return svg_picture("span_loss", (8, 5.6), fingerprint(rows), fill)


def _draw_lines(place: Axes, sweep: str, metric: str, lines: Mapping[str, Points]) -> None:
    letter, of_what, title = _SWEEPS[sweep]
    place.set_xlabel(f"{of_what} ({letter})")
    place.set_ylabel(_METRICS[metric])
    place.set_title(title, fontsize=9)
    if not lines:
        place.text(0.5, 0.5, "not measured yet", ha="center", va="center", transform=place.transAxes)
        return
    place.set_xscale("log")
    place.set_yscale("log")
    sizes = sorted({size for points in lines.values() for size, _ in points})
    place.set_xticks(sizes, labels=[str(size) for size in sizes])
    place.minorticks_off()
    for impl, points in lines.items():
        place.plot(*zip(*points, strict=True), marker="o", markersize=4, color=_COLOURS[impl], label=impl)
    place.grid(alpha=0.3)
    place.legend()


def _shown(rows: Sequence[Row]) -> Iterator[dict[str, Points]]:
    for sweep in _SWEEPS:
        for metric in _METRICS:
            yield series(rows, sweep, metric)


if __name__ == "__main__":
    sys.exit(main())
