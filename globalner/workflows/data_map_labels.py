"""Labels renamed, joined and dropped."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from globalner.config.yaml_text import parse_yaml
from globalner.data import Report
from globalner.errors import ConfigError, DataError
from globalner.types import Document, Entity
from globalner.workflows.file_form import FileForm
from globalner.workflows.output_place import refuse_sources

__all__ = ["REST", "LabelMapping", "MappedLabels", "map_labels", "read_label_mapping"]

REST = "*"
"""Stands in a mapping for every label that it does not name."""

LabelMapping = Mapping[str, str]
"""New name by old name of a label; the empty name drops its entities."""


@dataclass(frozen=True)
class MappedLabels:
    """What a change of labels did.

    Attributes:
        documents: Documents read and written.
        counts: Entities read, by old label; the most frequent first.
        new_labels: What each old label has become; empty: dropped.
        unknown: Labels of the mapping that no entity has, each with the nearest label of the file, or none.
        repeated: Entities that became the same as another of their document, and were written once.
        read_report: Repairs and notes of reading.
        write_report: What the format could not hold.
    """

    documents: int
    counts: Mapping[str, int]
    new_labels: LabelMapping
    unknown: Mapping[str, str | None]
    repeated: int
    read_report: Report
    write_report: Report

    @property
    def unmapped(self) -> list[str]:
        """Labels that stayed as they are."""
        return [old for old, new in self.new_labels.items() if old == new]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "documents": self.documents,
            "labels": {old: {"entities": count, "new": self.new_labels[old]} for old, count in self.counts.items()},
            "unknown": dict(self.unknown),
            "written_once": self.repeated,
            "left_out": self.write_report.counts,
        }


def read_label_mapping(path: Path) -> dict[str, str]:
    """Reads a mapping from a YAML file: `PER: PERSON`, a line for each label; an empty value drops the label.

    Raises:
        ConfigError: If it cannot be read or is no such mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"is not UTF-8: {error.reason}"
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    parsed = parse_yaml(text, source=str(path))
    if not isinstance(parsed.value, dict) or not parsed.value:
        raise ConfigError(f"{path}: must hold a mapping of labels, such as PER: PERSON")
    for old, new in parsed.value.items():
        if new is not None and not isinstance(new, str):
            line = parsed.lines.get((old,))
            raise ConfigError(f"{path}:{line}: the new name of {old!r} is {new!r}, which is not text; put it in quotes")
    return {old: new or "" for old, new in parsed.value.items()}


def map_labels(
    source: Path,
    target: Path,
    mapping: LabelMapping,
    *,
    reading: FileForm | None = None,
    writing: FileForm | None = None,
    lossy: bool = False,
) -> MappedLabels:
    """Writes a file anew with other labels; it appears whole or not at all. The file is read twice, as a stream.

    All labels change at once, so that two may swap their names. Labels that the mapping does not name stay, unless it
    says what the rest (`*`) becomes.

    Args:
        source: The file to read.
        target: The file to write; replaced if it exists.
        mapping: New name by old name; the empty name drops the entities.
        reading: How the file is read; None: as it shows.
        writing: How the new one is written; None, or the format auto: see `FileForm.following`.
        lossy: Whether to leave out what the new format cannot hold.

    Raises:
        ConfigError: If the mapping is empty.
        DataError: If the file cannot be read, or no entity has a label that the mapping names.
        OutputError: If the new file cannot be written, or is the one that is read.
    """
    if not mapping:
        raise ConfigError("the mapping names no label; give OLD=NEW, such as PER=PERSON")
    refuse_sources([source], target, "read")
    reader = (reading or FileForm()).reader(source)
    counts = Counter(entity.label for document in reader for entity in document.entities)
    unknown = {old: _nearest(old, counts) for old in mapping if old not in counts and old != REST}
    if REST not in mapping and len(unknown) == len(mapping):
        raise DataError(f"no entity has a label of the mapping: {_unknown_text(unknown, counts)}", path=source)
    new_labels = {old: mapping.get(old, mapping.get(REST, old)) for old, _ in counts.most_common()}
    run = _Run(new_labels)
    form = (writing or FileForm()).following([reader], target)
    report = form.write(run.of(reader), target, lossy=lossy)
    ordered = dict(counts.most_common())
    return MappedLabels(run.documents, ordered, new_labels, unknown, run.repeated, reader.report, report)


def _nearest(label: str, known: Iterable[str]) -> str | None:
    by_fold = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(label.casefold(), by_fold, n=1)
    return by_fold[close[0]] if close else None


def _unknown_text(unknown: Mapping[str, str | None], counts: Mapping[str, int]) -> str:
    hints = [repr(old) + (f" (did you mean {near!r}?)" if near else "") for old, near in unknown.items()]
    known = ", ".join(list(counts)[:30]) or "no label at all"
    return f"{', '.join(hints)}; the file has: {known}"


@dataclass
class _Run:
    new_labels: LabelMapping
    documents: int = 0
    repeated: int = 0

    def of(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.documents += 1
            yield replace(document, entities=tuple(self._entities(document)))

    def _entities(self, document: Document) -> Iterator[Entity]:
        # By new key the old one: what was given twice before stays so, what has become the same does not.
        old_keys: dict[tuple[int, int, str], tuple[int, int, str]] = {}
        for entity in document.entities:
            label = self.new_labels[entity.label]
            if not label:
                continue
            renamed = entity if label == entity.label else replace(entity, label=label)
            if old_keys.setdefault(renamed.key, entity.key) == entity.key:
                yield renamed
            else:
                self.repeated += 1
