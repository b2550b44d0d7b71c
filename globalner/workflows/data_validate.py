"""Checks of data files: every error, and everything that looks wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from globalner.data.documents import DocumentReader
from globalner.data.problems import Problem, document_problems
from globalner.data.repairs import REPAIRABLE
from globalner.data.set_problems import INCLUSIVE_ENDS, SetProblems
from globalner.errors import DataError
from globalner.types import INCLUSIVE_HINT, Document
from globalner.workflows.file_form import FileForm

__all__ = ["Finding", "FindingCount", "Validation", "validate_files"]

UNREADABLE = "document that cannot be read"
Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One case of something wrong.

    Attributes:
        kind: What is wrong, in plain words, the same for all its cases.
        message: The case.
        path: The file.
        line: Line in the file, counted from 1, at which the document stands; None where unknown.
        document: Id of the document; None where it has none.
    """

    kind: str
    message: str
    path: Path
    line: int | None = None
    document: str | None = None

    @property
    def place(self) -> str:
        """File, line and id for people."""
        name = "" if self.document is None else f" (id {self.document!r})"
        return f"{self.path}{'' if self.line is None else f':{self.line}'}{name}"

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        place = {"path": str(self.path), "line": self.line, "document": self.document}
        return {"kind": self.kind, **place, "message": self.message}


@dataclass
class FindingCount:
    """All cases of one kind.

    Attributes:
        severity: Whether they are errors.
        count: How many there are.
        findings: The first of them, as many as were asked for.
    """

    severity: Severity
    count: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass
class Validation:
    """What was found.

    Attributes:
        max_findings: How many cases of a kind are kept; 0 for all.
        documents: Documents that could be read.
        entities: Their entities.
        kinds: By kind, its cases; errors first where they came first.
        notes: By file, what its reader says about the whole.
        label_counts: How many entities each label has.
    """

    max_findings: int
    documents: int = 0
    entities: int = 0
    kinds: dict[str, FindingCount] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    label_counts: Counter[str] = field(default_factory=Counter)

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return sum(found.count for found in self.kinds.values() if found.severity == "error")

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return sum(found.count for found in self.kinds.values() if found.severity == "warning")

    @property
    def repairable(self) -> int:
        """How many warnings are of kinds that `repair_file` mends."""
        return sum(found.count for kind, found in self.kinds.items() if kind in REPAIRABLE)

    def add(self, severity: Severity, finding: Finding) -> None:
        """Counts a case, and keeps it if there is room."""
        found = self.kinds.setdefault(finding.kind, FindingCount(severity))
        found.count += 1
        if not self.max_findings or len(found.findings) < self.max_findings:
            found.findings.append(finding)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "valid": not self.errors,
            "documents": self.documents,
            "entities": self.entities,
            "errors": self.errors,
            "warnings": self.warnings,
            "kinds": [
                {
                    "kind": kind,
                    "severity": found.severity,
                    "count": found.count,
                    "findings": [finding.to_dict() for finding in found.findings],
                }
                for kind, found in self.kinds.items()
            ],
            "notes": self.notes,
        }


def validate_files(
    paths: Sequence[Path],
    *,
    reading: FileForm | None = None,
    max_findings: int = 5,
    long_entity_chars: int = 100,
    advance: Callable[[int], None] = lambda _: None,
) -> Validation:
    """Reads files to the end and collects everything that is wrong with them or looks so.

    Args:
        paths: The files; each is a set of its own, so that splits may share ids and texts.
        reading: How they are read; None: as each shows.
        max_findings: How many cases of a kind are kept, 0 for all; all are counted.
        long_entity_chars: An entity with more characters is reported.
        advance: Called with the number of documents done since the last call.

    Raises:
        DataError: If a file is missing, or the options do not fit its format.
    """
    for path in paths:
        if not path.exists():
            (reading or FileForm()).reader(path)
    validation = Validation(max_findings)
    for path in paths:
        checker = _FileChecker(path, validation, long_entity_chars)
        try:
            checker.check((reading or FileForm()).reader(path), advance)
        except DataError as error:
            checker.unreadable("file that cannot be read to its end", error)
    errors = {kind: found for kind, found in validation.kinds.items() if found.severity == "error"}
    validation.kinds = {**errors, **validation.kinds}
    return validation


class _FileChecker:
    """Checks one file after the other documents of it."""

    def __init__(self, path: Path, validation: Validation, long_entity_chars: int) -> None:
        self._path = path
        self._validation = validation
        self._long_entity_chars = long_entity_chars
        self._inclusive = 0

    def check(self, reader: DocumentReader, advance: Callable[[int], None]) -> None:
        rejected: list[DataError] = []
        told = 0
        whole = SetProblems()
        try:
            for number, document in enumerate(reader.readable(rejected), start=1):
                told = self._tell(rejected, told)
                self._check_document(document, reader.line, number, whole)
                advance(1)
        finally:
            self._tell(rejected, told)
            for problem in whole.whole():
                self._warn(problem)
            self._finish(reader, len(rejected))
            self._validation.label_counts.update(whole.label_counts)

    def unreadable(self, kind: str, error: DataError) -> None:
        self._inclusive += INCLUSIVE_HINT in error.message
        path = self._path if error.path is None else Path(error.path)
        self._validation.add("error", Finding(kind, error.message, path, error.line))

    def _tell(self, rejected: list[DataError], told: int) -> int:
        for error in rejected[told:]:
            self.unreadable(UNREADABLE, error)
        return len(rejected)

    def _check_document(self, document: Document, line: int | None, number: int, whole: SetProblems) -> None:
        self._validation.documents += 1
        self._validation.entities += len(document.entities)
        whole.unit = "document" if line is None else "line"
        for problem in document_problems(document, long_entity_chars=self._long_entity_chars):
            self._warn(problem, line, document.id)
        for problem in whole.add(document, number if line is None else line):
            self._warn(problem, line, document.id)

    def _finish(self, reader: DocumentReader, rejected: int) -> None:
        for reason, count in reader.report.counts.items():
            examples = reader.report.examples[reason]
            for place in range(count):
                self._warn(Problem(f"in reading: {reason}", examples[place] if place < len(examples) else ""))
        if reader.report.notes:
            self._validation.notes[str(self._path)] = list(reader.report.notes)
        if self._inclusive > 1:
            self._warn(Problem(INCLUSIVE_ENDS, f"{self._inclusive:,} of {rejected:,} errors fit an inclusive end"))

    def _warn(self, problem: Problem, line: int | None = None, document: str | None = None) -> None:
        self._validation.add("warning", Finding(problem.kind, problem.message, self._path, line, document))
