"""How a file of documents is read or written, as people say it on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from globalner.data import Report, read_documents, write_documents
from globalner.data.documents import DocumentReader, format_for_writing, format_of_file
from globalner.data.formats import format_named
from globalner.data.formats.lines import ByteErrors
from globalner.data.formats.option_values import options_from_text
from globalner.types import Document

__all__ = ["FileForm"]


@dataclass(frozen=True)
class FileForm:
    """How a file is read or written.

    Attributes:
        format: Name of a format, or auto: as the file shows, when writing by its suffix.
        options: Options of the format as text, by name.
        encoding: Of the text that is read; what is written is UTF-8.
        errors: What to do with bytes that are not of that encoding, "strict" or "replace".
    """

    format: str = "auto"
    options: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    errors: ByteErrors = "strict"

    def reader(self, path: Path, *, strict: bool = False) -> DocumentReader:
        """Opens a file; see `read_documents`."""
        form, options = self.format, None
        if self.options:
            found = format_named(form) if form != "auto" else format_of_file(path, self.encoding, self.errors)
            form, options = found.name, options_from_text(found, self.options)
        return read_documents(path, form, options=options, strict=strict, encoding=self.encoding, errors=self.errors)

    def following(self, readers: Sequence[DocumentReader], target: Path) -> FileForm:
        """For a file that takes the place of those that are read: `auto` is their format, if all have its suffix."""
        formats = {reader.format for reader in readers}
        alike = len(formats) == 1 and all(reader.path.suffix == target.suffix for reader in readers)
        return replace(self, format=formats.pop()) if self.format == "auto" and alike else self

    def write(self, documents: Iterable[Document], path: Path, *, lossy: bool = False) -> Report:
        """Writes a file; see `write_documents`."""
        form = format_for_writing(path, self.format)
        return write_documents(documents, path, form.name, options=options_from_text(form, self.options), lossy=lossy)
