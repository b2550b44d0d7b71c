"""Numbers about data sets as one HTML file that needs nothing else: style and pictures stand in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from globalner.cli.statistics_tables import (
    LENGTH_COLUMNS,
    SHARED_COLUMNS,
    count_rows,
    label_columns,
    label_rows,
    length_rows,
    percent,
    remarks,
    shared_rows,
)
from globalner.cli.svg_bars import Bar, column_chart, row_chart
from globalner.errors import OutputError

if TYPE_CHECKING:
    from globalner.data.statistics import Lengths
    from globalner.workflows import DataStatistics, FileStatistics

__all__ = ["check_statistics_page", "statistics_page", "write_statistics_page"]

_DRAWN_LABELS, _LISTED_LABELS, _DRAWN_SETS = 30, 500, 6
_STYLE = """
:root { color-scheme: light dark; --paper: #f6f5f2; --card: #fff; --ink: #20242a; --faint: #5d6570; --line: #dedbd4;
  --s0: #2f6f9c; --s1: #c2702a; --s2: #3f8a5a; --s3: #8a5aa8; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --card: #1d2126; --ink: #e8e6e1; --faint: #a2a9b3;
  --line: #343a42; --s0: #7db4d9; --s1: #e0a36b; --s2: #85c79b; --s3: #c29bdb; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1rem; margin: 0 0 .75rem; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
  grid-auto-flow: dense;  align-items: start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem; min-width: 0; }
.wide { grid-column: 1 / -1; } .tall { grid-row: span 3; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; position: sticky; left: 0;
  background: var(--card); white-space: normal; min-width: 6rem; }
@media (max-width: 30rem) { table { font-size: .8rem; } th, td { padding: .2rem .4rem; } }
.lengths th:nth-child(2), .lengths td:nth-child(2) { text-align: left; }
svg { display: block; width: 100%; max-width: 30rem; height: auto; }
svg text { fill: var(--ink); font-size: 12px; } svg .n { fill: var(--faint); font-size: 11px; }
svg line { stroke: var(--line); }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); } .s3 { fill: var(--s3); }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 0 .75rem; font-size: .875rem; color: var(--faint); }
.key svg { display: inline-block; width: .75rem; margin-right: .35rem; }
.note { margin: .5rem 0 0; font-size: .8rem; color: var(--faint); }
ul { margin: 0; padding-left: 1.2rem; } li { margin-bottom: .25rem; }
"""


def check_statistics_page(path: Path) -> None:
    """Makes sure, before anything is counted, that the page can be written.

    Raises:
        OutputError: If its folder is not there, or a folder has its name.
    """
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {str(path.parent)!r} does not exist; make it first")
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")


def write_statistics_page(found: DataStatistics, path: Path) -> None:
    """Writes the page; it appears whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        fresh.write_text(statistics_page(found), encoding="utf-8", errors="replace")
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        fresh.unlink(missing_ok=True)


def statistics_page(found: DataStatistics) -> str:
    """The page as text; every name and text of the data is escaped."""
    title = f"Data: {', '.join(found.sets)}"
    cards = "\n".join(_cards(found))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<main class="cards">\n{cards}\n</main>\n</body>\n</html>\n'
    )


def _cards(found: DataStatistics) -> Iterator[str]:
    yield _card("Counts", _table(("", *found.sets), count_rows(found)), "wide")
    if found.shared:
        yield _card("Texts that sets share", _table(SHARED_COLUMNS, shared_rows(found)), "wide")
    if found.labels:
        yield _card("Share of the labels, %", _key(found) + _label_chart(found), "tall")
    for title, lengths, series in _drawn_lengths(found):
        yield _card(title, _length_chart(title, lengths, series))
    yield _card("Lengths", _table(LENGTH_COLUMNS, length_rows(found), "lengths"), "wide")
    if found.labels:
        rows = list(label_rows(found))
        more = len(rows) - _LISTED_LABELS
        note = f"<p>and {more:,} labels more; the JSON output has them all</p>" if more > 0 else ""
        yield _card("Labels", _table(label_columns(found), rows[:_LISTED_LABELS]) + note, "wide")
    yield _card("Remarks", f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in remarks(found))}</ul>", "wide")


def _card(title: str, content: str, kind: str = "") -> str:
    return f'<section class="card {kind}"><h2>{escape(title)}</h2>{content}</section>'


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table class="{kind}"><tr>{head}</tr>{body}</table></div>'


def _key(found: DataStatistics) -> str:
    square = '<svg viewBox="0 0 12 12" aria-hidden="true"><rect class="s{}" width="12" height="12"/></svg>'
    names = (f"<span>{square.format(place % 4)}{escape(name)}</span>" for place, name in enumerate(found.sets))
    return f'<p class="key">{"".join(names)}</p>'


def _label_chart(found: DataStatistics) -> str:
    groups = []
    for label in found.labels[:_DRAWN_LABELS]:
        shares = [(name, one.counts.label_share(label)) for name, one in found.sets.items()]
        bars = [Bar(name, share, percent(share), place) for place, (name, share) in enumerate(shares)]
        groups.append((label, bars))
    more = len(found.labels) - _DRAWN_LABELS
    note = f"<p>The {_DRAWN_LABELS} most frequent of {len(found.labels):,} labels.</p>" if more > 0 else ""
    return row_chart(groups, "Share of each label among the entities of each set") + note


def _drawn_lengths(found: DataStatistics) -> Iterator[tuple[str, Lengths, int]]:
    from globalner.data.statistics import Lengths

    for what, lengths_of in (("Document lengths", _of_documents), ("Entity lengths", _of_entities)):
        for place, (name, one) in enumerate(found.sets.items()):
            unit, lengths = lengths_of(one)
            if isinstance(lengths, Lengths) and lengths.counts and place < _DRAWN_SETS:
                yield f"{what} of {name}, {unit}", lengths, place


def _of_documents(one: FileStatistics) -> tuple[str, Lengths]:
    if one.tokens is not None:
        return "tokens", one.tokens.tokens
    whole = len(one.counts.document_words) == one.counts.documents
    return ("words", one.counts.document_words) if whole else ("characters", one.counts.document_chars)


def _of_entities(one: FileStatistics) -> tuple[str, Lengths]:
    whole = len(one.counts.entity_words) == one.counts.entities
    return ("words", one.counts.entity_words) if whole else ("characters", one.counts.entity_chars)


def _length_chart(title: str, lengths: Lengths, series: int) -> str:
    bars = []
    for first, last, count in lengths.buckets():
        share = percent(count / len(lengths))
        whole = f"{first:,}" if first == last else f"{first:,} to {last:,}"
        bars.append(Bar(f"{first:,}", count, f"{whole}: {count:,} ({share} %)", series))
    note = '<p class="note">A bar counts from the length below it up to the next one.</p>'
    return column_chart(bars, title) + note
