"""`globalner convert`: from one file format to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from globalner.cli.console import Console, print_error
from globalner.cli.shared_options import (
    Debug,
    Encoding,
    ErrorsOption,
    Json,
    Lossy,
    Quiet,
    ReadOptions,
    WriteOptions,
    examples,
    options_of,
    verb_app,
)
from globalner.errors import LossError

if TYPE_CHECKING:
    from globalner.workflows import ConversionResult

__all__ = ["app"]

app = verb_app()

_LOSS_COLUMNS = ("count", "what", "then", "such as")


@app.command(
    epilog=examples(
        "globalner convert train.conll train.jsonl",
        "globalner convert nested.jsonl nested.conll --write layers=3",
        "globalner convert old.txt new.jsonl --from columns --read scheme=IOB1 --encoding latin-1",
    )
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
    lossy: Lossy = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file with tags that need a repair.")] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out documents that cannot be read; each is counted.")
    ] = False,
    read: ReadOptions = None,
    write: WriteOptions = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert a file of documents to another format. Refuses to lose anything unless told to."""
    from globalner.workflows import ConvertOptions, FileForm, convert_file

    console = Console(quiet=quiet, debug=debug)
    reading = FileForm(source_format, options_of(read), encoding, errors)
    writing = FileForm(target_format, options_of(write))
    try:
        with console.counter("documents") as advance:
            options = ConvertOptions(lossy, strict, skip_unreadable, advance)
            result = convert_file(source, target, reading=reading, writing=writing, options=options)
    except LossError as error:
        _refuse(console, target, error, json=json)
        raise typer.Exit(2) from error
    if json:
        console.json(_record(result))
        return
    _tell(console, source, result)
    console.result(f"{target}: {result.documents:,} documents, {result.entities:,} entities")
    if result.write_report.counts and not quiet:
        rows = _rows(result.write_report.counts, result.write_report.examples, "left out")
        console.table(_LOSS_COLUMNS, rows, on_stderr=True)
    for note in result.write_report.notes:
        console.note(f"  {note}")


def _refuse(console: Console, target: Path, error: LossError, *, json: bool) -> None:
    """What would be lost, as a table before the message, or as JSON."""
    if json:
        console.json({"written": False, "cannot_hold": error.losses, "leaves_out": error.noted})
    else:
        rows = _rows(error.losses, error.examples, "refused") + _rows(error.noted, error.examples, "noted")
        console.table(_LOSS_COLUMNS, rows, on_stderr=True)
    print_error(
        f"{target}: was not written, since its format cannot hold {sum(error.losses.values()):,} of what there is; "
        "write the native form (.jsonl), which holds all, or add --lossy to leave these out"
    )


def _rows(counts: Mapping[str, int], examples: Mapping[str, Sequence[str]], what: str) -> list[tuple[str, ...]]:
    return [(f"{count:,}", reason, what, "; ".join(examples.get(reason, ())[:2])) for reason, count in counts.items()]


def _record(result: ConversionResult) -> dict[str, object]:
    return {
        "written": True,
        "documents": result.documents,
        "entities": result.entities,
        "format": result.format,
        "evidence": result.evidence,
        "repaired": result.read_report.counts,
        "left_out": result.write_report.counts,
        "unreadable": result.unreadable,
        "first_errors": list(result.first_errors),
        "notes": [*result.read_report.notes, *result.write_report.notes],
    }


def _tell(console: Console, source: Path, result: ConversionResult) -> None:
    """Notes on what was read."""
    console.note(f"{source}: read as {result.format} ({result.evidence})")
    for line in result.read_report.lines():
        console.note(f"  {line}")
    if result.unreadable:
        console.note(f"  documents that cannot be read, left out: {result.unreadable:,}")
        for error in result.first_errors:
            console.note(f"    {error}")
        if result.unreadable > len(result.first_errors):
            console.note(f"    and {result.unreadable - len(result.first_errors):,} more")
