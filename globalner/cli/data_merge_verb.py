"""`globalner data merge`: several sets made one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    Debug,
    Encoding,
    ErrorsOption,
    InputFormat,
    Json,
    Lossy,
    OutputFormat,
    Quiet,
    ReadOptions,
    WriteOptions,
    examples,
    options_of,
    verb_app,
)

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner data merge train.jsonl dev.jsonl all.jsonl",
        "globalner data merge ann.jsonl bob.jsonl both.jsonl --same-texts union --unique-ids",
    )
)
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE... OUT", help="The files, and last the one to write.")],
    same_texts: Annotated[
        Literal["refuse", "keep", "union"],
        typer.Option(
            "--same-texts",
            help="Documents of the same text. refuse: nothing is written if their entities differ; keep: all as they "
            "are; union: one document with the entities of all.",
        ),
    ] = "refuse",
    unique_ids: Annotated[
        bool, typer.Option("--unique-ids", help="Change an id that an earlier document has.")
    ] = False,
    data_format: InputFormat = "auto",
    target_format: OutputFormat = "auto",
    lossy: Lossy = False,
    read: ReadOptions = None,
    write: WriteOptions = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the documents of several files to one, in order. OUT comes last, as with cp."""
    from globalner.workflows import FileForm, MergeOptions, merge_files

    if len(files) < 2:
        raise typer.BadParameter("name the files to merge, and last the file to write")
    console = Console(quiet=quiet, debug=debug)
    *sources, target = files
    reading = FileForm(data_format, options_of(read), encoding, errors)
    writing = FileForm(target_format, options_of(write))
    with console.counter("documents") as advance:
        options = MergeOptions(same_texts, unique_ids, writing, lossy, advance=advance)
        result = merge_files(sources, target, reading=reading, options=options)
    if json:
        console.json(result.to_dict())
        return
    for path, report in result.read_reports.items():
        for line in report.lines():
            console.note(f"{path}: {line}")
    for conflict in result.conflicts:
        console.result(f"conflict: {conflict}")
    for line in result.report.lines():
        console.result(line)
    console.result(
        f"{target}: {result.documents:,} documents of {sum(result.read.values()):,} read, {result.entities:,} entities"
    )
    for line in result.write_report.lines():
        console.note(f"  left out: {line}")
