"""`globalner data formats`: the file formats, what each holds, and their options."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import Debug, Json, Quiet, examples, verb_app

if TYPE_CHECKING:
    from globalner.workflows import FormatDescription

__all__ = ["app"]

app = verb_app()

_HEADS = {
    "nested entities": "nested",
    "crossing entities": "crossing",
    "several labels on one span": "labels",
    "any text exactly": "text",
    "scores": "scores",
    "ids": "ids",
    "given words": "words",
    "further keys": "keys",
}


@app.command(
    epilog=examples("globalner data formats", "globalner data formats columns", "globalner data formats --json")
)
def formats(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[FORMAT]...", help="Formats to tell everything about; none: a table.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the file formats: what each can and cannot hold beside texts and flat entities, and its options."""
    from globalner.workflows import describe_formats

    console = Console(quiet=quiet, debug=debug)
    described = describe_formats(names or ())
    if json:
        console.json([dataclasses.asdict(form) for form in described])
    elif names:
        for form in described:
            _show(console, form)
    else:
        console.table(
            ("format", "written to", *_HEADS.values()),
            [(form.name, _place(form), *_marks(form)) for form in described],
        )
        widest = max(len(form.name) for form in described)
        for form in described:
            console.result(f"  {form.name:<{widest}}  {form.description}")
        console.note(f"The columns say what a format holds: {'; '.join(f'{h}: {t}' for t, h in _HEADS.items())}")
        console.note("globalner data formats FORMAT tells what its options mean")


def _marks(form: FormatDescription) -> list[str]:
    return ["yes" if thing in form.holds else "-" for thing in _HEADS]


def _place(form: FormatDescription) -> str:
    return "a folder" if form.kind == "folder" else " ".join(form.suffixes) or "--to"


def _show(console: Console, form: FormatDescription) -> None:
    console.result(f"{form.name}: {form.description}")
    console.result(f"  written to    {_place(form)}")
    console.result(f"  holds         {', '.join(form.holds) or 'texts and flat entities only'}")
    console.result(f"  cannot hold   {', '.join(form.cannot_hold) or 'nothing is left out'}")
    console.result(f"  options       {'' if form.options else 'none'}".rstrip())
    for option in form.options:
        default = "" if option.default is None else f" (default: {option.default})"
        console.result(f"    {option.name}: {option.meaning}{default}")
