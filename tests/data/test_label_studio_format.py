"""Tasks of Label Studio in their several shapes, and what is left out of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats.label_studio import LabelStudioOptions
from globalner.errors import DataError
from globalner.types import Document, Entity

TEXT = "Ada met Bob"
ADA = Entity(0, 3, "PER", "Ada")


def _result(start: int = 0, end: int = 3, **changes: object) -> dict[str, object]:
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": ["PER"]}
    value |= {key: changes.pop(key) for key in ("text", "labels") if key in changes}
    return {"id": "a", "from_name": "label", "to_name": "text", "type": "labels", "value": value} | changes


def _file(folder: Path, content: object) -> Path:
    path = folder / "a.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def _task(*annotations: dict[str, object], **changes: object) -> dict[str, object]:
    return {"id": 7, "data": {"text": TEXT}, "annotations": list(annotations)} | changes


@pytest.mark.parametrize(
    "content",
    [
        [_task({"result": [_result()]})],
        _task({"result": [_result()]}),
        [{"id": 7, "data": {"text": TEXT}, "completions": [{"result": [_result()]}]}],
        [
            {
                "id": 7,
                "text": TEXT,
                "label": [_result()["value"]],
                "annotator": 1,
                "created_at": "2024",
                "lead_time": 1.5,
            }
        ],
    ],
)
def test_shapes_of_exports(tmp_path: Path, content: object) -> None:
    reader = read_documents(_file(tmp_path, content))
    assert reader.format == "label-studio"
    assert list(reader) == [Document(TEXT, (ADA,), id="7")]
    assert reader.report.counts == {}


def test_the_annotation_that_counts(tmp_path: Path) -> None:
    first, truth = {"result": [_result()]}, {"result": [_result(8, 11)], "ground_truth": True}
    cancelled = {"result": [], "was_cancelled": True}
    path = _file(tmp_path, [_task(cancelled, first, {"result": []}), _task(first, truth), _task(cancelled), _task()])
    reader = read_documents(path)
    assert [[entity.text for entity in document.entities] for document in reader] == [["Ada"], ["Bob"], [], []]
    assert reader.report.counts == {
        "annotation that was cancelled, left out": 2,
        "further annotation of a task, left out": 2,
        "task without annotations, read without entities": 2,
    }


def test_what_is_no_span_is_counted(tmp_path: Path) -> None:
    results = [
        _result(labels=["PER", "ORG"]),
        _result(labels=[]),
        _result(type="choices", value={"choices": ["good"]}),
        {"type": "relation", "from_id": "a", "to_id": "b"},
        _result(3, 8),
    ]
    reader = read_documents(_file(tmp_path, [_task({"result": results})]))
    assert [[(entity.label, entity.text) for entity in document.entities] for document in reader] == [
        [("PER", "Ada"), ("ORG", "Ada"), ("PER", " met ")]
    ]
    assert reader.report.counts == {
        "result without a label, not read": 1,
        'result of the type "choices", not read': 1,
        'result of the type "relation", not read': 1,
        "entity with blanks at its edges, kept": 1,
    }


def test_predictions(tmp_path: Path) -> None:
    predictions = [
        {"model_version": "a", "result": [_result(score=0.25), _result(8, 11, score=7)]},
        {"model_version": "b", "result": [_result(8, 11)]},
    ]
    path = _file(tmp_path, [_task(predictions=predictions)])
    reader = read_documents(path, options=LabelStudioOptions(use="predictions"))
    assert [[(e.text, e.score) for e in document.entities] for document in reader] == [[("Ada", 0.25), ("Bob", None)]]
    assert reader.report.counts["score that is not a number from 0 to 1, left out"] == 1
    options = LabelStudioOptions(use="predictions", model_version="b")
    assert [[e.text for e in document.entities] for document in read_documents(path, options=options)] == [["Bob"]]


def test_the_text_and_the_control_are_found_or_named(tmp_path: Path) -> None:
    data = {"body": TEXT, "page": 3}
    results = [_result(), _result(8, 11, from_name="other")]
    path = _file(tmp_path, [_task({"result": results}, data=data)])
    assert [(document.text, document.extra) for document in read_documents(path)] == [(TEXT, {"page": 3})]
    reader = read_documents(path, options=LabelStudioOptions(label_name="other"))
    assert [[entity.text for entity in document.entities] for document in reader] == [["Bob"]]
    assert reader.report.counts == {"result of another labelling control, not read": 1}
    path = _file(tmp_path, [_task({"result": []}, data={"body": TEXT, "title": "A"})])
    with pytest.raises(DataError, match="cannot be told: it has 'body', 'title'; name its key with the option"):
        list(read_documents(path))
    assert [d.text for d in read_documents(path, options=LabelStudioOptions(text_field="title"))] == ["A"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (_task({"result": [_result(0, 4, text="Ada")]}), "says 'Ada', but the text there is 'Ada '"),
        (_task({"result": [_result(0, 40, text="Ada")]}), "offset 40 lies outside the text"),
        (_task({"result": [_result(labels="PER")]}), "'labels' is \"PER\"; it must be a list of strings"),
        (_task({"result": [_result(value=3)]}), "result 1: 'value' is 3"),
        (_task({"result": "x"}), "'result' is \"x\"; it must be a list"),
        (_task(data=3), "'data' is 3; it must be an object"),
        ([1], "holds a list of 1; a task is a JSON object"),
    ],
)
def test_broken_tasks_are_told_one_by_one(tmp_path: Path, task: object, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text("[\n" + ",\n".join(map(json.dumps, [_task(), task, _task()])) + "]", "utf-8")
    reader, rejected = read_documents(path), list[DataError]()
    assert len(list(reader.readable(rejected))) == 2
    assert [(error.line, message in error.message) for error in rejected] == [(3, True)], rejected
    assert isinstance(task, list) or rejected[0].message.startswith("document 7: ")


def test_offsets_of_early_exports_are_told(tmp_path: Path) -> None:
    task = _task({"result": [_result(3, 6, text="Ada")]}, data={"text": "💩 Ada"})
    with pytest.raises(DataError, match=r"it fits if offsets count utf16 \(offset_unit=utf16\)"):
        list(read_documents(_file(tmp_path, [task])))
    (document,) = read_documents(_file(tmp_path, [task]), options=LabelStudioOptions(offset_unit="utf16"))
    assert document.entities == (Entity(2, 5, "PER", "Ada"),)


def test_file_as_written(tmp_path: Path) -> None:
    document = Document(TEXT, (Entity(0, 3, "PER", score=0.75),), id="7", extra={"page": 3})
    write_documents([document], tmp_path / "a", "label-studio")
    value = {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}
    result = {"id": "entity-1", "from_name": "label", "to_name": "text", "type": "labels", "value": value}
    data = {"text": TEXT, "page": 3}
    assert json.loads((tmp_path / "a").read_text("utf-8")) == [
        {"id": 7, "data": data, "annotations": [{"result": [result]}]}
    ]
    options = LabelStudioOptions(use="predictions", label_name="ner", text_name="body", model_version="v2")
    write_documents([document], tmp_path / "a", options=options)
    (task,) = json.loads((tmp_path / "a").read_text("utf-8"))
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("v2", 0.75)
    assert prediction["result"] == [result | {"from_name": "ner", "to_name": "body", "score": 0.75}]
    with pytest.raises(DataError, match="named like the text's"):
        write_documents([Document("a", extra={"text": 1})], tmp_path / "b", "label-studio")
