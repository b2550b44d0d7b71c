"""Options that several verbs share, as types for their signatures; light, so that `--help` is quick."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "BatchSize",
    "DataDir",
    "Debug",
    "Device",
    "DeviceName",
    "Encoding",
    "ErrorsOption",
    "InputFormat",
    "Json",
    "Lossy",
    "Mode",
    "ModeName",
    "ModelName",
    "OutputDir",
    "OutputFormat",
    "Overrides",
    "Overwrite",
    "Precision",
    "PrecisionName",
    "Quiet",
    "ReadOptions",
    "RecipeName",
    "Resume",
    "Threshold",
    "WriteOptions",
    "changes_of",
    "examples",
    "named_files",
    "options_of",
    "verb_app",
]


class DeviceName(StrEnum):
    """Where tensors live."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class PrecisionName(StrEnum):
    """Arithmetic of encoder and head."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class ModeName(StrEnum):
    """How spans become entities."""

    nested = "nested"
    flat = "flat"


Device = Annotated[DeviceName, typer.Option("--device", help="Where to compute; auto takes a GPU if there is one.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", min=1, help="Windows that are computed together.")]
Precision = Annotated[PrecisionName | None, typer.Option("--precision", help="Arithmetic of encoder and head.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show results and errors only.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show logs, and the traceback of an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", envvar="GLOBALNER_DATA", help="Folder of data sets; relative data paths are tried there too."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY.KEY=VALUE", show_default=False, help="Changes to the recipe: training.epochs=3."),
]
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name (config list) or its file.")]
OutputDir = Annotated[
    Path | None, typer.Option("--output-dir", metavar="DIR", help="Folder of the run; runs/NAME if left out.")
]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a model, or its name on the hub.")]
InputFormat = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="Format of the file; auto: as the file shows.")
]
ReadOptions = Annotated[
    list[str] | None, typer.Option("--read", metavar="KEY=VALUE", help="An option of the format that is read.")
]
WriteOptions = Annotated[
    list[str] | None, typer.Option("--write", metavar="KEY=VALUE", help="An option of the format that is written.")
]
OutputFormat = Annotated[
    str,
    typer.Option("--to", metavar="FORMAT", help="Format of OUT; auto: that of FILE under the same suffix, else by it."),
]
Lossy = Annotated[bool, typer.Option("--lossy", help="Leave out what the new format cannot hold.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Encoding of the text that is read.")]
ErrorsOption = Annotated[
    Literal["strict", "replace"],
    typer.Option("--errors", help="Bytes that are not of the encoding: refuse them, or put U+FFFD in their place."),
]
Mode = Annotated[
    ModeName | None,
    typer.Option(
        "--mode", help="nested: all entities; flat: the best set without overlap; the model's own if left out."
    ),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Score above which a span counts; the model's own if left out.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of the run that is there.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Throw away the run that is there.")]


def changes_of(overrides: list[str] | None, batch_size: int | None, precision: PrecisionName | None) -> list[str]:
    """Changes to a recipe, behind those that are written out the ones that have options of their own."""
    changes = [*(overrides or ())]
    changes += [f"training.batch_size={batch_size}"] if batch_size else []
    changes += [f"training.precision={precision.value}"] if precision else []
    return changes


def options_of(pairs: list[str] | None) -> dict[str, str]:
    """Options of a format by name.

    Raises:
        typer.BadParameter: If one is not KEY=VALUE.
    """
    parted = [pair.partition("=") for pair in pairs or ()]
    for key, equals, value in parted:
        if not key or not equals:
            raise typer.BadParameter(f"{key + value!r} must be KEY=VALUE, such as scheme=BIO")
    return {key: value for key, _, value in parted}


def named_files(words: list[str]) -> dict[str, Path]:
    """Files by name: of NAME=FILE the one given, of a plain FILE its own name without the suffix.

    Raises:
        typer.BadParameter: If two have the same name.
    """
    named: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition("=")
        plain = not (equals and name and path) or Path(word).exists()
        name, file = (Path(word).stem, Path(word)) if plain else (name, Path(path))
        if name in named:
            raise typer.BadParameter(f"{named[name]} and {file} would both be called {name!r}; name them: NAME={file}")
        named[name] = file
    return named


def verb_app(text: str | None = None, epilog: str | None = None) -> typer.Typer:
    """The Typer app of a verb's module.

    Args:
        text: Help of a verb that has verbs of its own; a plain verb's help is the docstring of its command.
        epilog: Examples of such a verb.
    """
    return typer.Typer(
        help=text, epilog=epilog, no_args_is_help=text is not None, add_completion=False, rich_markup_mode=None
    )


def examples(*commands: str) -> str:
    """The epilog of a verb's help: commands that work, one a line."""
    title = "Example:" if len(commands) == 1 else "Examples:"
    return "\n".join(["\b", title, *(f"  {command}" for command in commands)])
