"""`globalner data map-labels`: labels renamed, joined and dropped."""

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
    from globalner.workflows.data_map_labels import MappedLabels

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner data map-labels in.jsonl out.jsonl PER=PERSON LOC=",
        "globalner data map-labels in.jsonl out.jsonl PER=PERSON '*=OTHER'",
        "globalner data map-labels in.jsonl out.jsonl --mapping labels.yaml",
    )
)
def map_labels(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; replaced if it exists.")],
    pairs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OLD=NEW", help="New names; with an empty one the entities are dropped; * is every other label."
        ),
    ] = None,
    mapping_file: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE.yaml", help="A file of new names: a line OLD: NEW each.")
    ] = None,
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
    """Rename labels, join several in one, or drop their entities. Labels that are not named stay as they are."""
    from globalner.workflows import FileForm, read_label_mapping
    from globalner.workflows import map_labels as map_labels_of

    console = Console(quiet=quiet, debug=debug)
    mapping = {} if mapping_file is None else read_label_mapping(mapping_file)
    mapping.update(_pairs(pairs or []))
    reading = FileForm(data_format, options_of(read), encoding, errors)
    writing = FileForm(target_format, options_of(write))
    result = map_labels_of(source, target, mapping, reading=reading, writing=writing, lossy=lossy)
    if json:
        console.json(result.to_dict())
        return
    for line in result.read_report.lines():
        console.note(f"{source}: {line}")
    _print(console, target, result)
    for line in result.write_report.lines():
        console.note(f"  left out: {line}")


def _pairs(words: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for word in words:
        old, equals, new = word.partition("=")
        if not equals or not old:
            raise typer.BadParameter(f"{word!r} must be OLD=NEW, such as PER=PERSON, or OLD= to drop its entities")
        if old in mapping:
            raise typer.BadParameter(f"the label {old!r} is given two new names")
        mapping[old] = new
    return mapping


def _print(console: Console, target: Path, result: MappedLabels) -> None:
    rows = [(old, f"{count:,}", result.new_labels[old] or "(dropped)") for old, count in result.counts.items()]
    console.table(("label", "entities", "becomes"), rows)
    for old, near in result.unknown.items():
        hint = f"; did you mean {near!r}?" if near else ""
        console.result(f"no entity has the label {old!r} of the mapping{hint}")
    if result.repeated:
        console.result(f"{result.repeated:,} entities became the same as another, and were written once")
    kept = sum(count for old, count in result.counts.items() if result.new_labels[old]) - result.repeated
    console.result(f"{target}: {result.documents:,} documents, {kept:,} entities of {sum(result.counts.values()):,}")
