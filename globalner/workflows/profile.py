"""Profile the training step of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from globalner.config import PretrainRecipe, Recipe
from globalner.encoders import ATTENTIONS, Attention
from globalner.errors import ConfigError
from globalner.extractor import choose_device
from globalner.layers import check_option
from globalner.profiling import (
    EncoderProfile,
    Plan,
    Profile,
    Settings,
    find_crossings,
    longest_tokens,
    plan_profile,
    profile_encoder,
)
from globalner.profiling.plot import check_plot, draw_profile

__all__ = ["ProfileOptions", "default_lengths", "profile_recipe"]

_LEAST, _MOST = 128, 8192


@dataclass(frozen=True)
class ProfileOptions:
    """What to measure, and how.

    Attributes:
        lengths: In tokens; None for powers of two from 128 to 8192, as far as the encoder has positions.
        types: Number of entity types.
        texts: Texts in a batch.
        steps: How often a step is timed.
        against: Attention of an encoder of about the same size to compare with; None for no comparison.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "fp32", "bf16" or "fp16"; None for that of the recipe.
        plot: File of the picture; None for no picture.
        say: Takes lines about what is going on.
    """

    lengths: Sequence[int] | None = None
    types: int = 10
    texts: int = 1
    steps: int = 5
    against: str | None = None
    device: str = "auto"
    precision: str | None = None
    plot: Path | None = None
    say: Callable[[str], None] = lambda _: None


def profile_recipe(recipe: Recipe | PretrainRecipe, options: ProfileOptions) -> Profile:
    """Measures what a recipe's training step costs by part and length, beside the formulas; draws it if asked to.

    Neither the recipe's data nor weights are read: the model has random weights and reads random tokens.

    Args:
        recipe: The recipe.
        options: What to measure.

    Raises:
        ConfigError: If a length is more than the encoder has positions for, the encoder cannot be had or compared, or
            there is no such device.
        MissingExtraError: If a picture is wanted and matplotlib is not installed.
        OutputError: If the picture cannot be written.
    """
    if options.plot is not None:
        check_plot(options.plot)
    device = choose_device(options.device)
    plans = [plan_profile(recipe, types=options.types)]
    if options.against is not None:
        check_option("attention", options.against, ATTENTIONS)
        plans.append(plans[0].against(cast(Attention, options.against)))
    settings = Settings(options.texts, options.steps, options.precision or recipe.training.precision, options.say)
    encoders: list[EncoderProfile] = []
    notes = list(plans[0].notes)
    for plan in plans:
        profile, left_out = _profile_plan(plan, device, options.lengths, settings)
        encoders.append(profile)
        notes += left_out
    against = encoders[1] if len(encoders) > 1 else None
    made = Profile(
        recipe=recipe.name,
        types=options.types if isinstance(recipe, Recipe) else None,
        texts=options.texts,
        device=device.type,
        threads=torch.get_num_threads(),
        precision=settings.precision,
        encoder=encoders[0],
        against=against,
        crossings=find_crossings(encoders[0], against),
        notes=notes,
    )
    if options.plot is not None:
        draw_profile(made, options.plot)
    return made


def default_lengths(window_tokens: int, longest: int | None) -> list[int]:
    """Powers of two from 128 to 8192 and the window of a recipe, as far as an encoder has positions."""
    powers = [_LEAST << place for place in range((_MOST // _LEAST).bit_length())]
    fitting = {length for length in (*powers, window_tokens) if longest is None or length <= longest}
    return sorted(fitting) or [longest or window_tokens]


def _profile_plan(
    plan: Plan, device: torch.device, lengths: Sequence[int] | None, settings: Settings
) -> tuple[EncoderProfile, list[str]]:
    subject = plan.subject(device)
    longest = longest_tokens(subject.encoder)
    if lengths is None:
        lengths = default_lengths(plan.window_tokens, longest)
    for length in lengths:
        if longest is not None and length > longest:
            raise ConfigError(f"a length of {length:,} tokens is more than the encoder has positions for: {longest:,}")
    notes = []
    if subject.shape is None:
        notes = [f"no formula is known for the layers of a {subject.encoder.config.model_type}: counted only"]
    elif not subject.known:
        notes = ["no formula is given for an encoder of which a part is trained (lora, trainable_layers): counted only"]
    profile, left_out = profile_encoder(subject, sorted(set(lengths)), settings)
    return profile, [*notes, *left_out]
