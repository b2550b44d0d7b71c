"""A profile as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from globalner.cli.console import Console

if TYPE_CHECKING:
    from globalner.profiling import Crossing, EncoderProfile, LengthProfile, Profile

__all__ = ["print_profile"]

_COLUMNS = ("tokens", "part", "GFLOP by formula", "counted", "forward, ms", "backward, ms", "share, %", "kept, MiB")
_GIGA = 1e9


def print_profile(console: Console, profile: Profile) -> None:
    """A table for each encoder with a row for each length and part, one of the crossing points, and the notes."""
    from globalner.profiling import EncoderProfile

    types = "" if profile.types is None else f"{profile.types:,} types, "
    where = profile.device + (f" with {profile.threads} thread(s)" if profile.device == "cpu" else "")
    console.result(
        f"{profile.recipe}: a training step of {profile.texts:,} text(s), {types}{where}, {profile.precision}; "
        "multiplications and additions of matrix products, forward and backward"
    )
    for encoder in (profile.encoder, profile.against):
        if isinstance(encoder, EncoderProfile):
            _print_encoder(console, encoder)
    if profile.crossings:
        console.result("from how many tokens on, by formula (forward) and as timed (forward and backward)")
        console.table(("", "by formula", "as timed"), [_crossing_row(crossing) for crossing in profile.crossings])
    for note in profile.notes:
        console.result(f"note: {note}")


def _print_encoder(console: Console, encoder: EncoderProfile) -> None:
    weights = sum(encoder.weights_mib.values())
    console.result(f"{encoder.description}; weights {_number(weights)} MiB")
    console.table(_COLUMNS, [row for length in encoder.lengths for row in _rows(length)])


def _rows(length: LengthProfile) -> Iterator[Sequence[str]]:
    from globalner.profiling.part import PART_TITLES

    watched = sum(part.step_ms or 0.0 for part in length.parts)
    for place, part in enumerate(length.parts):
        share = None if part.step_ms is None or not watched else 100 * part.step_ms / watched
        yield (
            f"{length.tokens:,}" if place == 0 else "",
            PART_TITLES[part.part],
            _billions([part.formula_flops]),
            _billions([part.counted_flops]),
            _number(part.forward_ms),
            _number(part.backward_ms),
            _number(share),
            _number(part.kept_mib),
        )
    yield _whole(length)


def _whole(length: LengthProfile) -> Sequence[str]:
    whole = None if length.step_ms is None else f"whole step: {_number(length.step_ms)} ms"
    peak = "" if length.peak_mib is None else f", peak {_number(length.peak_mib)} MiB"
    return (
        "",
        f"{whole or 'not measured'}{peak}",
        _billions([part.formula_flops for part in length.parts]),
        _billions([part.counted_flops for part in length.parts]),
        _sum([part.forward_ms for part in length.parts]),
        _sum([part.backward_ms for part in length.parts]),
        "",
        _sum([part.kept_mib for part in length.parts]),
    )


def _sum(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _number(sum(known)) if known else ""


def _billions(values: Sequence[int | None]) -> str:
    """The sum; nothing where one is not known."""
    known = [value for value in values if value is not None]
    return _number(sum(known) / _GIGA) if len(known) == len(values) else ""


def _crossing_row(crossing: Crossing) -> Sequence[str]:
    tokens = crossing.tokens
    formula = "never" if tokens is None else "at any length" if tokens == 0 else f"{tokens:,.0f}"
    timed = "" if crossing.measured is None else f"{crossing.measured} {crossing.measured_tokens:,.0f}"
    return crossing.meaning, formula, timed


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = next((digits for least, digits in ((100, 0), (10, 1), (1, 2), (0.01, 3)) if value >= least), 6)
    return f"{value:,.{digits}f}"
