"""What a profile holds: costs by length and part, and where one thing comes to cost more than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from globalner.profiling.encoder_formulas import Flops
from globalner.profiling.encoder_shape import EncoderShape
from globalner.profiling.part import Part

__all__ = ["Crossing", "EncoderProfile", "LengthProfile", "PartProfile", "Profile"]


@dataclass(frozen=True)
class PartProfile:
    """What a part costs in a training step.

    Attributes:
        part: The part.
        formula: Operations of its matrix products by the formulas; None where there is none.
        counted: The same as they were counted; None where they were not.
        forward_ms: Milliseconds of the forward pass; None where nothing was measured.
        backward_ms: Milliseconds of the backward pass.
        kept_mib: What it keeps for the backward pass, in MiB.
    """

    part: Part
    formula: Flops | None
    counted: Flops | None = None
    forward_ms: float | None = None
    backward_ms: float | None = None
    kept_mib: float | None = None

    @property
    def step_ms(self) -> float | None:
        """Milliseconds of both passes."""
        return None if self.forward_ms is None or self.backward_ms is None else self.forward_ms + self.backward_ms

    @property
    def formula_flops(self) -> int | None:
        """Operations of both passes by the formulas."""
        return None if self.formula is None else self.formula.step

    @property
    def counted_flops(self) -> int | None:
        """Operations of both passes as they were counted."""
        return None if self.counted is None else self.counted.step

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        formula, counted = ({} if flops is None else vars(flops) for flops in (self.formula, self.counted))
        return {
            "part": self.part,
            "forward_flops_formula": formula.get("forward"),
            "forward_flops": counted.get("forward"),
            "backward_flops_formula": formula.get("backward"),
            "backward_flops": counted.get("backward"),
            "forward_ms": self.forward_ms,
            "backward_ms": self.backward_ms,
            "kept_mib": self.kept_mib,
        }


@dataclass(frozen=True)
class LengthProfile:
    """Training steps at one length.

    Attributes:
        tokens: Tokens of a text.
        parts: The parts, in the order in which a text goes through them.
        steps: How many steps were timed; 0 where the length was left out.
        step_ms: Median milliseconds of a whole step that nothing was measured in.
        peak_mib: Most memory of a GPU in use; None elsewhere.
    """

    tokens: int
    parts: Sequence[PartProfile]
    steps: int = 0
    step_ms: float | None = None
    peak_mib: float | None = None

    def time_ms(self, parts: Sequence[Part]) -> float | None:
        """Milliseconds of some parts, both passes; None where they were not measured."""
        if not self.steps:
            return None
        return sum(part.step_ms or 0.0 for part in self.parts if part.part in parts)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "tokens": self.tokens,
            "steps": self.steps,
            "step_ms": self.step_ms,
            "peak_mib": self.peak_mib,
            "parts": [part.to_dict() for part in self.parts],
        }


@dataclass(frozen=True)
class EncoderProfile:
    """One model at all lengths.

    Attributes:
        description: Its encoder in words.
        shape: Sizes of the encoder; None for a family that nothing is known of.
        weights_mib: Memory of the weights of each part.
        lengths: By rising length.
    """

    description: str
    shape: EncoderShape | None
    weights_mib: dict[Part, float]
    lengths: Sequence[LengthProfile]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "description": self.description,
            "weights_mib": self.weights_mib,
            "lengths": [length.to_dict() for length in self.lengths],
        }


@dataclass(frozen=True)
class Crossing:
    """From how many tokens on one thing costs more than another.

    Attributes:
        name: For programs.
        meaning: For people.
        tokens: By the formulas, in multiplications of the forward pass; 0 for any length, None for never.
        measured: By time of both passes: "below" the least length tried, "above" the greatest, "about" so many tokens;
            None where the two were not both measured.
        measured_tokens: The number that goes with it.
    """

    name: str
    meaning: str
    tokens: float | None
    measured: str | None = None
    measured_tokens: float | None = None


@dataclass(frozen=True)
class Profile:
    """All that `globalner profile` finds.

    Attributes:
        recipe: Name of the recipe.
        types: Entity types; None for a recipe for pretraining.
        texts: Texts in a batch.
        device: "cpu", "cuda", ...
        threads: Of the CPU.
        precision: "fp32", "bf16" or "fp16".
        encoder: The recipe's model.
        against: The one it was compared with, if any.
        crossings: See `Crossing`.
        notes: What was assumed or left out.
    """

    recipe: str
    types: int | None
    texts: int
    device: str
    threads: int
    precision: str
    encoder: EncoderProfile
    against: EncoderProfile | None
    crossings: Sequence[Crossing]
    notes: Sequence[str]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "recipe": self.recipe,
            "types": self.types,
            "texts": self.texts,
            "device": self.device,
            "threads": self.threads,
            "precision": self.precision,
            **self.encoder.to_dict(),
            "against": self.against and self.against.to_dict(),
            "crossings": [vars(crossing) for crossing in self.crossings],
            "notes": list(self.notes),
        }
