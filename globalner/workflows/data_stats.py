"""Numbers about data sets, and what their splits have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from pathlib import Path

from globalner.data import Report, WindowSize
from globalner.data.documents import DocumentReader
from globalner.data.statistics import SetStatistics, SharedTexts, shared_texts
from globalner.data.token_statistics import TokenStatistics
from globalner.errors import ConfigError
from globalner.types import Document
from globalner.workflows.file_form import FileForm

__all__ = ["DataStatistics", "FileStatistics", "StatisticsOptions", "data_statistics"]

_DOCUMENTS_AT_ONCE = 64


@dataclass(frozen=True)
class StatisticsOptions:
    """What to count beside what the files say themselves.

    Attributes:
        tokenizer: Hub name, folder or `package:MODULE/PATH` of a tokenizer whose tokens and windows are counted.
        size: How long windows are.
        boundary: "word" or "token": where entities may start and end for the model.
        advance: Called with the number of documents done since the last call.
    """

    tokenizer: str | None = None
    size: WindowSize = field(default_factory=lambda: WindowSize(256, 64))
    boundary: str = "word"
    advance: Callable[[int], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class FileStatistics:
    """Numbers about one file.

    Attributes:
        path: The file.
        format: Its format.
        evidence: Why it is read so, in plain words.
        counts: The numbers.
        tokens: Those of the tokenizer, if one was named.
        read_report: Repairs and notes of reading.
    """

    path: Path
    format: str
    evidence: str
    counts: SetStatistics
    tokens: TokenStatistics | None
    read_report: Report


@dataclass(frozen=True)
class DataStatistics:
    """Numbers about some sets, such as the splits of one.

    Attributes:
        sets: By name, in the order given.
        shared: For each two of them, the texts that both have.
        tokenizer: The tokenizer that was named.
    """

    sets: Mapping[str, FileStatistics]
    shared: tuple[SharedTexts, ...]
    tokenizer: str | None = None

    @property
    def labels(self) -> list[str]:
        """All labels, the most frequent first."""
        totals: dict[str, int] = {}
        for one in self.sets.values():
            for label, found in one.counts.labels.items():
                totals[label] = totals.get(label, 0) + found.entities
        return sorted(totals, key=lambda label: (-totals[label], label))

    @property
    def missing_labels(self) -> dict[str, list[str]]:
        """By name of a set, the labels that another set has and it has not; sets that miss none are left out."""
        labels = self.labels
        missing = {
            name: [label for label in labels if label not in one.counts.labels] for name, one in self.sets.items()
        }
        return {name: found for name, found in missing.items() if found}

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "sets": {
                name: {
                    "path": str(one.path),
                    "format": one.format,
                    **one.counts.to_dict(),
                    "tokenizer": None if one.tokens is None else {"name": self.tokenizer, **one.tokens.to_dict()},
                    "repaired": one.read_report.counts,
                    "notes": one.read_report.notes,
                }
                for name, one in self.sets.items()
            },
            "shared_texts": [pair._asdict() for pair in self.shared],
            "missing_labels": self.missing_labels,
        }


def data_statistics(
    files: Mapping[str, Path], *, reading: FileForm | None = None, options: StatisticsOptions | None = None
) -> DataStatistics:
    """Counts what files hold, as a stream.

    Args:
        files: Files of documents by name; the order is kept.
        reading: How they are read; None: as each shows.
        options: What else to count.

    Raises:
        DataError: If a file cannot be read.
        ConfigError: If the overlap does not fit in a window, or the tokenizer leads nowhere.
        CheckpointError: If the tokenizer is damaged or has no fast form.
    """
    options, form = options or StatisticsOptions(), reading or FileForm()
    readers = {name: form.reader(path) for name, path in files.items()}
    tokenizing = _tokenizing(options)
    sets = {name: _counted(files[name], reader, tokenizing(), options) for name, reader in readers.items()}
    named = [(name, one.counts) for name, one in sets.items()]
    return DataStatistics(sets, tuple(shared_texts(*pair) for pair in combinations(named, 2)), options.tokenizer)


def _tokenizing(options: StatisticsOptions) -> Callable[[], TokenStatistics | None]:
    """What makes the counter of tokens for each file; the tokenizer is loaded once."""
    name = options.tokenizer
    if name is None:
        return lambda: None
    from globalner.data import TextTokenizer
    from globalner.encoders import load_tokenizer, resolve_encoder_name

    if options.boundary not in ("word", "token"):
        raise ConfigError(f"boundary must be 'word' or 'token'; got {options.boundary!r}")
    backend = load_tokenizer(resolve_encoder_name(name)).backend_tokenizer
    tokenizer = TextTokenizer(backend, "word" if options.boundary == "word" else "token")
    return lambda: TokenStatistics(tokenizer, options.size)


def _counted(
    path: Path, reader: DocumentReader, tokens: TokenStatistics | None, options: StatisticsOptions
) -> FileStatistics:
    counts = SetStatistics()
    for chunk in _chunks(iter(reader)):
        for document in chunk:
            counts.add(document)
        if tokens is not None:
            tokens.add(chunk)
        options.advance(len(chunk))
    return FileStatistics(path, reader.format, reader.evidence, counts, tokens, reader.report)


def _chunks(documents: Iterator[Document]) -> Iterator[list[Document]]:
    while chunk := list(islice(documents, _DOCUMENTS_AT_ONCE)):
        yield chunk
