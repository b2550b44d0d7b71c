"""Whether a file is the one that a card means: by its length and its SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from globalner.config import FileCheck
from globalner.errors import DataError

__all__ = ["check_file", "measured"]


def measured(path: Path, name: str) -> FileCheck:
    """A file with its length and SHA-256 as they are.

    Args:
        path: The file; read once, as a stream.
        name: Its path in the set's folder.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
    return FileCheck(path=name, size_bytes=size or None, sha256=digest)


def check_file(path: Path, expected: FileCheck) -> FileCheck:
    """Checks a file against what is known of it.

    Args:
        path: The file.
        expected: What is known.

    Returns:
        The file as it is.

    Raises:
        DataError: If it has another length or SHA-256; the message has both.
    """
    found = measured(path, expected.path)
    size = path.stat().st_size
    if expected.size_bytes is not None and size != expected.size_bytes:
        raise DataError(f"has {size:,} bytes, but the card says {expected.size_bytes:,}", path=path)
    if expected.sha256 is not None and found.sha256 != expected.sha256:
        raise DataError(f"has SHA-256 {found.sha256}, but the card says {expected.sha256}", path=path)
    return found
