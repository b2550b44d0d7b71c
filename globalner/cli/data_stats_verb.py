"""`globalner data stats`: numbers about data sets."""

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
    Quiet,
    ReadOptions,
    examples,
    named_files,
    options_of,
    verb_app,
)

__all__ = ["app"]

app = verb_app()


@app.command(
    epilog=examples(
        "globalner data stats train.jsonl",
        "globalner data stats train=a.conll dev=b.conll test=c.conll --html stats.html",
        "globalner data stats train.jsonl --tokenizer bert-base-cased --window-tokens 256",
    )
)
def stats(
    files: Annotated[list[str], typer.Argument(metavar="[NAME=]FILE", help="Files of documents: train=a.jsonl.")],
    data_format: InputFormat = "auto",
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", metavar="NAME", help="Count its tokens and windows too: a hub name or a folder."),
    ] = None,
    window_tokens: Annotated[int, typer.Option("--window-tokens", min=1, help="Tokens of a window.")] = 256,
    overlap_tokens: Annotated[
        int, typer.Option("--overlap-tokens", min=0, help="Tokens that neighbouring windows share.")
    ] = 64,
    boundary: Annotated[
        Literal["word", "token"], typer.Option("--boundary", help="Where the model lets entities start and end.")
    ] = "word",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with plots too; it needs no network.")
    ] = None,
    read: ReadOptions = None,
    encoding: Encoding = "utf-8",
    errors: ErrorsOption = "strict",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Count what data sets hold: documents, entities, lengths, labels, and texts that splits share."""
    from globalner.cli.statistics_page import check_statistics_page, write_statistics_page
    from globalner.cli.statistics_tables import print_statistics
    from globalner.data import WindowSize
    from globalner.workflows import FileForm, StatisticsOptions, data_statistics

    console = Console(quiet=quiet, debug=debug)
    if html is not None:
        check_statistics_page(html)
    if tokenizer is not None:
        console.quiet_libraries()
    with console.counter("documents") as advance:
        options = StatisticsOptions(tokenizer, WindowSize(window_tokens, overlap_tokens), boundary, advance)
        reading = FileForm(data_format, options_of(read), encoding, errors)
        found = data_statistics(named_files(files), reading=reading, options=options)
    if html is not None:
        write_statistics_page(found, html)
        console.note(f"wrote {html}")
    if json:
        console.json(found.to_dict())
        return
    print_statistics(console, found)
