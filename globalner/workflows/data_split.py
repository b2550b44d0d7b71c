"""One set parted in several, such as train, dev and test."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from globalner.data import Report
from globalner.data.documents import DocumentReader
from globalner.data.formats import format_named
from globalner.data.grouping import Grouping, KeptTogether
from globalner.data.stratification import Unit, label_balance, stratified_parts
from globalner.errors import ConfigError, DataError, OutputError
from globalner.types import Document
from globalner.workflows.file_form import FileForm
from globalner.workflows.output_place import refuse_sources

__all__ = ["Part", "SplitOptions", "SplitResult", "split_file"]

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class SplitOptions:
    """How to split.

    Attributes:
        grouping: Which documents stay together.
        seed: Of all random choices; the same seed gives the same parts.
        writing: How the parts are written; None: in the native form, which holds everything; the format auto: that of
            the file.
        lossy: Whether to leave out what the format cannot hold.
        overwrite: Whether files that are there may be replaced.
        advance: Called with the number of documents done since the last call.
    """

    grouping: Grouping = field(default_factory=Grouping)
    seed: int = 0
    writing: FileForm = field(default_factory=lambda: FileForm("native"))
    lossy: bool = False
    overwrite: bool = False
    advance: Callable[[int], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Part:
    """One part as it came out.

    Attributes:
        name: Its name.
        path: Its file.
        wanted: Share of the documents that was asked for.
        documents: Its documents.
        labels: How many entities of each label it has.
    """

    name: str
    path: Path
    wanted: float
    documents: int
    labels: Mapping[str, int]


@dataclass(frozen=True)
class SplitResult:
    """What a split did.

    Attributes:
        parts: The parts, in the order asked for.
        units: Sets of documents that had to stay together, single documents included.
        read_report: Repairs and notes of reading.
        write_report: What the format of the parts could not hold.
    """

    parts: tuple[Part, ...]
    units: int
    read_report: Report
    write_report: Report

    @property
    def documents(self) -> int:
        """Documents of all parts."""
        return sum(part.documents for part in self.parts)

    def label_total(self, label: str) -> int:
        """Entities of a label in all parts."""
        return sum(part.labels.get(label, 0) for part in self.parts)

    @property
    def labels(self) -> list[str]:
        """All labels, the most frequent first."""
        names = {label for part in self.parts for label in part.labels}
        return sorted(names, key=lambda label: (-self.label_total(label), label))

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "documents": self.documents,
            "units": self.units,
            "parts": {
                part.name: {
                    "path": str(part.path),
                    "wanted_share": part.wanted,
                    "share": round(part.documents / self.documents, 6),
                    "documents": part.documents,
                    "entities": sum(part.labels.values()),
                    "labels": {
                        label: {
                            "entities": part.labels.get(label, 0),
                            "share": round(part.labels.get(label, 0) / self.label_total(label), 6),
                        }
                        for label in self.labels
                    },
                }
                for part in self.parts
            },
            "left_out": self.write_report.counts,
        }


def split_file(
    source: Path,
    shares: Mapping[str, float],
    folder: Path,
    *,
    reading: FileForm | None = None,
    options: SplitOptions | None = None,
) -> SplitResult:
    """Parts a file; each document goes to one part, and keeps its place among those of its part.

    The file is read once to decide, and once for each part. All parts appear, or none.

    Args:
        source: The file.
        shares: Share of the documents by name of a part; they add up to 1.
        folder: Folder that takes a file for each part, named after it; made if it is not there.
        reading: How the file is read; None: as it shows.
        options: How to split.

    Raises:
        ConfigError: If the shares or names cannot be.
        DataError: If the file cannot be read, a document lacks its group, or a part would be empty.
        OutputError: If a file is there already, or cannot be written.
    """
    options = options or SplitOptions()
    _check_shares(shares)
    reader = (reading or FileForm()).reader(source)
    targets = {name: folder / f"{name}{_suffix(source, options.writing)}" for name in shares}
    _check_targets(targets.values(), source, overwrite=options.overwrite)
    unit_of, units = _units(reader, options)
    parts = stratified_parts(units, list(shares.values()), seed=options.seed)
    documents = _documents_of(parts, units)
    for place, name in enumerate(shares):
        if not documents[place]:
            raise DataError(
                f"{name} would be empty: there are {len(unit_of):,} documents, {len(units):,} when those that stay "
                "together are counted once; ask for fewer parts or larger shares",
                path=source,
            )
    report = _write_parts(reader, list(targets.values()), [parts[unit] for unit in unit_of], options)
    balance = label_balance(units, parts, len(shares))
    made = tuple(
        Part(name, targets[name], share, documents[place], {label: row[place] for label, row in balance.items()})
        for place, (name, share) in enumerate(shares.items())
    )
    return SplitResult(made, len(units), reader.report, report)


def _documents_of(parts: Sequence[int], units: Sequence[Unit]) -> Counter[int]:
    documents: Counter[int] = Counter()
    for unit, part in zip(units, parts, strict=True):
        documents[part] += unit.documents
    return documents


def _check_shares(shares: Mapping[str, float]) -> None:
    if len(shares) < 2:
        raise ConfigError(f"a split has at least two parts, such as train=0.9 dev=0.1; got {dict(shares)}")
    for name, share in shares.items():
        if not name or name != Path(name).name or name.startswith("."):
            raise ConfigError(f"a part is named like a file without a folder, such as train; got {name!r}")
        if not 0 < share < 1:
            raise ConfigError(f"the share of {name} is {share:g}; it must be between 0 and 1")
    total = sum(shares.values())
    if abs(total - 1) > _TOLERANCE:
        raise ConfigError(f"the shares add up to {total:g}; they must add up to 1")


def _suffix(source: Path, writing: FileForm) -> str:
    if writing.format == "auto":
        return source.suffix
    form = format_named(writing.format)
    if form.kind == "folder":
        return ""
    return form.suffixes[0] if form.suffixes else source.suffix or f".{form.name}"


def _check_targets(targets: Iterable[Path], source: Path, *, overwrite: bool) -> None:
    for target in targets:
        refuse_sources([source], target, "split")
        if target.exists() and not (overwrite and target.is_file()):
            hint = "name another folder" if target.is_dir() else "name another folder, or pass --overwrite"
            raise OutputError(f"{target} is there already; {hint}")


def _units(reader: DocumentReader, options: SplitOptions) -> tuple[list[int], list[Unit]]:
    """Of each document the number of its unit, and the units."""
    together = KeptTogether()
    labels: list[Counter[str]] = []
    for number, document in enumerate(reader, start=1):
        try:
            together.add(options.grouping.keys(document))
        except DataError as error:
            raise DataError(f"document {number} {error.message}", path=reader.path, line=reader.line) from None
        labels.append(Counter(entity.label for entity in document.entities))
        options.advance(1)
    unit_of = together.units()
    units = [Unit() for _ in range(max(unit_of) + 1)]
    for unit, counts in zip(unit_of, labels, strict=True):
        units[unit].documents += 1
        units[unit].labels.update(counts)
    return unit_of, units


def _write_parts(reader: DocumentReader, targets: list[Path], part_of: list[int], options: SplitOptions) -> Report:
    form = options.writing
    form = replace(form, format=reader.format) if form.format == "auto" else form
    report = Report()
    with _fresh_folder(targets[0].parent) as partial:
        for place, target in enumerate(targets):
            documents = _of_part(reader, part_of, place)
            try:
                report.merge(form.write(documents, partial / target.name, lossy=options.lossy))
            except DataError as error:
                ours = error.path == str((partial / target.name).resolve())
                raise DataError(error.message, path=target if ours else error.path, line=error.line) from error
        for target in targets:
            (partial / target.name).replace(target)
    return report


@contextmanager
def _fresh_folder(folder: Path) -> Iterator[Path]:
    """A new folder in another, which is made too if it is not there; if nothing is put there, both are gone at last."""
    made = not folder.exists()
    partial = folder / f".split.{secrets.token_hex(4)}"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    try:
        yield partial
    finally:
        shutil.rmtree(partial)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _of_part(reader: DocumentReader, part_of: list[int], part: int) -> Iterator[Document]:
    documents = 0
    for documents, document in enumerate(reader, start=1):
        if documents <= len(part_of) and part_of[documents - 1] == part:
            yield document
    if documents != len(part_of):
        raise DataError("has changed while it was split; nothing was written, run again", path=reader.path)
