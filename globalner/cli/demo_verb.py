"""`globalner demo`: train a small model from scratch and look at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    Debug,
    Device,
    DeviceName,
    Overrides,
    Overwrite,
    Quiet,
    examples,
    verb_app,
)

if TYPE_CHECKING:
    from globalner.workflows import DemoResult

__all__ = ["app"]

app = verb_app()


@app.command(epilog=examples("globalner demo", "globalner demo training.epochs=1 --max-documents 200 --overwrite"))
def demo(
    overrides: Overrides = None,
    output_dir: Annotated[Path, typer.Option("--output-dir", metavar="DIR", help="Folder of the run.")] = Path(
        "runs/demo"
    ),
    overwrite: Overwrite = False,
    max_documents: Annotated[
        int | None, typer.Option("--max-documents", min=1, help="Take only so many documents of each part.")
    ] = None,
    device: Device = DeviceName.auto,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a small model from scratch on the demo set (Chinese and English, nested), score it and show it.

    Where the folder holds a run of it already, that one is finished if need be, and shown.
    """
    from globalner.workflows import RunOptions, run_demo

    console = Console(quiet=quiet, debug=debug)
    console.quiet_libraries()
    options = RunOptions(
        output_dir=output_dir,
        resume=not overwrite,
        overwrite=overwrite,
        device=device.value,
        progress_bar=console.draws_progress,
        say=console.note,
    )
    _show(console, run_demo(options, overrides or (), max_documents))


def _show(console: Console, result: DemoResult) -> None:
    from globalner.cli.highlight import print_highlighted
    from globalner.cli.metrics_table import COLUMNS, print_scores, score_row

    print_scores(console, result.test)
    rows = [score_row("this model, whole test part", result.test.micro)]
    if result.unseen is not None:
        rows.append(score_row("this model, unseen templates", result.unseen.micro))
    rows.append(score_row("dictionary, whole test part", result.baseline.micro))
    if result.baseline_unseen is not None:
        rows.append(score_row("dictionary, unseen templates", result.baseline_unseen.micro))
    console.table(("micro", *COLUMNS[1:]), rows)
    console.result("No entity of the test part occurs in training with its label: the dictionary has little to find.\n")
    for document in result.examples:
        print_highlighted(document)
        console.result("")
    console.result(f"The model is in {result.model}. Serve it, with a page to try it:\n")
    console.result(f"    globalner serve {result.model}")
