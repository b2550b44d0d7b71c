"""The front door to files: `read_documents` and `write_documents`."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from globalner.data.formats import FORMATS, format_named
from globalner.data.formats.format import Format, Reading, Sample, Source, Writing
from globalner.data.formats.lines import ByteErrors, check_encoding, check_path
from globalner.data.report import Report
from globalner.errors import DataError, LossError, OutputError
from globalner.types import Document

__all__ = ["DocumentReader", "format_for_writing", "format_of_file", "read_documents", "write_documents"]

_Path = str | os.PathLike[str]
_SAMPLE_BYTES, _SAMPLE_FILES = 4096, 500


class DocumentReader:
    """The documents of a file, read as a stream: each iteration starts again, and memory does not grow with the file.

    Attributes:
        path: The file, or the folder of files.
        format: Name of its format.
        evidence: Why it is read so, in plain words.
    """

    def __init__(self, source: Source, form: Format[Any], options: object, *, strict: bool) -> None:
        self.path = source.path
        self.format = form.name
        self._source = source
        self._strict = strict
        self._reading = Reading(source, Report())
        self.evidence, self._read = form.open(source, options)

    @property
    def report(self) -> Report:
        """Repairs and notes of the latest iteration, filled as it goes."""
        return self._reading.report

    @property
    def line(self) -> int | None:
        """Number of the line where the document begins that the latest iteration gave; None where unknown."""
        return self._reading.line

    def __iter__(self) -> Iterator[Document]:
        """Yields the documents in order.

        Raises:
            DataError: At the first line that cannot be read, with its number; or if there is no document at all.
        """
        return self._documents(None)

    def readable(self, rejected: list[DataError]) -> Iterator[Document]:
        """Yields the documents that can be read.

        Args:
            rejected: Takes the error of each that cannot.

        Raises:
            DataError: Where nothing behind an error can be read; or if there is no document, and nothing rejected.
        """
        return self._documents(rejected)

    def _documents(self, rejected: list[DataError] | None) -> Iterator[Document]:
        self._reading = Reading(self._source, Report(), self._strict, rejected)
        found = False
        for document in self._read(self._reading):
            found = True
            if "\x00" in document.text:
                self.report.add("document with NUL characters, which are kept", repr(document.text[:60]))
            yield document
        if not found and not rejected:
            raise DataError("is empty: it holds no document", path=self.path)


def read_documents(
    path: _Path,
    format: str = "auto",
    *,
    options: object | None = None,
    strict: bool = False,
    encoding: str = "utf-8",
    errors: ByteErrors = "strict",
) -> DocumentReader:
    """Opens a file of documents.

    Args:
        path: The file, or a folder of files in a format that has such; with or without a byte order mark.
        format: Name of the format, or `auto`: the format that the options belong to, else as the file shows.
        options: Options of the format, such as `ColumnOptions(scheme="BIOES")`; None for its defaults.
        strict: Whether a tag sequence that needs a repair is an error rather than counted in the report.
        encoding: Of the text, a name that Python knows.
        errors: What to do with bytes that are not of that encoding: "strict": an error; "replace": U+FFFD takes their
            place, and the report counts the lines.

    Raises:
        DataError: If the file is missing, empty or not of the encoding, or its format cannot be told.
    """
    source = Source(Path(path), encoding, errors)
    form = _format_for(format, options) or format_of_file(source.path, encoding, errors)
    check_encoding(encoding)
    if form.is_address(source.path):
        return DocumentReader(source, form, _options(form, options), strict=strict)
    check_path(source.path)
    alone = source.path.suffix.lower() in form.members
    if (form.kind == "folder") != source.path.is_dir() and not alone:
        raise DataError(
            "is a folder; name a file in it"
            if source.path.is_dir()
            else f"is a file, but the format {form.name!r} is a folder of files",
            path=source.path,
        )
    return DocumentReader(source, form, _options(form, options), strict=strict)


def write_documents(
    documents: Iterable[Document],
    path: _Path,
    format: str = "auto",
    *,
    options: object | None = None,
    lossy: bool = False,
) -> Report:
    """Writes documents to a file, which appears whole or not at all.

    Args:
        documents: The documents; read once, as a stream.
        path: The file to write; replaced if it exists. Its folder must exist. A format that is a folder of files is
            written to a folder that is not there yet, or empty.
        format: Name of the format, or `auto`: the format that the options belong to, else by the file's suffix.
        options: Options of the format, such as `ColumnOptions(layers=2)`; None for its defaults.
        lossy: Whether to leave out what the format cannot hold.

    Returns:
        What was left out.

    Raises:
        LossError: If the format cannot hold everything and `lossy` is False; says what and how many.
        OutputError: If the file cannot be written.
    """
    target = Path(path).resolve()
    form = _format_for(format, options) or _by_suffix(target)
    _check_target(target, form)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        writing = Writing(None, partial, suffix=target.suffix.lower())
        _fill(form, documents, writing, _options(form, options))
        if writing.losses and not lossy:
            raise _refusal(form, writing, target)
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)
    writing.losses.merge(writing.notes)
    return writing.losses


def _fill(form: Format[Any], documents: Iterable[Document], writing: Writing, options: object) -> None:
    assert writing.path is not None
    if form.kind == "text":
        with writing.path.open("x", encoding="utf-8", newline="") as writing.file:
            form.write(documents, writing, options)
        return
    if form.kind == "folder":
        writing.path.mkdir()
    form.write(documents, writing, options)


def _check_target(target: Path, form: Format[Any]) -> None:
    if not target.parent.is_dir():
        raise OutputError(f"{target}: the folder {str(target.parent)!r} does not exist; make it first")
    if form.kind == "folder":
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise OutputError(f"{target}: is there already; {form.name} is written to a folder that is new or empty")
    elif target.exists() and not target.is_file():
        raise OutputError(f"{target}: is not a file that can be replaced; name another")


def _refusal(form: Format[Any], writing: Writing, target: Path) -> LossError:
    losses, notes = writing.losses, writing.notes
    message = (
        f"the format {form.name!r} cannot hold everything, so nothing was written: {'; '.join(losses.lines())}. "
        "Write the native form (.jsonl), which holds all, or pass lossy=True (--lossy) to leave these out"
    )
    return LossError(message, losses.counts, notes.counts, losses.examples | notes.examples, path=target)


def _format_for(name: str, options: object | None) -> Format[Any] | None:
    """The format that is named, or that the options belong to; None where neither says."""
    if name != "auto":
        return format_named(name)
    return next((form for form in FORMATS.values() if isinstance(options, form.options)), None)


def _options(form: Format[Any], options: object | None) -> object:
    if options is None:
        return form.options()
    if not isinstance(options, form.options):
        raise DataError(f"the format {form.name!r} takes {form.options.__name__}, not {type(options).__name__}")
    return options


def format_of_file(path: Path, encoding: str = "utf-8", errors: ByteErrors = "strict") -> Format[Any]:
    """The format that a file or folder looks like.

    Raises:
        DataError: If it is missing, empty or not of the encoding, or looks like none; then the message says what was
            looked for.
    """
    for form in FORMATS.values():
        if form.is_address(path):
            return form
    check_path(path)
    check_encoding(encoding)
    source = Source(path, encoding, errors)
    sample, unreadable = _sample(source)
    kinds = ("folder",) if source.path.is_dir() else ("binary",) if unreadable else ("text", "binary")
    if kinds == ("text", "binary") and source.path.suffix.lower() not in FORMATS["text"].suffixes and not sample.filled:
        raise DataError("is empty: it holds blank lines only", path=source.path)
    reasons = []
    for form in FORMATS.values():
        if form.kind in kinds or sample.suffix in form.members:
            fits, why = form.sniff(sample)
            if fits:
                return form
            reasons.append(f"{form.name}: {why}")
    if unreadable is not None:
        raise unreadable
    looked = f" Looked for {'; '.join(reasons)}." if reasons else ""
    if source.path.is_dir():
        raise DataError(f"is a folder of no known format; name a file in it.{looked}", path=source.path)
    raise DataError(f"the format cannot be told.{looked} Name the format ({', '.join(FORMATS)})", path=source.path)


def _sample(source: Source) -> tuple[Sample, DataError | None]:
    """The beginning, and why it is no text if it is none."""
    path = source.path
    if path.is_dir():
        files = islice((file for file in sorted(path.rglob("*")) if file.is_file()), _SAMPLE_FILES)
        return Sample(path, [], names=tuple(file.relative_to(path).as_posix() for file in files)), None
    with source.bytes() as file:
        head = file.read(_SAMPLE_BYTES)
    try:
        return Sample(path, source.sample_lines(), head), None
    except DataError as error:
        return Sample(path, [], head), error


def format_for_writing(path: Path, name: str = "auto") -> Format[Any]:
    """The format that a file is written in.

    Args:
        path: The file.
        name: Name of the format, or `auto`: by the file's suffix.

    Raises:
        DataError: If there is no such format, or the suffix names none.
    """
    return format_named(name) if name != "auto" else _by_suffix(path)


def _by_suffix(path: Path) -> Format[Any]:
    for form in FORMATS.values():
        if path.suffix.lower() in form.suffixes:
            return form
    known = ", ".join(f"{' '.join(form.suffixes)} ({form.name})" for form in FORMATS.values() if form.suffixes)
    raise DataError(
        f"the suffix {path.suffix!r} names no format; known are {known}; or name the format ({', '.join(FORMATS)})",
        path=path,
    )
