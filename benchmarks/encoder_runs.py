"""What `benchmarks.encoders` measures: the runs of each group, and what stands in their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.encoder_cases import (
    BIASES,
    VARIANTS,
    Pretraining,
    Size,
    causal_pretraining,
    masked_pretraining,
    shape_changes,
)
from benchmarks.experiments import EXPERIMENTS
from benchmarks.results_file import RESULTS

__all__ = [
    "ATTENTIONS",
    "GAIN_SETS",
    "GROUPS",
    "LENGTHS",
    "RATES",
    "SCRATCH",
    "TABLE",
    "TIMED",
    "TOKENS",
    "EncoderRun",
    "Place",
    "Value",
]

TABLE = RESULTS / "encoders.csv"

GAIN_SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    name: (EXPERIMENTS[name].recipe, (*EXPERIMENTS[name].changes, "training.tagging_weight=0.0"))
    for name in ("cluener-fifth", "cmeee-fifth")
}
"""Recipes that pretrained encoders go on with, and changes to them."""

SCRATCH = "from scratch"
RATES = ("2.0e-3", "5.0e-4")
"""Learning rates of the encoder that are tried; the better on dev counts, for each start by itself."""

DECODER_RECIPE = (
    "wnut17",
    ("training.encoder_learning_rate=1.0e-3", "training.epochs=10", "training.tagging_weight=0.0"),
)
TIMED = ("speed", "pairs")
"""Groups that say something only if nothing else runs."""

ATTENTIONS = ("causal", "half", "bidirectional")

LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192)
TOKENS = 8192
"""Tokens of a pass that is timed: many short texts or one long one."""


@dataclass(frozen=True)
class Place:
    """Where and how runs are computed.

    Attributes:
        data_dir: Folder of the data; None where none is needed.
        keep: Folder of what is pretrained.
        device: "cpu", "cuda" or "mps".
        precision: "fp32" or "bf16".
        most_gib: Nothing is timed that would take more memory.
        table: The rows so far.
    """

    data_dir: Path | None
    keep: Path
    device: str = "cpu"
    precision: str = "fp32"
    most_gib: float = 8.0
    table: Path = TABLE


@dataclass(frozen=True)
class Value:
    """One number that came out.

    Attributes:
        metric: What it is.
        value: The number; a median where there are bounds.
        low: Lower bound (the 20 % quantile of repeats).
        high: Upper bound (80 %).
        length: Tokens of a text; None where it is of no one length.
        variant: Where a run measures several.
        settings: Where they are known only after the run.
    """

    metric: str
    value: float | int
    low: float | None = None
    high: float | None = None
    length: int | None = None
    variant: str | None = None
    settings: str | None = None


@dataclass(frozen=True)
class EncoderRun:
    """Something to measure in a process of its own.

    Attributes:
        group: One of `GROUPS`.
        size: How large the encoder is.
        place: Where and how.
        variant: What is held against others of the group.
        seed: Of pretraining and training; None where nothing is random.
        data: What it is measured on.
        recipe: Recipe of `globalner train`; None where nothing is trained but what is pretrained.
        changes: Changes to it, KEY=VALUE each.
        pretraining: Where the encoder comes from; None from scratch.
        length: Tokens of a text, of what is timed.
    """

    group: str
    size: Size
    place: Place
    variant: str = ""
    seed: int | None = None
    data: str = ""
    recipe: str | None = None
    changes: tuple[str, ...] = ()
    pretraining: Pretraining | None = None
    length: int | None = None

    @property
    def folder(self) -> Path:
        """Where what it goes on with is pretrained.

        Raises:
            ValueError: If that is from scratch.
        """
        if self.pretraining is None or self.seed is None:
            raise ValueError(f"nothing is pretrained for {self}")
        return (self.place.keep / self.pretraining.folder_name(self.seed)).resolve()

    @property
    def settings(self) -> str:
        """All that decides what comes out, but for the seed and what has a column of its own."""
        after = [] if self.pretraining is None else ["after", self.pretraining.settings]
        return " ".join([*self.changes, *(after if self.recipe else after[1:])])

    @property
    def key(self) -> dict[str, str]:
        """The columns of its rows that tell it from other runs.

        Where and how accuracy is computed does not matter; of what is timed it does.
        """
        shared = {"group": self.group, "size": self.size.name}
        if self.length is not None:
            return shared | {
                "length": str(self.length),
                "device": self.place.device,
                "precision": self.place.precision,
            }
        return shared | {
            "data": self.data,
            "variant": self.variant,
            "seed": str(self.seed),
            "settings": self.settings,
        }

    def row(self, value: Value) -> dict[str, object]:
        """The row of a number, without machine, versions and commit."""
        return {
            "group": self.group,
            "data": self.data,
            "size": self.size.name,
            "variant": value.variant or self.variant,
            "seed": "" if self.seed is None else self.seed,
            "settings": value.settings or self.settings,
            "metric": value.metric,
            "length": value.length if self.length is None else self.length,
            "value": value.value,
            "low": value.low,
            "high": value.high,
            "device": self.place.device,
            "precision": self.place.precision,
        }

    def __str__(self) -> str:
        parts = [self.group, self.size.name, self.data, self.variant]
        parts += [f"seed {self.seed}"] if self.seed is not None else []
        parts += [f"{self.length} tokens"] if self.length is not None else []
        return ", ".join(part for part in parts if part)


def _masked(size: Size, seeds: Sequence[int], place: Place) -> Iterator[EncoderRun]:
    for seed in seeds:
        for variant in VARIANTS:
            pretraining = masked_pretraining(size, variant)
            yield EncoderRun("mlm", size, place, variant, seed, "text_zh", pretraining=pretraining)


def _gain(size: Size, seeds: Sequence[int], place: Place) -> Iterator[EncoderRun]:
    """The longest pretraining comes last, since it takes longer than all else."""
    for start in (SCRATCH, *size.masked):
        for seed in seeds:
            for data, (recipe, shared) in GAIN_SETS.items():
                for rate in RATES:
                    changes = (*shared, f"training.encoder_learning_rate={rate}")
                    if start == SCRATCH:
                        changes = (*changes, *shape_changes(size), "model.encoder.convolution_width=0")
                        pretraining = None
                    else:
                        pretraining = masked_pretraining(size, "roformer", start)
                    yield EncoderRun("pretraining-gain", size, place, start, seed, data, recipe, changes, pretraining)


def _decoder(size: Size, seeds: Sequence[int], place: Place) -> Iterator[EncoderRun]:
    recipe, shared = DECODER_RECIPE
    pretraining = causal_pretraining(size, "no-bias")
    for seed in seeds:
        for attention in ATTENTIONS:
            changes = (*shared, f"model.encoder.attention={attention}")
            yield EncoderRun("decoder", size, place, attention, seed, recipe, recipe, changes, pretraining)


def _extrapolation(size: Size, seeds: Sequence[int], place: Place) -> Iterator[EncoderRun]:
    for seed in seeds:
        for bias in BIASES:
            pretraining = causal_pretraining(size, bias)
            yield EncoderRun("extrapolation", size, place, bias, seed, "text_en", pretraining=pretraining)


def _timed(group: str, size: Size, seeds: Sequence[int], place: Place) -> Iterator[EncoderRun]:  # noqa: ARG001
    for length in LENGTHS:
        yield EncoderRun(group, size, place, length=length)


GROUPS: Mapping[str, Callable[[Size, Sequence[int], Place], Iterator[EncoderRun]]] = {
    **{group: partial(_timed, group) for group in TIMED},
    "mlm": _masked,
    "decoder": _decoder,
    "extrapolation": _extrapolation,
    "pretraining-gain": _gain,
}
"""In the order in which they are measured: what a later one needs is pretrained by an earlier one, if it is run."""
