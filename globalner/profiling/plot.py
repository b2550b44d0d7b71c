"""Draws a profile: operations, time and memory of each part against the length of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from globalner.errors import MissingExtraError, OutputError
from globalner.profiling.part import PART_TITLES, PARTS, Part
from globalner.profiling.profile import EncoderProfile, PartProfile, Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PLOT_SUFFIXES", "check_plot", "draw_profile"]

PLOT_SUFFIXES = (".svg", ".png", ".pdf")

_COLOURS: dict[Part, str] = {
    "embedding": "#7f7f7f",
    "attention_projections": "#9ecae1",
    "attention_mixing": "#1f77b4",
    "feed_forward": "#e6842a",
    "gate": "#c49c00",
    "rest": "#bdbdbd",
    "head": "#74c476",
    "loss": "#c0504d",
}

_LABELS = (
    "operations (lines: formula, dots: counted)",
    "forward and backward, ms",
    "kept for the backward pass, MiB",
    "whole step, ms",
)

Points = list[tuple[int, float]]
Value = Callable[[PartProfile], float | None]


def check_plot(path: Path) -> None:
    """Makes sure, before anything is measured, that a picture can be drawn and written.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        OutputError: If the file's name has another ending, or its folder is not there.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError('--plot needs matplotlib; install: pip install "globalner[plots]"')
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise OutputError(f"{path}: a picture is written as {', '.join(PLOT_SUFFIXES)}; give it one of these endings")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")


def draw_profile(profile: Profile, path: Path) -> None:
    """Writes a picture of four panels: operations (lines by formula, dots as counted), time, kept memory, whole steps.

    Upright lines show crossing points inside the lengths that were tried: by formula over the operations, as measured
    over the time.

    Raises:
        OutputError: If the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    encoder = profile.encoder
    with mpl.rc_context({"svg.hashsalt": "profile", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(10, 7), layout="constrained")
        flops, times, memory, whole = figure.subplots(2, 2).flat
        _draw_parts(flops, encoder, lambda cost: cost.formula_flops, "-")
        _draw_parts(flops, encoder, lambda cost: cost.counted_flops, "o", named=False)
        _draw_parts(times, encoder, lambda cost: cost.step_ms, "o-")
        _draw_parts(memory, encoder, lambda cost: cost.kept_mib, "o-")
        _draw_whole(whole, [one for one in (encoder, profile.against) if one is not None])
        for place, label in zip((flops, times, memory, whole), _LABELS, strict=True):
            _finish(place, label, [length.tokens for length in encoder.lengths])
        _mark_crossings(flops, encoder, {one.name: one.tokens for one in profile.crossings})
        measured = {one.name: one.measured_tokens for one in profile.crossings if one.measured == "about"}
        _mark_crossings(times, encoder, measured)
        measured_on = f"{profile.texts} text(s), {profile.device}, {profile.precision}"
        figure.suptitle(f"{profile.recipe}: {encoder.description}; {measured_on}", fontsize=9)
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def _draw_parts(place: Axes, encoder: EncoderProfile, value: Value, style: str, *, named: bool = True) -> None:
    lines: dict[Part, Points] = {part: [] for part in PARTS}
    for length in encoder.lengths:
        for cost in length.parts:
            number = value(cost)
            if number:
                lines[cost.part].append((length.tokens, number))
    for part, points in lines.items():
        if points:
            name = PART_TITLES[part] if named else None
            place.plot(*zip(*points, strict=True), style, markersize=4, color=_COLOURS[part], label=name)


def _draw_whole(place: Axes, encoders: Sequence[EncoderProfile]) -> None:
    for encoder in encoders:
        points = [(length.tokens, length.step_ms) for length in encoder.lengths if length.step_ms is not None]
        if points:
            place.plot(*zip(*points, strict=True), "o-", markersize=4, label=encoder.description)


def _finish(place: Axes, label: str, lengths: Sequence[int]) -> None:
    place.set_xlabel("tokens")
    place.set_ylabel(label)
    if place.lines:  # an empty panel has no logarithms to show
        from matplotlib.ticker import LogLocator

        place.set_xscale("log")
        place.set_yscale("log")
        place.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
        place.yaxis.set_major_formatter("{x:,g}")
        place.set_xticks(lengths, labels=[str(length) for length in lengths])
        place.minorticks_off()
        place.legend(fontsize=6)
    place.grid(alpha=0.3)


def _mark_crossings(place: Axes, encoder: EncoderProfile, crossings: Mapping[str, float | None]) -> None:
    first, last = encoder.lengths[0].tokens, encoder.lengths[-1].tokens
    for name, tokens in crossings.items():
        if tokens is not None and first <= tokens <= last:
            place.axvline(tokens, color="black", linewidth=0.7, linestyle=":")
            where = place.get_xaxis_transform()
            place.text(tokens, 0.02, name.replace("_", " "), rotation=90, fontsize=5, ha="right", transform=where)
