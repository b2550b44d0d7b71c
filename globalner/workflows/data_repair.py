"""A data file with its safe repairs made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from globalner.data.documents import DocumentReader
from globalner.data.repairs import repair_document
from globalner.data.set_problems import alike_labels
from globalner.errors import DataError
from globalner.types import Document
from globalner.workflows.data_validate import Finding, Validation
from globalner.workflows.file_form import FileForm
from globalner.workflows.output_place import refuse_sources

__all__ = ["RepairOptions", "RepairResult", "repair_file"]


@dataclass(frozen=True)
class RepairOptions:
    """How to repair.

    Attributes:
        unify_labels: Whether labels that differ in case, blanks, `_` or `-` become the most frequent of them.
        drop_unreadable: Whether documents that cannot be read are left out; otherwise they keep the file from being
            written.
        writing: How the new file is written; see `FileForm.following` for the format auto.
        lossy: Whether to leave out what the new format cannot hold.
    """

    unify_labels: bool = False
    drop_unreadable: bool = False
    writing: FileForm = field(default_factory=FileForm)
    lossy: bool = False


@dataclass(frozen=True)
class RepairResult:
    """What a repair did.

    Attributes:
        repairs: Each one, in order.
        documents: Documents written.
        dropped: Documents left out because they cannot be read.
        as_read: What reading did, by reason: the new file holds the documents as they were read.
        left_out: What the new format could not hold, by reason.
    """

    repairs: tuple[Finding, ...]
    documents: int
    dropped: int
    as_read: Mapping[str, int]
    left_out: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        repairs = [repair.to_dict() for repair in self.repairs]
        return {
            "repairs": repairs,
            "documents": self.documents,
            "dropped": self.dropped,
            "as_read": dict(self.as_read),
            "left_out": dict(self.left_out),
        }


def repair_file(
    source: Path,
    target: Path,
    validation: Validation,
    *,
    reading: FileForm | None = None,
    options: RepairOptions | None = None,
) -> RepairResult:
    """Writes a file anew with the safe repairs made (`repair_document`); it appears whole or not at all.

    Args:
        source: The file to read.
        target: The file to write; replaced if it exists.
        validation: What `validate_files` found in `source`, and in nothing else.
        reading: How it is read; None: as it shows.
        options: How to repair.

    Raises:
        DataError: If documents cannot be read and are not to be dropped, or the format cannot hold everything.
        OutputError: If the file cannot be written, or is the one that is read.
    """
    options = options or RepairOptions()
    if validation.errors and not options.drop_unreadable:
        raise DataError(
            f"{validation.errors:,} documents cannot be read, so {target} was not written; mend them, or leave them "
            "out with --drop-unreadable",
            path=source,
        )
    refuse_sources([source], target, "repair")
    reader = (reading or FileForm()).reader(source)
    new_labels = _new_labels(validation) if options.unify_labels else {}
    run = _RepairRun(source, new_labels)
    writing = options.writing.following([reader], target)
    report = writing.write(run.of(reader), target, lossy=options.lossy)
    return RepairResult(tuple(run.repairs), run.documents, len(run.rejected), reader.report.counts, report.counts)


def _new_labels(validation: Validation) -> dict[str, str]:
    groups = alike_labels(validation.label_counts)
    return {name: names[0] for names in groups for name in names[1:]}


@dataclass
class _RepairRun:
    source: Path
    new_labels: Mapping[str, str]
    repairs: list[Finding] = field(default_factory=list)
    rejected: list[DataError] = field(default_factory=list)
    documents: int = 0

    def of(self, reader: DocumentReader) -> Iterator[Document]:
        for document in reader.readable(self.rejected):
            repaired = repair_document(document, self.new_labels)
            self.documents += 1
            for repair in repaired.repairs:
                self.repairs.append(Finding(*repair, self.source, reader.line, document.id))
            yield repaired.document
