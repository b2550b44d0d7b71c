"""Archives from elsewhere, unpacked as if they meant harm: nothing leaves the folder, nothing grows without end."""

from __future__ import annotations

import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from globalner.catalog.tar_reading import open_tar
from globalner.data import Report
from globalner.errors import DataError, OutputError

__all__ = ["UnpackLimits", "unpack"]

_BLOCK_BYTES = 1 << 16
_LEFT_OUT = re.compile(r"(?:.*/)?(?:__MACOSX/.*|\.DS_Store|\._[^/]*)")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,  # a password, or a compression that Python does not have
)


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may grow to.

    Attributes:
        max_bytes: Length of all its files together.
        max_files: Number of its files.
        max_ratio: Its files may be this many times as long as the archive,
        free_bytes: where they are longer than this together.
    """

    max_bytes: int = 1 << 34
    max_files: int = 200_000
    max_ratio: float = 100.0
    free_bytes: int = 1 << 26


@dataclass(frozen=True)
class _Member:
    """A file or folder in an archive: its name there, its length in bytes, and how its content is read."""

    name: str
    is_folder: bool
    size_bytes: int
    problem: str | None
    open: Callable[[], IO[bytes] | None]


def unpack(
    archive: Path, folder: Path, *, only: Collection[str] = (), limits: UnpackLimits | None = None
) -> tuple[list[str], Report]:
    """Unpacks an archive (zip, or tar with or without compression) into a folder.

    Args:
        archive: The archive.
        folder: Where its files go; it must exist. What is there is never replaced. After an error it holds some of the
            files: give a folder that nobody looks at yet.
        only: Paths of the files to unpack, parted by /; all of them if none are named. In the archive they may lie in
            a deeper folder: `a.txt` takes `set/a.txt`.
        limits: What it may grow to; None for the usual.

    Returns:
        The paths of the files in the folder, which are those in the archive or of `only`; and what was left out.

    Raises:
        DataError: If it is no such archive or damaged, holds a path that leads out of the folder, a link, a device,
            the same path twice, or an encrypted file, lacks a file of `only`, or grows beyond the limits.
        OutputError: If a file cannot be written.
    """
    unpacking = _Unpacking(archive, folder, set(only), limits or UnpackLimits())
    try:
        with _opened(archive) as opened:
            for member in opened:
                unpacking.take(member)
    except _DAMAGES as error:
        raise DataError(f"the archive cannot be read: {_words(error)}", path=archive) from error
    except OSError as error:
        # Damage of compressed data shows as an OSError without a number.
        if error.errno is None or error.filename == str(archive):
            raise DataError(f"the archive cannot be read: {_words(error)}", path=archive) from error
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    if missing := sorted(unpacking.only - set(unpacking.paths)):
        raise DataError(f"the archive lacks {', '.join(missing[:5])}", path=archive)
    return unpacking.paths, unpacking.report


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[_Member]]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened_zip:
            yield _zip_members(opened_zip)
    else:
        with open_tar(archive) as opened_tar:
            yield _tar_members(opened_tar)


def _zip_members(opened: zipfile.ZipFile) -> Iterator[_Member]:
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        problem = None
        if info.flag_bits & 1:
            problem = "is encrypted"
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problem = "is a link or a device"
        yield _Member(info.filename, info.is_dir(), info.file_size, problem, partial(opened.open, info))


def _tar_members(opened: tarfile.TarFile) -> Iterator[_Member]:
    for info in opened:
        plain = info.isreg() or info.isdir()
        problem = None if plain else "is a link or a device"
        yield _Member(info.name, info.isdir(), info.size, problem, partial(opened.extractfile, info))


class _Unpacking:
    def __init__(self, archive: Path, folder: Path, only: set[str], limits: UnpackLimits) -> None:
        self.archive, self.folder, self.only, self.limits = archive, folder, only, limits
        self.report, self.paths = Report(), list[str]()
        self._seen: set[str] = set()
        self._bytes = 0
        ratio_bytes = int(archive.stat().st_size * limits.max_ratio) if archive.exists() else 0
        self._max_bytes = min(limits.max_bytes, max(limits.free_bytes, ratio_bytes))

    def take(self, member: _Member) -> None:
        path = self._inner_path(member)
        if member.problem is not None:
            raise self._refusal(member, member.problem)
        if member.is_folder:
            return
        if path in self._seen:
            raise self._refusal(member, "stands there twice")
        self._seen.add(path)
        if len(self._seen) > self.limits.max_files:
            raise DataError(f"the archive holds more than {self.limits.max_files:,} files", path=self.archive)
        # Counted even if it is left out: to pass by a file of a tar, it has to be unpacked.
        self._count(member.size_bytes)
        if _LEFT_OUT.fullmatch(path):
            self.report.add("file of the archive that only an operating system needs", path)
            return
        wanted = self._wanted(path)
        if wanted is None:
            self.report.add("file of the archive not needed", path)
        elif wanted in self.paths:
            raise DataError(f"the archive holds several files {wanted!r}, in different folders", path=self.archive)
        else:
            self._write(wanted, member)
            self.paths.append(wanted)

    def _wanted(self, path: str) -> str | None:
        """Where a file of the archive is put; None if it is not needed."""
        if not self.only:
            return path
        return next((one for one in sorted(self.only) if path == one or path.endswith(f"/{one}")), None)

    def _inner_path(self, member: _Member) -> str:
        name = member.name.replace("\\", "/")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or re.match("[A-Za-z]:", name) or not (parts or member.is_folder):
            raise self._refusal(member, "leads out of the folder")
        if _UNSAFE.search(name):
            raise self._refusal(member, "has a name with control characters, or one that is no text")
        return "/".join(parts)

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._max_bytes:
            raise DataError(
                f"the archive ({self.archive.stat().st_size:,} bytes) unpacks to more than {self._max_bytes:,} bytes, "
                "which no set of texts does; nothing was kept",
                path=self.archive,
            )

    def _write(self, path: str, member: _Member) -> None:
        target = self.folder / path
        left = member.size_bytes
        content = member.open()
        assert content is not None, "a plain file has content"
        with content:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                while block := content.read(_BLOCK_BYTES):
                    left -= len(block)
                    if left < 0:
                        raise self._refusal(member, "is longer than the archive says")
                    file.write(block)
        if left:
            raise self._refusal(member, "is shorter than the archive says")

    def _refusal(self, member: _Member, why: str) -> DataError:
        message = f"the archive is not safe, or damaged: {member.name!r} {why}; nothing was kept"
        return DataError(message, path=self.archive)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
