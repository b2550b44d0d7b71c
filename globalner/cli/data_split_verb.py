"""`globalner data split`: one set parted in several."""

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
    Quiet,
    ReadOptions,
    WriteOptions,
    examples,
    options_of,
    verb_app,
)

if TYPE_CHECKING:
    from globalner.workflows.data_split import SplitResult

__all__ = ["app"]

app = verb_app()
_MAX_LABELS = 50


@app.command(
    epilog=examples(
        "globalner data split all.jsonl --into train=0.8 dev=0.1 test=0.1 --output-dir splits",
        "globalner data split all.jsonl train=0.9 dev=0.1 --output-dir splits --group-by meta.source",
        "globalner data split all.conll train=0.9 dev=0.1 --output-dir splits --to columns",
    )
)
def split(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The file to part.")],
    output_dir: Annotated[
        Path, typer.Option("--output-dir", metavar="DIR", help="Folder that takes a file for each part.")
    ],
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=SHARE", help="Parts and their shares, which add up to 1.")
    ] = None,
    into: Annotated[
        list[str] | None,
        typer.Option("--into", metavar="NAME=SHARE", help="One of them: --into train=0.8 dev=0.2."),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option("--group-by", metavar="KEY", help="Keep documents together whose further key has one value."),
    ] = None,
    group_by_id: Annotated[
        str | None,
        typer.Option(
            "--group-by-id", metavar="SEP", help="Keep documents together whose ids agree up to the last SEP."
        ),
    ] = None,
    part_same_texts: Annotated[
        bool, typer.Option("--part-same-texts", help="Let documents with the same text go to several parts.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the random choices.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")] = False,
    data_format: InputFormat = "auto",
    target_format: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="Format of the parts; auto: that of FILE.")
    ] = "native",
    lossy: Lossy = False,
    read: ReadOptions = None,
    write: WriteOptions = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Part a set so that each part has its share of every label. Documents with the same text stay together."""
    from globalner.data.grouping import Grouping
    from globalner.workflows import FileForm, SplitOptions, split_file

    console = Console(quiet=quiet, debug=debug)
    reading = FileForm(data_format, options_of(read), encoding, errors)
    with console.counter("documents") as advance:
        options = SplitOptions(
            grouping=Grouping(by=group_by, by_id=group_by_id, same_texts=not part_same_texts),
            seed=seed,
            writing=FileForm(target_format, options_of(write)),
            lossy=lossy,
            overwrite=overwrite,
            advance=advance,
        )
        result = split_file(
            source, _shares([*(into or ()), *(parts or ())]), output_dir, reading=reading, options=options
        )
    if json:
        console.json(result.to_dict())
        return
    for line in result.read_report.lines():
        console.note(f"{source}: {line}")
    _print(console, result)
    for line in result.write_report.lines():
        console.note(f"left out: {line}")


def _shares(words: list[str]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            share = float(text)
        except ValueError:
            raise typer.BadParameter(f"{word!r} must be NAME=SHARE, such as train=0.8") from None
        if name in shares:
            raise typer.BadParameter(f"the part {name!r} is named twice")
        shares[name] = share
    if not shares:
        raise typer.BadParameter("name the parts and their shares, such as train=0.8 dev=0.1 test=0.1")
    return shares


def _print(console: Console, result: SplitResult) -> None:
    columns = ("", *(cell for part in result.parts for cell in (part.name, "%")))
    rows = [["wanted", *(cell for part in result.parts for cell in ("", f"{100 * part.wanted:.1f}"))]]
    counts = [("documents", [part.documents for part in result.parts])]
    counts += [("entities", [sum(part.labels.values()) for part in result.parts])]
    counts += [(label, [part.labels.get(label, 0) for part in result.parts]) for label in result.labels[:_MAX_LABELS]]
    for name, row in counts:
        total = sum(row) or 1
        rows.append([name, *(cell for count in row for cell in (f"{count:,}", f"{100 * count / total:.1f}"))])
    console.table(columns, rows)
    if len(result.labels) > _MAX_LABELS:
        console.result(f"and {len(result.labels) - _MAX_LABELS:,} labels more; --json has them all")
    if result.units < result.documents:
        console.result(f"{result.documents:,} documents were kept together as {result.units:,}")
    for part in result.parts:
        console.result(f"{part.path}: {part.documents:,} documents")
