"""Where a verb that reads files may write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from globalner.errors import OutputError

__all__ = ["refuse_sources"]


def refuse_sources(sources: Iterable[Path], target: Path, verb: str) -> None:
    """Keeps a verb from writing over what it reads.

    Args:
        sources: The files and folders that are read.
        target: Where it is to write.
        verb: What is done with the files, for the message.

    Raises:
        OutputError: If that is one of them, or lies in one.
    """
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"{target} is the file to {verb}; name another file for the output")
        if source.is_dir() and target.resolve().is_relative_to(source.resolve()):
            raise OutputError(f"{target} lies in the folder to {verb}; name a place outside it for the output")
