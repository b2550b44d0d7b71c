"""`globalner pretrain`: from plain text to an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    BatchSize,
    DataDir,
    Debug,
    Device,
    DeviceName,
    Json,
    OutputDir,
    Overrides,
    Overwrite,
    Precision,
    Quiet,
    RecipeName,
    Resume,
    changes_of,
    examples,
    verb_app,
)

if TYPE_CHECKING:
    from globalner.training.pretraining.run import PretrainResult

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner pretrain pretrain_zh --data-dir data",
        "globalner pretrain pretrain_en --data-dir data training.tokens=2000000",
        "globalner pretrain mine.yaml --output-dir runs/mine --resume",
    )
)
def pretrain(
    recipe: RecipeName,
    overrides: Overrides = None,
    output_dir: OutputDir = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    data_dir: DataDir = None,
    device: Device = DeviceName.auto,
    batch_size: BatchSize = None,
    precision: Precision = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a tokenizer and an encoder on plain text by hiding words, as a recipe says."""
    from globalner.config import load_pretrain_recipe, resolve_pretrain_data
    from globalner.workflows import RunOptions, pretrain_recipe

    console = Console(quiet=quiet, debug=debug)
    loaded = load_pretrain_recipe(recipe, changes_of(overrides, batch_size, precision))
    resolved = resolve_pretrain_data(loaded, data_dir=data_dir)
    console.quiet_libraries()
    run = pretrain_recipe(
        resolved,
        RunOptions(
            output_dir=output_dir,
            resume=resume,
            overwrite=overwrite,
            device=device.value,
            progress_bar=console.draws_progress,
            say=console.note,
        ),
    )
    if run.result is None:
        return
    if json:
        console.json(run.result.to_dict())
        return
    _print_scores(console, run.result)
    console.note(f"use it: globalner train RECIPE model.encoder.kind=pretrained model.encoder.name={run.model}")


def _print_scores(console: Console, result: PretrainResult) -> None:
    rows = [
        (str(score.length), f"{100 * score.accuracy:.2f}", f"{score.loss:.4f}", f"{score.masked:,}")
        for score in result.scores
    ]
    console.result(f"held-out text after {result.steps:,} steps, {result.tokens:,} tokens")
    console.table(("length", "found, %", "loss", "hidden tokens"), rows)
