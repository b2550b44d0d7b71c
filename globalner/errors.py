"""The one tree of errors that globalner raises on bad input; each message carries the offending value and a way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DownloadError",
    "GlobalNerError",
    "LossError",
    "MissingExtraError",
    "OutputError",
    "ShapeError",
]


class GlobalNerError(Exception):
    """Base of every error that a user can cause and mend. The command line shows it as one message, exit code 2."""


class ConfigError(GlobalNerError):
    """A recipe, an override or an option has a value that cannot be used."""


class DataError(GlobalNerError):
    """A file or a document cannot be read or written as it stands.

    Args:
        message: What is wrong and what to do about it.
        path: The file, if there is one.
        line: Line number in the file, counted from 1.
    """

    def __init__(self, message: str, *, path: object = None, line: int | None = None) -> None:
        self.message = message
        self.path = None if path is None else str(path)
        self.line = line
        place = ":".join(str(part) for part in (self.path, line) if part is not None)
        super().__init__(f"{place}: {message}" if place else message)


class DownloadError(GlobalNerError):
    """A file cannot be fetched from the web, or is another one than was expected."""


class LossError(DataError):
    """A format cannot hold everything that is to be written.

    Args:
        message: What is lost and what to do about it.
        losses: How many of each loss, by reason.
        noted: How many of what the format leaves out by its nature.
        examples: A few of each, by reason.
        path: The file that was to be written.
    """

    def __init__(
        self,
        message: str,
        losses: Mapping[str, int],
        noted: Mapping[str, int],
        examples: Mapping[str, Sequence[str]],
        *,
        path: object = None,
    ) -> None:
        self.losses = dict(losses)
        self.noted = dict(noted)
        self.examples = {reason: tuple(shown) for reason, shown in examples.items()}
        super().__init__(message, path=path)


class CheckpointError(GlobalNerError):
    """A model folder or checkpoint is missing something, damaged, or of another shape."""


class OutputError(GlobalNerError):
    """An output file or folder cannot be written, or would overwrite something."""


class MissingExtraError(GlobalNerError):
    """A feature needs an optional package; the message names the extra that brings it."""


class ShapeError(GlobalNerError, ValueError):
    """Tensors or indices given to a kernel or layer do not fit together."""
