"""The files of a set, from the web or from a folder on disk, checked and put together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from globalner.catalog.archives import UnpackLimits, unpack
from globalner.catalog.checks import check_file, measured
from globalner.catalog.set_folder import CARD_FILE, README_FILE, SetFolder
from globalner.catalog.transfer import Transfer, download
from globalner.config import CardFile, DataCard, FileCheck
from globalner.data import Report
from globalner.errors import DataError, OutputError

__all__ = ["Collecting", "collect_files"]


_CHECKS = set(FileCheck.model_fields)


@dataclass(frozen=True)
class Collecting:
    """How files are collected.

    Attributes:
        source: A folder that holds them; None: they are downloaded.
        transfer: How downloads are made, and whom they and copies tell.
        unpacking: What archives may grow to.
        report: Takes what was left out.
    """

    source: Path | None = None
    transfer: Transfer = field(default_factory=Transfer)
    unpacking: UnpackLimits = field(default_factory=UnpackLimits)
    report: Report = field(default_factory=Report)


def collect_files(card: DataCard, folder: SetFolder, how: Collecting) -> DataCard:
    """Puts the files of a set into the draft of its folder.

    Args:
        card: The card.
        folder: The folder; `SetFolder.start` was called.
        how: Where they come from.

    Returns:
        The card, with the length and SHA-256 of every file as they were found.

    Raises:
        DataError: If a file is missing, is another one than the card means, or an archive is not safe.
        DownloadError: If a file cannot be fetched.
        OutputError: If a file cannot be written.
    """
    if how.source is not None and not how.source.is_dir():
        raise DataError("is no folder; name the folder that holds the files", path=how.source)
    if not card.files:
        assert how.source is not None, "a set without files to fetch comes from a folder"
        files = [_taken(path, how.source, folder) for path in _all_files(how.source, how.report)]
        if not files:
            raise DataError("holds no file", path=how.source)
    elif how.source is not None:
        files = list(_from_folder(card, how.source, folder, how))
    else:
        files = [_fetched(file, folder, how) for file in card.files if _has_address(file, how.report)]
    return card.model_copy(update={"files": files, "splits": _splits(card, folder, how.report)})


def _has_address(file: CardFile, report: Report) -> bool:
    if file.url is None:
        report.add("file that cannot be downloaded, left out", file.path)
    return file.url is not None


def _fetched(file: CardFile, folder: SetFolder, how: Collecting) -> CardFile:
    assert file.url is not None
    target = folder.downloads / file.path
    if target.exists():  # of an earlier attempt
        try:
            found = check_file(target, file)
        except DataError:
            target.unlink()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        found = download(file.url, target, file, how.transfer)
    known = file.model_copy(update={"size_bytes": found.size_bytes, "sha256": found.sha256})
    return _unpacked(known, target, folder, how) if file.unpack else _linked(known, target, folder)


def _linked(file: CardFile, source: Path, folder: SetFolder) -> CardFile:
    place = folder.draft / file.path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # The download stays, should a later file of the set fail.
        try:
            os.link(source, place)
        except OSError:
            shutil.copyfile(source, place)
    except OSError as error:
        raise OutputError(f"{place}: cannot be written: {error.strerror or error}") from error
    return file


def _unpacked(file: CardFile, archive: Path, folder: SetFolder, how: Collecting) -> CardFile:
    how.transfer.note(f"{file.path}: unpacking")
    paths, report = unpack(archive, folder.draft, only=[part.path for part in file.holds], limits=how.unpacking)
    how.report.merge(report)
    expected = {part.path: part for part in file.holds}
    holds = [
        check_file(folder.draft / path, expected[path]) if path in expected else measured(folder.draft / path, path)
        for path in paths
    ]
    return file.model_copy(update={"holds": holds})


def _from_folder(card: DataCard, source: Path, folder: SetFolder, how: Collecting) -> Iterator[CardFile]:
    missing = []
    for file in card.files:
        if (source / file.path).is_file():
            if file.unpack:
                found = check_file(source / file.path, file)
                known = file.model_copy(update={"size_bytes": found.size_bytes, "sha256": found.sha256})
                yield _unpacked(known, source / file.path, folder, how)
            else:
                yield _taken(file.path, source, folder, file)
        elif file.unpack and file.holds and all((source / part.path).is_file() for part in file.holds):
            parts = [_taken(part.path, source, folder, CardFile(**part.model_dump())) for part in file.holds]
            yield file.model_copy(update={"holds": [FileCheck(**part.model_dump(include=_CHECKS)) for part in parts]})
        elif file.optional:
            how.report.add("optional file that is not there", file.path)
        else:
            missing.append(file)
    if missing:
        wanted = [part.path for file in missing for part in (file, *file.holds)]
        raise DataError(f"lacks files of the set {card.name}: {', '.join(wanted)}", path=source)


def _taken(path: str, source: Path, folder: SetFolder, expected: CardFile | None = None) -> CardFile:
    """A copy of a file, checked after copying."""
    place = folder.draft / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, place)
    except OSError as error:
        raise OutputError(f"{source / path}: cannot be copied to {place}: {error.strerror or error}") from error
    file = expected or CardFile(path=path)
    try:
        found = check_file(place, file)
    except DataError as error:
        raise DataError(error.message, path=source / path) from None
    return file.model_copy(update={"size_bytes": found.size_bytes, "sha256": found.sha256})


def _all_files(source: Path, report: Report) -> Iterator[str]:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if any(part.startswith(".") for part in path.relative_to(source).parts):
            if path.is_file():
                report.add("hidden file left out", name)
        elif name in (CARD_FILE, README_FILE):
            report.add("page or card of an earlier copy left out", name)
        elif path.is_symlink() or not (path.is_file() or path.is_dir()):
            report.add("link or device left out", name)
        elif path.is_file() and not _inner(name):
            report.add("file with a name that a card cannot hold left out", repr(name))
        elif path.is_file():
            yield name


def _inner(name: str) -> bool:
    try:
        FileCheck(path=name)
        name.encode()
    except ValueError:
        return False
    return True


def _splits(card: DataCard, folder: SetFolder, report: Report) -> dict[str, str]:
    """The splits that are there; only those of optional files may be missing."""
    optional = {part.path for file in card.files if file.optional for part in (file, *file.holds)}
    there = {split: path for split, path in card.splits.items() if (folder.draft / path).exists()}
    for split in card.splits.keys() - there.keys():
        if card.splits[split] not in optional:
            files = sorted(path.relative_to(folder.draft).as_posix() for path in folder.draft.rglob("*"))
            raise DataError(
                f"the {split} split of {card.name} should be {card.splits[split]!r}, which is not there; "
                f"there are: {', '.join(files[:10])}"
            )
        report.add("split that is not there", split)
    return there
