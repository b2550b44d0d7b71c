"""The form of Label Studio: one JSON array of tasks, each with annotations or predictions.

    [{"id": 7, "data": {"text": "Ada met Bob"}, "annotations": [{"result": [
        {"id": "a", "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}]}]}]

Offsets count Unicode code points unless an option says otherwise, the end exclusive; a given `text` must be what they
slice. A span with several labels is as many entities. Also read: the older name `completions`, a single task, tasks one
after the other, and the short export (JSON_MIN), where the text and the list of spans stand in the task itself:

    [{"id": 7, "text": "Ada met Bob", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}]}]

Of several annotations of a task that which is marked `ground_truth` is read, else the first that was not cancelled;
the others are counted, and so are tasks without any, results of other kinds (choices, relations) and keys that are not
read. Spans with blanks at their edges are kept as they are, and counted. Further keys of `data` are kept.

Written is an array with a task a line, with annotations, or by option predictions, for people to correct in Label
Studio; only these hold scores. Given words have no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from globalner.data.formats.format import Carries, Format, Opened, Reading, Sample, Sniff, Source
from globalner.data.formats.json_stream import JsonStream, sampled_records
from globalner.data.formats.json_values import kind_of, named, text_id, whole_number
from globalner.data.formats.label_studio_options import LabelStudioOptions
from globalner.data.formats.label_studio_writer import write_label_studio
from globalner.data.formats.offset_entities import entity_at
from globalner.data.formats.offset_units import TextOffsets
from globalner.errors import DataError
from globalner.types import Document, Entity

__all__ = ["LABEL_STUDIO", "LabelStudioOptions"]

_LIST_KEYS = {"annotations": ("annotations", "completions"), "predictions": ("predictions",)}
_SPAN_TYPE = "labels"
_ADMINISTRATION = frozenset(
    (
        *("id", "data", "annotations", "completions", "predictions", "drafts", "meta", "created_at", "updated_at"),
        *("project", "inner_id", "total_annotations", "cancelled_annotations", "total_predictions", "comment_count"),
        *("unresolved_comment_count", "last_comment_updated_at", "updated_by", "comment_authors", "file_upload"),
        *("annotator", "annotation_id", "lead_time", "agreement", "history", "task_path", "allow_skip"),
    )
)


def _sniff(sample: Sample) -> Sniff:
    for record in sampled_records(sample):
        if not isinstance(record, dict):
            break
        if isinstance(record.get("data"), dict):
            return Sniff(True, "tasks with 'data'")
        if any(_is_short_result(value) for value in record.values()):
            return Sniff(True, "tasks of the short export")
    beginning = "\n".join(sample.lines[:200])
    if '"from_name"' in beginning and '"to_name"' in beginning:  # a task longer than the sample
        return Sniff(True, "results with 'from_name' and 'to_name'")
    return Sniff(False, "no record is a task with 'data' and 'annotations'")


def _is_short_result(value: object) -> bool:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    return {"start", "end", "labels"} <= set(value[0])


def _open(_source: Source, options: LabelStudioOptions) -> Opened:
    return Opened(f"tasks of Label Studio, entities from their {options.use}", partial(_read, options))


def _read(options: LabelStudioOptions, reading: Reading) -> Iterator[Document]:
    tasks = _Tasks(reading, options)
    for line, record in JsonStream(reading).records():
        try:
            if not isinstance(record, dict):
                raise DataError(f"holds {kind_of(record)}; a task is a JSON object with 'data'")
            yield tasks.document(record)
        except DataError as error:
            reading.reject(reading.error(named(record, error.message), line))


class _Tasks:
    """Turns one task after another into documents."""

    def __init__(self, reading: Reading, options: LabelStudioOptions) -> None:
        self._reading = reading
        self._report = reading.report
        self._options = options

    def document(self, task: dict[str, object]) -> Document:
        data = task.get("data")
        if isinstance(data, dict):
            text_key, results, extra_of = self._text_key(data), self._results(task), data
        elif data is None:
            fields = {key: value for key, value in task.items() if key not in _ADMINISTRATION}
            names = [key for key, value in fields.items() if _is_short_result(value)]
            names = [name for name in names if self._options.label_name in ("auto", name)]
            results = [self._long(item, name) for name in names for item in _list_of(fields[name], name)]
            data, extra_of = fields, {key: value for key, value in fields.items() if key not in names}
            text_key = self._text_key(data)
        else:
            raise DataError(f"'data' is {kind_of(data)}; it must be an object with the text")
        text = data[text_key]
        assert isinstance(text, str)
        offsets = TextOffsets(text, self._options.offset_unit)
        entities = [
            entity for number, item in enumerate(results, 1) for entity in self._entities(offsets, number, item)
        ]
        return Document(
            text,
            tuple(entities),
            id=text_id(task.get("id"), self._reading),
            extra={key: value for key, value in extra_of.items() if key != text_key},
        )

    def _text_key(self, data: Mapping[str, object]) -> str:
        wanted = self._options.text_field
        strings = [key for key, value in data.items() if isinstance(value, str)]
        if wanted != "auto":
            if wanted not in strings:
                raise DataError(
                    f"has no string {wanted!r} in its data, which has {', '.join(map(repr, data)) or 'none'}"
                )
            return wanted
        if "text" in strings:
            return "text"
        if len(strings) != 1:
            found = f"it has {', '.join(map(repr, strings))}" if strings else "it has no string"
            raise DataError(f"the text cannot be told: {found}; name its key with the option text_field")
        return strings[0]

    def _results(self, task: dict[str, object]) -> list[object]:
        """The results of the annotation or prediction that counts; an empty list where there is none."""
        use = self._options.use
        key = next((key for key in _LIST_KEYS[use] if task.get(key) is not None), use)
        found = [_object_of(item, key) for item in _list_of(task.get(key) or [], key)]
        usable = [item for item in found if not (item.get("was_cancelled") or item.get("skipped"))]
        for _ in range(len(found) - len(usable)):
            self._report.add("annotation that was cancelled, left out")
        version = self._options.model_version
        if use == "predictions" and version:
            usable = [item for item in usable if item.get("model_version") == version]
        if not usable:
            other = "predictions" if use == "annotations" else "annotations"
            hint = f"; it has {other} (option use)" if task.get(other) else ""
            self._report.add(f"task without {use}, read without entities{hint}", str(task.get("id", "")))
            return []
        chosen = next((item for item in usable if item.get("ground_truth")), usable[0])
        for _ in usable[1:]:
            self._report.add(f"further {use.removesuffix('s')} of a task, left out", str(task.get("id", "")))
        return _list_of(chosen.get("result") or [], "result")

    def _long(self, item: object, name: str) -> dict[str, object]:
        """A result of the short export in the long shape."""
        return {"type": _SPAN_TYPE, "from_name": name, "value": item}

    def _entities(self, offsets: TextOffsets, number: int, item: object) -> Iterator[Entity]:
        result = _object_of(item, "result")
        value, name = result.get("value"), f"result {number}"
        if result.get("type") != _SPAN_TYPE:
            self._report.add(f"result of the type {kind_of(result.get('type'))}, not read")
            return
        if self._options.label_name not in ("auto", result.get("from_name")):
            self._report.add("result of another labelling control, not read", str(result.get("from_name")))
            return
        if not isinstance(value, dict):
            raise DataError(f"{name}: 'value' is {kind_of(value)}; it must be an object with start, end and labels")
        labels = value.get("labels")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise DataError(f"{name}: 'labels' is {kind_of(labels)}; it must be a list of strings")
        if not labels:
            self._report.add("result without a label, not read", repr(value.get("text")))
        start, end = (whole_number(value.get(key), f"{name}: {key!r}") for key in ("start", "end"))
        mention = value.get("text")
        for label in labels:
            try:
                entity = entity_at(offsets, (start, end), label, mention if isinstance(mention, str) else None)
            except DataError as error:
                raise DataError(f"{name}: {error.message}") from None
            if entity.text != entity.text.strip():
                self._report.add("entity with blanks at its edges, kept", f"{label} {entity.text!r}")
            yield replace(entity, score=self._score(result.get("score")))

    def _score(self, value: object) -> float | None:
        if self._options.use == "annotations" or value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self._report.add("score that is not a number from 0 to 1, left out", kind_of(value))
            return None
        return float(value)


def _list_of(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise DataError(f"{name!r} is {kind_of(value)}; it must be a list")
    return value


def _object_of(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DataError(f"{name!r} holds {kind_of(value)}; it must hold objects")
    return value


LABEL_STUDIO = Format(
    name="label-studio",
    description="one JSON array of tasks with annotations or predictions, as Label Studio imports and exports them",
    suffixes=(),
    options=LabelStudioOptions,
    sniff=_sniff,
    open=_open,
    write=write_label_studio,
    carries=Carries(nested=True, crossing=True, same_span=True, ids=True, extra=True),
)
