"""`globalner predict`: the entities of texts."""

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
        "globalner predict runs/demo/model texts.txt --output entities.jsonl",
        'globalner predict runs/demo/model --text "Mara Lindqvist joined the University of Lisbon."',
        "cat texts.txt | globalner predict runs/demo/model -",
    )
)
def predict(
    model: ModelName,
    source: Annotated[
        str | None, typer.Argument(metavar="[INPUT]", help="A file, or - for stdin; .txt: one document a line.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="One text instead of a file.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to write; stdout if left out.")
    ] = None,
    source_format: InputFormat = "auto",
    read: ReadOptions = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    whole_file: Annotated[bool, typer.Option("--whole-file", help="The file is one plain-text document.")] = False,
    mode: Mode = None,
    threshold: Threshold = None,
    max_entities: Annotated[
        int, typer.Option("--max-entities", min=1, help="At most so many entities a text, highest scores first.")
    ] = 1000,
    device: Device = DeviceName.auto,
    batch_size: BatchSize = None,
    precision: Precision = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find the entities of texts: one JSON line for each input, in order."""
    from globalner.extractor import EntityExtractor
    from globalner.workflows import FileForm, PredictOptions, predict_documents, read_inputs, write_predictions

    if (source is None) == (text is None):
        raise typer.BadParameter("give either INPUT (a file, or - for stdin) or --text, and not both")
    console = Console(quiet=quiet, debug=debug)
    console.quiet_libraries()
    reading = FileForm(source_format, options_of(read), encoding, errors)
    documents = read_inputs(source, text, reading=reading, whole_file=whole_file)
    extractor = EntityExtractor.from_pretrained(
        model, device=device.value, precision=(precision or "fp32"), batch_size=batch_size or 32
    )
    with console.counter("documents") as advance:
        options = PredictOptions(mode.value if mode else None, threshold, max_entities, advance)
        count, limited = write_predictions(predict_documents(extractor, documents, options), output)
    if limited:
        console.note(f"{limited:,} documents had more than {max_entities:,} entities: the highest scores were kept")
    place = "" if output is None else f"{output}: "
    console.note(f"{place}{count:,} documents, {mode.value if mode else extractor.mode} decoding")
