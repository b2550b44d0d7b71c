"""Numbers about data sets as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from globalner.cli.console import Console

if TYPE_CHECKING:
    from globalner.data.statistics import Lengths
    from globalner.workflows import DataStatistics, FileStatistics

__all__ = ["count_rows", "label_rows", "length_rows", "percent", "print_statistics", "remarks", "shared_rows"]

MAX_LABELS = 50
LENGTH_COLUMNS = ("lengths", "", "mean", "median", "90 %", "99 %", "longest")
SHARED_COLUMNS = ("texts shared", "the very text", "share, %", "but for case, blanks and forms", "share, %")


def print_statistics(console: Console, found: DataStatistics) -> None:
    """Counts, lengths, labels and shared texts, a table each, and below them what to look at."""
    console.table(("", *found.sets), list(count_rows(found)))
    console.table(LENGTH_COLUMNS, list(length_rows(found)))
    if found.labels:
        console.table(label_columns(found), list(label_rows(found))[:MAX_LABELS])
    if len(found.labels) > MAX_LABELS:
        console.result(f"and {len(found.labels) - MAX_LABELS:,} labels more; --json has them all")
    if found.shared:
        console.table(SHARED_COLUMNS, list(shared_rows(found)))
    for line in remarks(found):
        console.result(line)


def count_rows(found: DataStatistics) -> Iterator[Sequence[str]]:
    """A row for each number, with a cell for each set; rows that are empty everywhere are left out."""
    for name, value in _COUNTS:
        cells = [value(one) for one in found.sets.values()]
        if any(cells):
            yield (name, *cells)


def length_rows(found: DataStatistics) -> Iterator[Sequence[str]]:
    """A row for each set and thing that has a length."""
    for title, lengths_of in _LENGTHS:
        for name, one in found.sets.items():
            lengths = lengths_of(one)
            if lengths is not None and lengths.counts:
                quantiles = (f"{lengths.quantile(share):,}" for share in (0.5, 0.9, 0.99))
                yield title, name, f"{lengths.mean:,.1f}", *quantiles, f"{lengths.longest:,}"


def label_columns(found: DataStatistics) -> Sequence[str]:
    """The names of the columns of `label_rows`."""
    return ("label", *(cell for name in found.sets for cell in (name, "%")), "median, characters", "longest")


def label_rows(found: DataStatistics) -> Iterator[Sequence[str]]:
    """A row for each label: entities and their share in each set, and their lengths over all."""
    for label in found.labels:
        cells, chars = [], []
        for one in found.sets.values():
            own = one.counts.labels.get(label)
            cells += [f"{own.entities:,}" if own else "0", percent(one.counts.label_share(label))]
            chars += [] if own is None else [own.chars]
        merged = _merged(chars)
        yield label, *cells, f"{merged.quantile(0.5):,}", f"{merged.longest:,}"


def shared_rows(found: DataStatistics) -> Iterator[Sequence[str]]:
    """A row for each two sets: how many documents of the second have a text of the first."""
    for pair in found.shared:
        documents = found.sets[pair.second].counts.documents
        counts = (pair.of_second, pair.of_second_normal)
        cells = (cell for count in counts for cell in (f"{count:,}", percent(count / documents if documents else 0.0)))
        yield f"{pair.second} in {pair.first}", *cells


def remarks(found: DataStatistics) -> Iterator[str]:
    """Sentences about what deserves a look."""
    for name, labels in found.missing_labels.items():
        shown = ", ".join(labels[:10]) + (f" and {len(labels) - 10} more" if len(labels) > 10 else "")
        yield f"{name} has no entity of: {shown}"
    for pair in found.shared:
        if pair.of_second_normal:
            yield (
                f"{pair.second} shares texts with {pair.first}: a model that learnt from one is not tested fairly on "
                "the other; `globalner data split` keeps equal texts together"
            )
    for name, one in found.sets.items():
        yield f"{name}: {one.path} read as {one.format} ({one.evidence})"
        yield from (f"{name}: {line}" for line in one.read_report.lines())
        if one.tokens is not None:
            yield from (f"{name}: training would leave out: {line}" for line in one.tokens.lost.lines())


def percent(share: float) -> str:
    """A share as a number of percent, with more digits where it is small, so that it is not shown as none."""
    return f"{100 * share:.1f}" if share == 0 or share >= 0.0005 else f"{max(100 * share, 0.0001):.4f}"


def _merged(parts: Sequence[Lengths]) -> Lengths:
    from globalner.data.statistics import Lengths

    merged = Lengths()
    for part in parts:
        merged.counts.update(part.counts)
    return merged


def _number(value: Callable[[FileStatistics], int]) -> Callable[[FileStatistics], str]:
    return lambda one: f"{value(one):,}"


def _share(value: Callable[[FileStatistics], int]) -> Callable[[FileStatistics], str]:
    return lambda one: percent(value(one) / one.counts.entities) if one.counts.entities else ""


def _total(lengths_of: Callable[[FileStatistics], Lengths | None]) -> Callable[[FileStatistics], str]:
    def cell(one: FileStatistics) -> str:
        lengths = lengths_of(one)
        return f"{lengths.total:,}" if lengths is not None and lengths.counts else ""

    return cell


def _crossing(one: FileStatistics) -> int:
    return one.counts.overlaps.crossing


def _nested(one: FileStatistics) -> int:
    return one.counts.overlaps.nested


_COUNTS: tuple[tuple[str, Callable[[FileStatistics], str]], ...] = (
    ("documents", _number(lambda one: one.counts.documents)),
    ("without entities", _number(lambda one: one.counts.without_entities)),
    ("blank", _number(lambda one: one.counts.blank)),
    ("with the text of another", _number(lambda one: one.counts.repeated_texts)),
    ("characters", _number(lambda one: one.counts.document_chars.total)),
    ("given words", _total(lambda one: one.counts.document_words)),
    ("tokens", _total(lambda one: one.tokens.tokens if one.tokens else None)),
    ("windows", _total(lambda one: one.tokens.windows if one.tokens else None)),
    ("labels", _number(lambda one: len(one.counts.labels))),
    ("entities", _number(lambda one: one.counts.entities)),
    ("inside another", _number(_nested)),
    ("inside another, %", _share(_nested)),
    ("crossing another", _number(_crossing)),
    ("crossing another, %", _share(_crossing)),
    ("given twice", _number(lambda one: one.counts.overlaps.duplicated)),
    ("spans with several labels", _number(lambda one: one.counts.overlaps.several_labels)),
    ("left out in training", lambda one: f"{sum(one.tokens.lost.counts.values()):,}" if one.tokens else ""),
)

_LENGTHS: tuple[tuple[str, Callable[[FileStatistics], Lengths | None]], ...] = (
    ("document, characters", lambda one: one.counts.document_chars),
    ("document, words", lambda one: one.counts.document_words),
    ("document, tokens", lambda one: one.tokens.tokens if one.tokens else None),
    ("document, windows", lambda one: one.tokens.windows if one.tokens else None),
    ("entity, characters", lambda one: one.counts.entity_chars),
    ("entity, words", lambda one: one.counts.entity_words),
    ("entity, tokens", lambda one: one.tokens.entity_tokens if one.tokens else None),
)
