"""Profiles a subject at several lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from globalner.profiling.crossings import Side, comparisons, measured_crossing
from globalner.profiling.encoder_formulas import Flops
from globalner.profiling.encoder_shape import EncoderShape
from globalner.profiling.free_memory import free_bytes
from globalner.profiling.measure import Counts, Place, Times, count_step, time_steps
from globalner.profiling.part import PARTS, Part
from globalner.profiling.parts_of_model import weight_bytes
from globalner.profiling.profile import Crossing, EncoderProfile, LengthProfile, PartProfile
from globalner.profiling.subject import Subject

__all__ = ["Settings", "find_crossings", "profile_encoder"]

_MIB = 1 << 20
_SHARE = 0.8
"""Of the free memory, what a step may keep; it takes some more on its way."""


@dataclass(frozen=True)
class Settings:
    """How steps are measured.

    Attributes:
        texts: Texts in a batch.
        steps: How often a step is timed.
        precision: "fp32", "bf16" or "fp16".
        say: Takes lines about what is going on.
    """

    texts: int
    steps: int
    precision: str
    say: Callable[[str], None]


def profile_encoder(subject: Subject, lengths: Sequence[int], settings: Settings) -> tuple[EncoderProfile, list[str]]:
    """Measures a subject at lengths, the least first.

    A length whose memory would not fit, were it to grow with the square of the length, is left out, with all longer
    ones; formulas there are for it nonetheless.

    Args:
        subject: The model, on its device.
        lengths: In tokens, rising.
        settings: How.

    Returns:
        The profile, and notes about what was left out.
    """
    description = describe(subject)
    measured: list[LengthProfile] = []
    notes: list[str] = []
    fused, kept, before = False, 0, 0
    for tokens in lengths:
        wanted = kept * tokens**2 // max(1, before) ** 2
        free = free_bytes(subject.model.device)
        if notes or (free is not None and wanted > _SHARE * free):
            notes = notes or [
                f"{description}: from {tokens:,} tokens on nothing was measured, since it might have taken "
                f"{wanted / _MIB:,.0f} MiB and {(free or 0) / _MIB:,.0f} were free"
            ]
            measured.append(LengthProfile(tokens, _by_formula(subject, tokens, settings.texts, fused)))
            continue
        step = subject.step(tokens, settings.texts)
        counts = count_step(subject, step, settings.precision)
        times = time_steps(subject, step, settings.precision, settings.steps)
        fused, kept, before = counts.fused, sum(counts.kept_bytes.values()), tokens
        parts = list(_measured(subject, tokens, settings.texts, counts, times))
        peak = None if times.peak_bytes is None else times.peak_bytes / _MIB
        measured.append(LengthProfile(tokens, parts, times.steps, 1e3 * times.step_s, peak))
        settings.say(f"{description}, {tokens:,} tokens: {1e3 * times.step_s:,.1f} ms a step, {times.steps} timed")
    weights = {part: count / _MIB for part, count in weight_bytes(subject.parts).items()}
    return EncoderProfile(description, subject.shape, weights, measured), notes


def find_crossings(encoder: EncoderProfile, against: EncoderProfile | None) -> list[Crossing]:
    """What is worth knowing of the encoder's shape, by formula and, where both sides were measured, by time."""
    if encoder.shape is None:
        return []
    found = []
    for comparison in comparisons(encoder.shape):
        sides = [_times(side, encoder, against) for side in (comparison.dearer, comparison.cheaper)]
        tokens = sorted(set(sides[0]) & set(sides[1]))
        measured = None
        if tokens:
            measured = measured_crossing(tokens, *([side[length] for length in tokens] for side in sides))
        word, number = measured or (None, None)
        found.append(Crossing(comparison.name, comparison.meaning, comparison.tokens, word, number))
    return found


def describe(subject: Subject) -> str:
    """An encoder in a few words."""
    config, shape = subject.encoder.config, subject.shape
    if shape is None:
        return f"{config.model_type}, {config.num_hidden_layers} layers {config.hidden_size} wide"
    what = shape.attention if config.model_type == "globalner_native" else config.model_type
    sizes = {
        "gau": f"key size {shape.key_size}, gate {shape.value_size}",
        "flash": f"key size {shape.key_size}, gate {shape.value_size}, chunks of {shape.chunk_size}",
        "linear": f"{shape.heads} heads, key size {shape.key_size}",
        "performer": f"{shape.heads} heads, {shape.num_features} features",
    }
    units = "units" if shape.gated else "layers"
    return f"{what}, {shape.layers} {units} {shape.width} wide, {sizes.get(shape.attention, f'{shape.heads} heads')}"


def _parts(subject: Subject) -> list[Part]:
    there = {*subject.parts.values(), "head", "loss"}
    return [part for part in PARTS if part in there]


def _by_formula(subject: Subject, tokens: int, texts: int, fused: bool) -> list[PartProfile]:
    formula = subject.flops(tokens, texts, fused=fused)
    return [PartProfile(part, formula.get(part)) for part in _parts(subject)]


def _measured(subject: Subject, tokens: int, texts: int, counts: Counts, times: Times) -> Iterator[PartProfile]:
    formula = subject.flops(tokens, texts, fused=counts.fused)
    for part in _parts(subject):
        forward: Place = ("forward", part)
        backward: Place = ("backward", part)
        flops = Flops(counts.flops.get(forward, 0), counts.flops.get(backward, 0))
        expected = formula.get(part)
        kept = counts.kept_bytes.get(part, 0)
        if part == "loss":
            kept += texts * subject.loss_keeps_bytes(tokens)
        yield PartProfile(
            part,
            expected,
            flops if part != "loss" or subject.loss_in_torch else None,
            1e3 * times.parts_s.get(forward, 0.0),
            1e3 * times.parts_s.get(backward, 0.0),
            kept / _MIB,
        )


def _times(side: Side, encoder: EncoderProfile, against: EncoderProfile | None) -> dict[int, float]:
    """Milliseconds of a side by tokens, where an encoder of that shape was measured."""
    for profile in (encoder, against):
        # What divides by a sum and what does not is told apart in the formulas only.
        if profile is not None and profile.shape is not None and _alike(profile.shape) == _alike(side.shape):
            timed = {length.tokens: length.time_ms(side.parts) for length in profile.lengths}
            return {tokens: time for tokens, time in timed.items() if time}
    return {}


def _alike(shape: EncoderShape) -> EncoderShape:
    return replace(shape, denominator=True, key_heads=shape.key_heads or shape.heads)
