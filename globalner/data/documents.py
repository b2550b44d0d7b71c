"""The front door to files: `read_documents` and `write_documents`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from globalner.data.formats import FORMATS, format_named
from globalner.data.formats.format import Format, Reading, Sample, Writing
from globalner.data.formats.lines import check_file, sample_lines
from globalner.data.report import Report
from globalner.errors import DataError, OutputError
from globalner.types import Document

__all__ = ["DocumentReader", "read_documents", "write_documents"]

_Path = str | os.PathLike[str]


class DocumentReader:
    """The documents of a file, read as a stream: each iteration starts again, and memory does not grow with the file.

    Attributes:
        path: The file.
        format: Name of its format.
        evidence: Why it is read so, in plain words.
        report: Repairs and notes of the latest iteration, filled as it goes.
    """

    def __init__(self, path: Path, form: Format[Any], options: object, *, strict: bool) -> None:
        self.path = path
        self.format = form.name
        self.report = Report()
        self._strict = strict
        self.evidence, self._read = form.open(path, options)

    def __iter__(self) -> Iterator[Document]:
        """Yields the documents in order.

        Raises:
            DataError: At the first line that cannot be read, with its number; or if there is no document at all.
        """
        self.report = Report()
        found = False
        for document in self._read(Reading(self.path, self.report, self._strict)):
            found = True
            yield document
        if not found:
            raise DataError("is empty: it holds no document", path=self.path)


def read_documents(
    path: _Path, format: str = "auto", *, options: object | None = None, strict: bool = False
) -> DocumentReader:
    """Opens a file of documents.

    Args:
        path: The file; UTF-8, with or without a byte order mark.
        format: Name of the format, or `auto`: the format that the options belong to, else as the file shows.
        options: Options of the format, such as `ColumnOptions(scheme="BIOES")`; None for its defaults.
        strict: Whether a tag sequence that needs a repair is an error rather than counted in the report.

    Raises:
        DataError: If the file is missing, empty or not UTF-8, or its format cannot be told.
    """
    file = Path(path)
    check_file(file)
    form = _format_for(format, options) or _sniffed(file)
    return DocumentReader(file, form, _options(form, options), strict=strict)


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
        path: The file to write; replaced if it exists. Its folder must exist.
        format: Name of the format, or `auto`: the format that the options belong to, else by the file's suffix.
        options: Options of the format, such as `ColumnOptions(layers=2)`; None for its defaults.
        lossy: Whether to leave out what the format cannot hold.

    Returns:
        What was left out.

    Raises:
        DataError: If the format cannot hold everything and `lossy` is False; says what and how many.
        OutputError: If the file cannot be written.
    """
    target = Path(path).resolve()
    form = _format_for(format, options) or _by_suffix(target)
    _check_target(target)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with partial.open("x", encoding="utf-8", newline="") as file:
            writing = Writing(file)
            form.write(documents, writing, _options(form, options))
        if writing.losses and not lossy:
            raise DataError(_refusal(form, writing.losses), path=target)
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    writing.losses.merge(writing.notes)
    return writing.losses


def _check_target(target: Path) -> None:
    if not target.parent.is_dir():
        raise OutputError(f"{target}: the folder {str(target.parent)!r} does not exist; make it first")
    if target.exists() and not target.is_file():
        raise OutputError(f"{target}: is not a file that can be replaced; name another")


def _refusal(form: Format[Any], losses: Report) -> str:
    return (
        f"the format {form.name!r} cannot hold everything, so nothing was written: {'; '.join(losses.lines())}. "
        "Write the native form (.jsonl), which holds all, or pass lossy=True (--lossy) to leave these out"
    )


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


def _sniffed(path: Path) -> Format[Any]:
    sample = Sample(path, sample_lines(path))
    if path.suffix.lower() not in FORMATS["text"].suffixes and not sample.filled:
        raise DataError("is empty: it holds blank lines only", path=path)
    reasons = []
    for form in FORMATS.values():
        fits, why = form.sniff(sample)
        if fits:
            return form
        reasons.append(f"{form.name}: {why}")
    raise DataError(
        f"the format cannot be told. Looked for {'; '.join(reasons)}. Name the format ({', '.join(FORMATS)})", path=path
    )


def _by_suffix(path: Path) -> Format[Any]:
    for form in FORMATS.values():
        if path.suffix.lower() in form.suffixes:
            return form
    known = ", ".join(f"{' '.join(form.suffixes)} ({form.name})" for form in FORMATS.values() if form.suffixes)
    raise DataError(
        f"the suffix {path.suffix!r} names no format; known are {known}; or name the format ({', '.join(FORMATS)})",
        path=path,
    )
