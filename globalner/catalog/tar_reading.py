"""Tar archives behind a guard: tarfile reads some headers whole into memory, as long as they say they are."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

__all__ = ["open_tar"]

_LONGEST_READ_BYTES = 1 << 22


class _Guarded(io.RawIOBase):
    """A file that refuses to hand out more than a few megabytes at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; fewer at the end.

        Raises:
            tarfile.ReadError: If too many are asked for, as a header of absurd length does.
        """
        if not 0 <= size <= _LONGEST_READ_BYTES:
            raise tarfile.ReadError(f"a header says that it is {size:,} bytes long")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place where the next read starts."""
        return self._file.tell()


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Opens a tar archive; its suffix says how it is compressed.

    Args:
        path: The archive.

    Raises:
        tarfile.TarError: If it is none.
    """
    with _uncompressed(path) as file:
        guarded = cast("IO[bytes]", _Guarded(file))
        with tarfile.open(fileobj=guarded, mode="r:") as opened:
            yield opened


def _uncompressed(path: Path) -> IO[bytes]:
    match path.suffix:
        case ".gz" | ".tgz":
            return cast("IO[bytes]", gzip.open(path))
        case ".bz2":
            return bz2.open(path)
        case ".xz":
            return lzma.open(path)
    return path.open("rb")
