"""`globalner convert`: from one file format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import (
    Debug,
    Encoding,
    ErrorsOption,
    Json,
    Quiet,
    ReadOptions,
    examples,
    options_of,
    verb_app,
)

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples("globalner convert train.conll train.jsonl", "globalner convert a.txt b.conll --to columns")
)
def convert(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The file to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The file to write; replaced if it exists.")],
    source_format: Annotated[
        str, typer.Option("--from", metavar="FORMAT", help="Format of INPUT; auto: as the file shows.")
    ] = "auto",
    target_format: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="Format of OUTPUT; auto: by its suffix.")
    ] = "auto",
    lossy: Annotated[bool, typer.Option("--lossy", help="Leave out what the new format cannot hold.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file with tags that need a repair.")] = False,
    read: ReadOptions = None,
    write: Annotated[
        list[str] | None, typer.Option("--write", metavar="KEY=VALUE", help="An option of OUTPUT's format.")
    ] = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert a file of documents to another format. Refuses to lose anything unless told to."""
    from globalner.workflows import FileForm, convert_file

    console = Console(quiet=quiet, debug=debug)
    reading = FileForm(source_format, options_of(read), encoding, errors)
    writing = FileForm(target_format, options_of(write))
    result = convert_file(source, target, reading=reading, writing=writing, lossy=lossy, strict=strict)
    if json:
        console.json(
            {
                "documents": result.documents,
                "entities": result.entities,
                "format": result.format,
                "evidence": result.evidence,
                "repaired": result.read_report.counts,
                "left_out": result.write_report.counts,
                "notes": [*result.read_report.notes, *result.write_report.notes],
            }
        )
        return
    console.note(f"{source}: read as {result.format} ({result.evidence})")
    for line in result.read_report.lines():
        console.note(f"  {line}")
    console.result(f"{target}: {result.documents:,} documents, {result.entities:,} entities")
    for line in result.write_report.lines():
        console.note(f"  left out: {line}")
