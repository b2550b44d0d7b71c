"""What the file formats are and hold, for people who look for one."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from globalner.data.formats import FORMATS, format_named
from globalner.data.formats.format import Carries, Format

__all__ = ["FormatDescription", "FormatOption", "describe_formats"]

_CARRIED = {
    "nested": "nested entities",
    "crossing": "crossing entities",
    "same_span": "several labels on one span",
    "exact_text": "any text exactly",
    "scores": "scores",
    "ids": "ids",
    "tokens": "given words",
    "extra": "further keys",
}


@dataclass(frozen=True, slots=True)
class FormatOption:
    """An option of a format.

    Attributes:
        name: Its name.
        default: Its default as it is written on the command line; None: nothing, what it means is in `meaning`.
        meaning: What it says, in plain words.
    """

    name: str
    default: str | None
    meaning: str


@dataclass(frozen=True, slots=True)
class FormatDescription:
    """A format in plain words.

    Attributes:
        name: The name that people give.
        description: One line.
        kind: "text", "binary" or "folder".
        suffixes: File suffixes by which it is found when writing; none where it must be named.
        holds: What it has a place for, beside texts and flat entities.
        cannot_hold: What it has no place for.
        options: Its options.
    """

    name: str
    description: str
    kind: str
    suffixes: tuple[str, ...]
    holds: tuple[str, ...]
    cannot_hold: tuple[str, ...]
    options: tuple[FormatOption, ...]


def describe_formats(names: Iterable[str] = ()) -> list[FormatDescription]:
    """Describes formats.

    Args:
        names: Of those wanted, in this order; none for all.

    Raises:
        DataError: If there is no format of a name.
    """
    return [_description(form) for form in [format_named(name) for name in names] or FORMATS.values()]


def _description(form: Format[Any]) -> FormatDescription:
    carried = {_CARRIED[field.name]: getattr(form.carries, field.name) for field in dataclasses.fields(Carries)}
    return FormatDescription(
        name=form.name,
        description=form.description,
        kind=form.kind,
        suffixes=form.suffixes,
        holds=tuple(thing for thing, is_held in carried.items() if is_held),
        cannot_hold=tuple(thing for thing, is_held in carried.items() if not is_held),
        options=tuple(_options(form.options)),
    )


def _options(kind: type[Any]) -> Iterable[FormatOption]:
    defaults = kind()
    meanings = _meanings(kind)
    for field in dataclasses.fields(kind):
        value = getattr(defaults, field.name)
        yield FormatOption(field.name, _as_text(value), meanings.get(field.name, ""))


def _as_text(value: object) -> str | None:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or None
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _meanings(kind: type[Any]) -> dict[str, str]:
    """The attributes' sections of the docstrings of a class and those that it extends."""
    meanings: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        _, _, section = inspect.cleandoc(one.__doc__ or "").partition("Attributes:\n")
        found = re.finditer(r"^    (\w+): (.+(?:\n      +.+)*)", section, re.MULTILINE)
        meanings |= {match[1]: " ".join(match[2].split()) for match in found}
    return meanings
