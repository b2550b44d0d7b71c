"""The native form: JSON lines, one document a line.

    {"id": "7", "text": "Ada Byron", "entities": [{"start": 0, "end": 9, "label": "PER"}], "tokens": [[0, 3], [4, 9]]}

`start` and `end` count Unicode code points, the end exclusive. `entities`, `id`, `tokens` and, inside an entity,
`score` and `text` are optional; a given `text` must be what the offsets slice. Texts that a model read may also carry
`windows` and `limited`. Any other key of a document is kept and written back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source, Writing
from globalner.data.formats.json_values import json_line, json_object, kind_of, text_id, text_of, whole_number
from globalner.data.report import Report
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["NATIVE", "NativeOptions"]

_KEYS = ("id", "text", "entities", "tokens", "windows", "limited")
_ENTITY_KEYS = ("start", "end", "label", "text", "score")
_FOREIGN_KEYS = ("label", "labels", "spans", "annotations")
_SCORE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """Options of the native form.

    Attributes:
        entity_text: Whether to write the `text` of each entity beside its offsets.
    """

    entity_text: bool = False


def _sniff(sample: Sample) -> Sniff:
    first = next(iter(sample.filled), "")
    named = sample.suffix in NATIVE.suffixes
    if not first.lstrip().startswith("{"):
        return Sniff(named, f"named {sample.suffix}" if named else "the first line is not a JSON object")
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        return Sniff(named or '"text"' in first, "the first line is not complete JSON")
    foreign = [key for key in _FOREIGN_KEYS if isinstance(record.get(key), list | dict)]
    if "entities" not in record and foreign:
        return Sniff(False, f"the first line is JSON with {foreign[0]!r}, where the native form has 'entities'")
    return Sniff(named or "text" in record, "JSON lines" if "text" in record else "the first line has no 'text'")


def _open(_source: Source, _options: NativeOptions) -> Opened:
    return Opened("JSON lines, one document a line", _read)


def _read(reading: Reading) -> Iterator[Document]:
    for number, line in reading.lines():
        if not line.strip():
            continue
        record: dict[str, object] = {}
        try:
            record = json_object(line)
            document = _document(record, reading)
        except DataError as error:
            reading.reject(reading.error(_all_problems(record, error), number))
        else:
            yield document


def _all_problems(record: dict[str, object], first: DataError) -> str:
    """What is wrong with every entity of a document, not only the first one that is, and the document's id."""
    text, entities, name = record.get("text"), record.get("entities"), record.get("id")
    problems = []
    if isinstance(text, str) and isinstance(entities, list):
        for number, item in enumerate(entities, start=1):
            try:
                Document(text, (_entity(item, f"entity {number}", Report()),))
            except DataError as error:
                problems.append(error.message)
    if first.message not in problems:
        problems.insert(0, first.message)
    prefix = f"document {name!r}: " if isinstance(name, str | int) else ""
    return prefix + "; ".join(problems)


def _document(record: dict[str, object], reading: Reading) -> Document:
    text = text_of(record)
    entities = record.get("entities", [])
    if not isinstance(entities, list):
        raise DataError(f"'entities' is {kind_of(entities)}; it must be a list")
    windows = record.get("windows")
    return Document(
        text,
        tuple(_entity(item, f"entity {number}", reading.report) for number, item in enumerate(entities, start=1)),
        id=text_id(record.get("id"), reading),
        tokens=_tokens(record.get("tokens")),
        extra={key: value for key, value in record.items() if key not in _KEYS},
        windows=None if windows is None else whole_number(windows, "'windows'"),
        limited=_truth(record.get("limited", False)),
    )


def _entity(item: object, name: str, report: Report) -> Entity:
    if not isinstance(item, dict):
        raise DataError(f"{name} is {kind_of(item)}; it must be an object with 'start', 'end' and 'label'")
    for key in ("start", "end", "label"):
        if key not in item:
            raise DataError(f"{name} has no {key!r}; it has {', '.join(map(repr, item)) or 'no key at all'}")
    label, text, score = item["label"], item.get("text"), item.get("score")
    if not isinstance(label, str):
        raise DataError(f"{name}: 'label' is {kind_of(label)}; it must be a string")
    if text is not None and (not isinstance(text, str) or not text):
        raise DataError(f"{name}: 'text' is {kind_of(text)}; it must be the characters from 'start' to 'end'")
    for key in item:
        if key not in _ENTITY_KEYS:
            report.add("key of an entity that is not read", str(key))
    start, end = (whole_number(item[key], f"{name}: {key!r}") for key in ("start", "end"))
    return Entity(start, end, label, text or "", None if score is None else _score(score, name))


def _score(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DataError(f"{name}: 'score' is {kind_of(value)}; it must be a number from 0 to 1")
    return float(value)


def _tokens(value: object) -> tuple[tuple[int, int], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise DataError(f"'tokens' is {kind_of(value)}; it must be a list of [start, end] pairs")
    pairs = []
    for number, pair in enumerate(value, start=1):
        if not isinstance(pair, list) or len(pair) != 2:
            raise DataError(f"token {number} is {kind_of(pair)}; it must be a pair [start, end]")
        pairs.append((whole_number(pair[0], f"token {number}"), whole_number(pair[1], f"token {number}")))
    return tuple(pairs)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise DataError(f"'limited' is {kind_of(value)}; it must be true or false")
    return value


def _write(documents: Iterable[Document], writing: Writing, options: NativeOptions) -> None:
    for number, document in enumerate(documents, start=1):
        for key in document.extra:
            if key in _KEYS:
                writing.losses.add("further key that is named like one of the format's", key)
        writing.put(json_line(_record_of(document, options), f"document {number}"))


def _record_of(document: Document, options: NativeOptions) -> Mapping[str, object]:
    record: dict[str, object] = {} if document.id is None else {"id": document.id}
    record["text"] = document.text
    record["entities"] = [_entity_record(entity, options) for entity in document.entities]
    if document.tokens is not None:
        record["tokens"] = document.tokens
    if document.windows is not None:
        record["windows"] = document.windows
    if document.limited:
        record["limited"] = True
    return record | {key: value for key, value in document.extra.items() if key not in _KEYS}


def _entity_record(entity: Entity, options: NativeOptions) -> dict[str, object]:
    record: dict[str, object] = {"start": entity.start, "end": entity.end, "label": entity.label}
    if options.entity_text:
        record["text"] = entity.text
    if entity.score is not None:
        record["score"] = round(entity.score, _SCORE_DIGITS)
    return record


NATIVE = Format(
    name="native",
    description="JSON lines with text and entities; holds everything, nested entities included",
    suffixes=(".jsonl", ".ndjson"),
    options=NativeOptions,
    sniff=_sniff,
    open=_open,
    write=_write,
    carries=Carries(nested=True, crossing=True, same_span=True, scores=True, ids=True, tokens=True, extra=True),
)
