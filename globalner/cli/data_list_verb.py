"""`globalner data list`: the sets of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from globalner.cli.console import Console
from globalner.cli.shared_options import Debug, Json, Quiet, examples, verb_app

if TYPE_CHECKING:
    from globalner.config import DataCard

__all__ = ["app"]

app = verb_app()


@app.command(
    "list",
    epilog=examples(
        "globalner data list", "globalner data list --language zh --nested", "globalner data list cluener2020"
    ),
)
def list_sets(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Sets to tell everything about; none: a table.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="Only sets in this language, such as zh.")
    ] = None,
    nested: Annotated[
        bool | None,
        typer.Option("--nested/--flat", help="Only sets whose entities may lie in each other, or only the others."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List well-known data sets: language, kind, licence, and whether they can be downloaded."""
    from globalner.config import load_card
    from globalner.workflows import list_data_sets

    console = Console(quiet=quiet, debug=debug)
    cards = [load_card(name) for name in names] if names else list_data_sets(language=language, nested=nested)
    if json:
        console.json([card.model_dump() | {"get": _way(card)} for card in cards])
    elif names:
        for card in cards:
            _show(console, card)
    else:
        columns = ("name", "languages", "kind", "what it is", "licence", "get")
        console.table(columns, [_row(card) for card in cards])
        console.note("globalner data list NAME tells more of a set, globalner data get NAME gets it")


def _row(card: DataCard) -> tuple[str, ...]:
    languages = " ".join(card.languages[:4]) + (" ..." if len(card.languages) > 4 else "")
    return (card.name, languages, "nested" if card.nested else "flat", card.domain, card.licence, _way(card))


def _way(card: DataCard) -> str:
    """How a set is got, in a few words."""
    way = "download" if card.fetchable else "by hand"
    return way if card.restricted is None else f"{way}, restricted"


def _show(console: Console, card: DataCard) -> None:
    facts = {
        "what it is": f"{card.task}; {card.domain}; {'nested' if card.nested else 'flat'}",
        "languages": " ".join(card.languages),
        "licence": card.licence,
        "restricted": card.restricted,
        "terms": card.terms,
        "homepage": card.homepage,
        "get": _way(card),
        "by hand": card.obtain,
        "files": ", ".join(_size(file.path, file.size_bytes) for file in card.files),
        "splits": ", ".join(f"{split}: {path}" for split, path in card.splits.items()),
        "format": " ".join([card.format or "", *(f"{key}={value}" for key, value in card.format_options.items())]),
        "recipe": card.recipe,
        "cite": card.citation,
        "note": card.note,
    }
    console.result(f"{card.name}: {card.title}")
    for name, text in facts.items():
        if text:
            console.result(f"  {name:<12}{text}")
    console.result("  labels" if card.labels else "  labels      not listed")
    for label, meaning in card.labels.items():
        console.result(f"    {label}: {meaning}")


def _size(path: str, size_bytes: int | None) -> str:
    return path if size_bytes is None else f"{path} ({size_bytes:,} bytes)"
