"""`globalner data get`: a set of the catalogue, downloaded and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import Debug, Json, Quiet, examples, verb_app
from globalner.cli.transfer_bar import transfer_bar

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples("globalner data get wnut17", "globalner data get conll2003_en --from ~/conll2003 --accept-terms")
)
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A set of the catalogue (data list).")],
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", metavar="DIR", help="Folder of the set; DATA_DIR/NAME if left out.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Take the files from this folder; nothing is downloaded."),
    ] = None,
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="I have read and accept the terms of this restricted set.")
    ] = False,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", envvar="GLOBALNER_DATA", help="Folder of your data sets.")
    ] = Path("data"),
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Get a data set: download it, or take it from a folder, check it, and put it where training finds it."""
    from globalner.catalog import Transfer, kept_files
    from globalner.config import load_card
    from globalner.workflows import GetOptions, get_data_set

    console = Console(quiet=quiet, debug=debug)
    card = load_card(name)
    with transfer_bar(console) as progress:
        transfer = Transfer(progress=progress, note=console.note)
        options = GetOptions(output_dir or data_dir / name, source, accept_terms, transfer)
        got = get_data_set(card, options)
    files = kept_files(got.card)
    if json:
        console.json(
            {
                "name": got.card.name,
                "folder": str(got.folder),
                "already_there": got.already_there,
                "licence": got.card.licence,
                "files": [file.model_dump(include={"path", "size_bytes", "sha256"}) for file in files],
                "splits": {split: str(got.folder / path) for split, path in got.card.splits.items()},
                "unchecked": list(got.unchecked),
                "left_out": got.report.counts,
                "commands": list(got.commands),
            }
        )
        return
    size = sum(file.size_bytes or 0 for file in files)
    there = "is there already, and whole" if got.already_there else "is there"
    console.result(f"{got.folder}: {card.title} {there}: {len(files):,} file{'s' * (len(files) != 1)}, {size:,} bytes")
    console.note(f"licence: {card.licence}" + (f" ({card.terms})" if card.terms else ""))
    for line in got.report.lines():
        console.note(f"  {line}")
    if card.note is not None:
        console.note(f"note: {card.note}")
    if got.unchecked:
        console.note(f"note: the catalogue knows no SHA-256 of {', '.join(got.unchecked[:5])}; take care")
    if got.commands:
        console.note("next:")
        for command in got.commands:
            console.result(f"  {command}")
