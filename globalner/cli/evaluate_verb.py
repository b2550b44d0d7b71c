"""`globalner evaluate`: how good a model is on labelled documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    BatchSize,
    Debug,
    Device,
    DeviceName,
    Encoding,
    ErrorsOption,
    InputFormat,
    Json,
    Mode,
    ModelName,
    Precision,
    Quiet,
    ReadOptions,
    Threshold,
    examples,
    options_of,
    verb_app,
)

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner evaluate runs/demo/model test.jsonl",
        "globalner evaluate runs/wnut17/model test.conll --seqeval",
    )
)
def evaluate(
    model: ModelName,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="File of labelled documents.")],
    data_format: InputFormat = "auto",
    read: ReadOptions = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    mode: Mode = None,
    threshold: Threshold = None,
    seqeval: Annotated[bool, typer.Option("--seqeval", help="Show seqeval's report too (flat data only).")] = False,
    device: Device = DeviceName.auto,
    batch_size: BatchSize = None,
    precision: Precision = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Score a model: precision, recall and F1 of whole entities, for each label, micro and macro."""
    from globalner.cli.metrics_table import print_scores
    from globalner.extractor import EntityExtractor
    from globalner.workflows import FileForm, evaluate_file

    console = Console(quiet=quiet, debug=debug)
    console.quiet_libraries()
    extractor = EntityExtractor.from_pretrained(
        model, device=device.value, precision=(precision or "fp32"), batch_size=batch_size or 32
    )
    evaluation = evaluate_file(
        extractor,
        data,
        reading=FileForm(data_format, options_of(read), encoding, errors),
        mode=mode.value if mode else None,
        threshold=threshold,
        with_seqeval=seqeval,
    )
    for line in evaluation.read_report.lines():
        console.note(f"{data}: {line}")
    for label, count in sorted(evaluation.unknown_labels.items()):
        console.note(f"label {label!r} occurs {count} times and is not known to the model: counted as missed")
    for line in evaluation.unreachable.lines():
        console.note(f"gold entities that the model cannot find, counted as missed: {line}")
    if json:
        console.json(evaluation.result.to_dict())
        return
    print_scores(console, evaluation.result)
    if evaluation.seqeval is not None:
        console.result(evaluation.seqeval)
