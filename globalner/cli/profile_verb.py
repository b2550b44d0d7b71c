"""`globalner profile`: what a training step costs by part and length."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    BatchSize,
    Debug,
    Device,
    DeviceName,
    Json,
    Overrides,
    Precision,
    Quiet,
    RecipeName,
    examples,
    verb_app,
)

__all__ = ["app"]

app = verb_app()

_LENGTHS = "--lengths"
_OPTION = re.compile(r"-(?![\d.])")


class ManyLengths(TyperCommand):
    """A command whose `--lengths` takes all words up to the next option or KEY=VALUE."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeats the option before each of its words, as click wants it."""
        words: list[str] = []
        inside = False
        for word in args:
            name, _, value = word.partition("=")
            if name == _LENGTHS:
                inside = True
                words += [_LENGTHS, value] if value else []
            elif inside and "=" not in word and not _OPTION.match(word):
                words += [_LENGTHS, word]
            else:
                inside = False
                words.append(word)
        # An option without a word is left for click to complain about.
        words += [_LENGTHS] if _LENGTHS in args and _LENGTHS not in words else []
        return super().parse_args(ctx, words)


@app.command(
    cls=ManyLengths,
    epilog=examples(
        "globalner profile cluener --lengths 128 256 512",
        "globalner profile cluener --against linear --plot profile.svg",
        "globalner profile demo model.encoder.attention=gau --json",
    ),
)
def profile(
    recipe: RecipeName,
    overrides: Overrides = None,
    lengths: Annotated[
        list[str] | None,
        typer.Option(
            _LENGTHS,
            metavar="N N ...",
            show_default=False,
            help="Tokens of a text; 128, 256, ... as far as the encoder reads, up to 8192, if left out.",
        ),
    ] = None,
    types: Annotated[int, typer.Option("--types", min=1, help="Number of entity types.")] = 10,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="ATTENTION",
            help="Measure a native encoder of this attention (softmax, gau, ...), about as large, beside it.",
        ),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="How often a step is timed; the median counts.")] = 5,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw a picture too (extra plots).")
    ] = None,
    device: Device = DeviceName.auto,
    batch_size: BatchSize = None,
    precision: Precision = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show what a recipe's training step costs by part and length: FLOPs by formula and as counted, time, memory.

    Needs neither the recipe's data nor weights. Says from how many tokens on linear attention pays.
    """
    from globalner.cli.profile_tables import print_profile
    from globalner.config import load_any_recipe
    from globalner.workflows import ProfileOptions, profile_recipe

    console = Console(quiet=quiet, debug=debug)
    loaded = load_any_recipe(recipe, overrides or ())
    console.quiet_libraries()
    made = profile_recipe(
        loaded.recipe,
        ProfileOptions(
            lengths=[_whole_number(length) for length in lengths] if lengths else None,
            types=types,
            texts=batch_size or 1,
            steps=steps,
            against=against,
            device=device.value,
            precision=precision.value if precision else None,
            plot=plot,
            say=console.note,
        ),
    )
    if json:
        console.json(made.to_dict())
    else:
        print_profile(console, made)
    if plot is not None:
        console.note(f"wrote {plot}")


def _whole_number(word: str) -> int:
    from globalner.errors import ConfigError

    if not word.isascii() or not word.isdigit() or int(word) < 1:
        raise ConfigError(f"--lengths: {word!r} is no whole number of at least 1; RECIPE stands before it: 128 256 512")
    return int(word)
