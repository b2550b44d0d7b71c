"""`globalner data validate`: every error of data files, what looks wrong, and the safe repairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from globalner.workflows.data_repair import RepairResult
    from globalner.workflows.data_validate import Validation

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner data validate train.jsonl dev.jsonl",
        "globalner data validate train.conll --max 0 --json",
        "globalner data validate train.jsonl --fix mended.jsonl",
    )
)
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of documents.")],
    data_format: InputFormat = "auto",
    max_shown: Annotated[
        int, typer.Option("--max", min=0, metavar="N", help="Show this many of each kind; 0: all.")
    ] = 5,
    long_entity_chars: Annotated[
        int, typer.Option("--long-entity-chars", min=1, metavar="N", help="Longer entities are reported.")
    ] = 100,
    fix: Annotated[
        Path | None, typer.Option("--fix", metavar="OUT", help="Write the file here with the safe repairs made.")
    ] = None,
    unify_labels: Annotated[
        bool, typer.Option("--unify-labels", help="With --fix: labels alike but for case or blanks become one.")
    ] = False,
    drop_unreadable: Annotated[
        bool, typer.Option("--drop-unreadable", help="With --fix: leave out documents that cannot be read.")
    ] = False,
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
    """Check data files to the end: all errors, and warnings of what looks wrong. Exit code 1 if there is an error."""
    from globalner.workflows import FileForm, RepairOptions, repair_file, validate_files

    if fix is not None and len(files) != 1:
        raise typer.BadParameter(f"--fix mends one file at a time; {len(files)} are given")
    if fix is None and (unify_labels or drop_unreadable or lossy or write or target_format != "auto"):
        raise typer.BadParameter("--unify-labels, --drop-unreadable, --to, --write and --lossy go with --fix OUT")
    console = Console(quiet=quiet, debug=debug)
    reading = FileForm(data_format, options_of(read), encoding, errors)
    with console.counter("documents") as advance:
        found = validate_files(
            files, reading=reading, max_findings=max_shown, long_entity_chars=long_entity_chars, advance=advance
        )
    if not json:
        _print(console, found, mendable=fix is None)
    repaired = None
    if fix is not None and (drop_unreadable or not found.errors):
        writing = FileForm(target_format, options_of(write))
        options = RepairOptions(unify_labels, drop_unreadable, writing, lossy)
        repaired = repair_file(files[0], fix, found, reading=reading, options=options)
    if json:
        repairs = None if repaired is None else repaired.to_dict()
        console.json({**found.to_dict(), "repaired": repairs})
    elif fix is not None:
        _print_repairs(console, fix, repaired)
    if found.errors:
        raise typer.Exit(1)


def _print(console: Console, found: Validation, *, mendable: bool) -> None:
    for kind, cases in found.kinds.items():
        console.result(f"{cases.severity}: {kind}: {cases.count:,}")
        for finding in cases.findings:
            console.result(f"  {finding.place}: {finding.message}")
        if cases.count > len(cases.findings):
            console.result(f"  and {cases.count - len(cases.findings):,} more")
    for path, notes in found.notes.items():
        for note in notes:
            console.note(f"{path}: {note}")
    console.result(
        f"{found.documents:,} documents with {found.entities:,} entities read: "
        f"{found.errors:,} errors, {found.warnings:,} warnings"
    )
    if mendable and found.repairable:
        console.note(f"{found.repairable:,} of them can be mended safely: --fix OUT")


def _print_repairs(console: Console, target: Path, repaired: RepairResult | None) -> None:
    if repaired is None:
        console.note(
            f"{target} was not written, since documents cannot be read; mend them, or leave them out with "
            "--drop-unreadable"
        )
        return
    for repair in repaired.repairs:
        console.result(f"mended: {repair.place}: {repair.kind}: {repair.message}")
    for reason, count in repaired.as_read.items():
        console.result(f"as read: {reason}: {count:,}")
    dropped = f", {repaired.dropped:,} that cannot be read left out" if repaired.dropped else ""
    console.result(f"{target}: {repaired.documents:,} documents, {len(repaired.repairs):,} repairs{dropped}")
    for reason, count in repaired.left_out.items():
        console.note(f"  left out: {reason}: {count:,}")
