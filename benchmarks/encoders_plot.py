"""Draws docs/images/encoders.svg: accuracy, time and memory of the encoders against the length of the text.

    python -m benchmarks.encoders_plot

The picture is made of the rows in results/encoders.csv alone and is the same each time; it carries a fingerprint of
what it shows, by which a test tells that it is up to date.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.encoder_cases import SIZES, VARIANTS
from benchmarks.encoder_flops import CONTENDERS
from benchmarks.encoder_rows import by_seed, setups, speed_points
from benchmarks.encoder_runs import TABLE, TOKENS
from benchmarks.results_file import read_rows
from benchmarks.svg_picture import svg_picture

__all__ = ["PICTURE", "Panel", "draw", "fingerprint", "panels"]

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "encoders.svg"

_COLOURS = {
    "roformer": "#1f77b4",
    "roformer-entropy": "#17becf",
    "gau-relu-squared": "#c0504d",
    "gau-softmax": "#e0a030",
    "gau-softmax-plus": "#8c564b",
    "flash": "#9467bd",
    "linear-exp": "#2ca02c",
    "performer": "#7f7f7f",
    "transformers-roformer": "#000000",
    "transformers-bert": "#000000",
}
_STYLES = {"transformers-roformer": "--", "transformers-bert": ":"}

Row = Mapping[str, str]
Points = list[tuple[int, float]]


class Panel(NamedTuple):
    """One pair of axes.

    Attributes:
        title: Above it.
        unit: Of the upright axis.
        lines: Points (length, value) by variant.
    """

    title: str
    unit: str
    lines: dict[str, Points]


def main() -> int:
    """Draws the picture."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(read_rows(TABLE)), encoding="utf-8")
    print(PICTURE)
    return 0


def panels(rows: Sequence[Row]) -> list[Panel]:
    """Accuracy of the largest size, and time and memory of the largest setup that there are rows of."""
    accuracy: dict[str, Points] = {}
    title = "hidden tokens found"
    for size in SIZES.values():
        found = by_seed(rows, "mlm", size, "accuracy")
        if found:
            accuracy, title = {}, f"hidden tokens found ({size.name}, trained at 128)"
        for (variant, _, length), values in found.items():
            mean = 100 * statistics.fmean(values.values())
            accuracy.setdefault(variant, []).append((int(length), mean))
    measured = list(setups(rows))
    timed = f"a pass over {TOKENS:,} tokens"
    time, memory = (
        speed_points(rows, measured[-1], metric) if measured else {} for metric in ("time_ms", "memory_mib")
    )
    timed += f" ({measured[-1]})" if measured else ""
    return [Panel(title, "%", accuracy), Panel(timed, "ms", time), Panel(timed, "MiB", memory)]


def fingerprint(rows: Sequence[Row]) -> str:
    """Of all that the picture shows."""
    return hashlib.sha256(repr(panels(rows)).encode()).hexdigest()[:16]


def draw(rows: Sequence[Row]) -> str:
    """The picture as SVG; where nothing is measured the axes are empty and say so."""
    shown = panels(rows)

    def fill(figure: Figure) -> None:
        for place, panel in zip(figure.subplots(1, len(shown)), shown, strict=True):
            _draw_panel(place, panel)

    return svg_picture("encoders", (12, 4.2), fingerprint(rows), fill)


def _draw_panel(place: Axes, panel: Panel) -> None:
    place.set_xlabel("tokens of a text")
    place.set_ylabel(panel.unit)
    place.set_title(panel.title, fontsize=9)
    if not panel.lines:
        place.text(0.5, 0.5, "not measured yet", ha="center", va="center", transform=place.transAxes)
        return
    place.set_xscale("log")
    if panel.unit != "%":
        place.set_yscale("log")
    lengths = sorted({length for points in panel.lines.values() for length, _ in points})
    place.set_xticks(lengths, labels=[str(length) for length in lengths])
    place.minorticks_off()
    titles = {name: variant.title for name, variant in VARIANTS.items()} | dict(CONTENDERS)
    for name, colour in _COLOURS.items():
        if name in panel.lines:
            style = _STYLES.get(name, "-")
            points = zip(*sorted(panel.lines[name]), strict=True)
            place.plot(*points, style, marker="o", markersize=3, color=colour, label=titles[name])
    place.grid(alpha=0.3)
    place.legend(fontsize=7)


if __name__ == "__main__":
    sys.exit(main())
