"""Entities drawn beneath their text, one line each, so that nested and crossing ones are all visible."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globalner.types import Document

__all__ = ["highlighted_lines", "print_highlighted"]

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red", "bright_cyan", "bright_magenta", "bright_yellow")


def highlighted_lines(document: Document) -> list[tuple[str, str]]:
    """The text and a bar for each entity, as (line, label); the text's own label is empty.

    Bars are placed by the width of characters on a terminal, where Chinese ones take two cells. Line breaks and tabs
    of the text are shown as blanks.
    """
    from rich.cells import cell_len

    text = "".join(" " if character in "\n\r\t" else character for character in document.text)
    lines = [(text, "")]
    for entity in document.entities:
        indent = " " * cell_len(text[: entity.start])
        bar = "─" * max(1, cell_len(text[entity.start : entity.end]))
        score = "" if entity.score is None else f" {entity.score:.2f}"
        lines.append((f"{indent}{bar} {entity.label}{score}", entity.label))
    return lines


def print_highlighted(document: Document) -> None:
    """Draws the document on stdout, in colour on a terminal."""
    from rich.console import Console as RichConsole
    from rich.text import Text

    console = RichConsole(file=sys.stdout, highlight=False)
    labels = sorted({entity.label for entity in document.entities})
    for line, label in highlighted_lines(document):
        style = _COLOURS[labels.index(label) % len(_COLOURS)] if label else "bold"
        console.print(Text(line, style=style), soft_wrap=True)
