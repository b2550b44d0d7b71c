"""What doccano's files differ in, and what is wrong with some."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats.doccano import DoccanoOptions
from globalner.errors import DataError
from globalner.types import Document, Entity

SPANS = [[0, 3, "PER"], [8, 11, "PER"]]
OBJECTS = [
    {"id": 4, "label": "PER", "start_offset": 0, "end_offset": 3},
    {"id": 5, "label": "PER", "start_offset": 8, "end_offset": 11, "user": 1},
]
ENTITIES = (Entity(0, 3, "PER", "Ada"), Entity(8, 11, "PER", "Bob"))


def _file(folder: Path, *records: object, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(record if isinstance(record, str) else json.dumps(record) for record in records), "utf-8")
    return path


@pytest.mark.parametrize("text", ["text", "data", "column_data"])
@pytest.mark.parametrize(
    ("key", "spans"),
    [("label", SPANS), ("labels", SPANS), ("entities", OBJECTS), ("annotations", OBJECTS), ("column_label", SPANS)],
)
def test_names_of_the_keys(tmp_path: Path, text: str, key: str, spans: object) -> None:
    record = {"id": 7, text: "Ada met Bob", key: spans, "Comments": [], "meta": {"page": 1}}
    reader = read_documents(_file(tmp_path, record))
    assert reader.format == "doccano"
    assert list(reader) == [
        Document("Ada met Bob", ENTITIES, id="7", extra={"Comments": [], "meta": {"page": 1}}),
    ]
    assert reader.report.counts == {}


def test_other_names_are_options(tmp_path: Path) -> None:
    path = _file(tmp_path, {"title": "Ada met Bob", "marks": SPANS})
    options = DoccanoOptions(text_field="title", label_field="marks")
    assert [document.entities for document in read_documents(path, options=options)] == [ENTITIES]
    write_documents([Document("Ada met Bob", ENTITIES)], tmp_path / "b", options=options)
    assert json.loads((tmp_path / "b").read_text("utf-8")) == {"title": "Ada met Bob", "marks": SPANS}
    with pytest.raises(DataError, match="'title' must be a string, and it has 'text'"):
        list(read_documents(_file(tmp_path, {"text": "a"}), options=options))


@pytest.mark.parametrize("indent", [None, 2])
def test_records_over_several_lines_and_in_an_array(tmp_path: Path, indent: int | None) -> None:
    records = [{"text": "Ada met Bob", "label": SPANS}, {"text": "Cy", "label": []}]
    in_array = _file(tmp_path, json.dumps(records, indent=indent), name="array.json")
    apart = _file(tmp_path, *(json.dumps(record, indent=indent) for record in records))
    for path in (in_array, apart):
        reader = read_documents(path)
        assert (reader.format, [len(document.entities) for document in reader]) == ("doccano", [2, 0])


def test_relations_and_spans_given_twice_are_counted(tmp_path: Path) -> None:
    relation = {"id": 1, "from_id": 4, "to_id": 5, "type": "met"}
    path = _file(tmp_path, {"text": "Ada met Bob", "entities": [*OBJECTS, OBJECTS[0]], "relations": [relation]})
    reader = read_documents(path)
    assert [document.entities for document in reader] == [ENTITIES]
    assert reader.report.counts == {"span given twice, kept once": 1, "relation left out": 1}
    assert "met" in reader.report.examples["relation left out"][0]


def test_files_as_written(tmp_path: Path) -> None:
    documents = [Document("Ada met Bob", ENTITIES, id="7"), Document("Bob", (Entity(0, 3, "PER"),), extra={"page": 1})]
    write_documents(documents, tmp_path / "a", "doccano")
    assert (tmp_path / "a").read_text("utf-8") == (
        '{"id": "7", "text": "Ada met Bob", "label": [[0, 3, "PER"], [8, 11, "PER"]]}\n'
        '{"text": "Bob", "label": [[0, 3, "PER"]], "page": 1}\n'
    )
    write_documents(documents, tmp_path / "b", options=DoccanoOptions(shape="entities"))
    first, second = map(json.loads, (tmp_path / "b").read_text("utf-8").splitlines())
    assert first["entities"][1] == {"id": 1, "start_offset": 8, "end_offset": 11, "label": "PER"}
    assert (second["entities"][0]["id"], second["relations"]) == (2, [])
    assert list(read_documents(tmp_path / "b")) == documents


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"label": SPANS}, "has no text: 'text' or 'data' or 'column_data' must be a string, and it has 'label'"),
        ({"text": "Ada", "label": "PER"}, "'label' is \"PER\"; it must be a list of spans"),
        ({"text": "Ada", "label": [[0, 3]]}, "span 1 of 'label' is a list of 2; it must be [start, end, label]"),
        ({"text": "Ada", "label": [[0, 9, "PER"]]}, "span 1 of 'label': 'PER': offset 9 lies outside the text"),
        ({"text": "Ada", "label": [[2, 2, "PER"]]}, "the end must be above the start"),
        ({"text": "Ada", "label": [["0", 3, "PER"]]}, "an offset of span 1 of 'label' is \"0\""),
        ({"text": "Ada", "label": [[0, 3, None]]}, "the label is null; it must be a string"),
        ({"text": "Ada", "entities": [{"start_offset": 0, "end_offset": 3}]}, "has no 'label'; it has"),
        ({"id": 9, "text": "Ada", "label": [[-1, 3, "PER"]]}, "document 9: span 1"),
        ('{"text": "Ada", ', "is not complete JSON"),
        ("[]", "holds a list of 0"),
    ],
)
def test_broken_records_are_told_one_by_one(tmp_path: Path, record: object, message: str) -> None:
    path = _file(tmp_path, {"text": "Ada met Bob", "label": SPANS}, record, {"text": "Cy", "label": [[0, 2, 3]]})
    reader, rejected = read_documents(path), list[DataError]()
    assert [document.text for document in reader.readable(rejected)] == ["Ada met Bob", "Cy"]
    assert [(error.line, message in error.message) for error in rejected] == [(2, True)], rejected
    assert "labels that are numbers were read as text" in reader.report.notes


def test_utf16_offsets_of_early_versions(tmp_path: Path) -> None:
    path = _file(tmp_path, {"text": "💩 Ada", "label": [[3, 6, "PER"]]})
    (document,) = read_documents(path, options=DoccanoOptions(offset_unit="utf16"))
    assert document.entities == (Entity(2, 5, "PER", "Ada"),)


def test_native_lines_stay_native(tmp_path: Path) -> None:
    native = {"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "PER"}]}
    assert read_documents(_file(tmp_path, native)).format == "native"
    assert read_documents(_file(tmp_path, {"text": "Ada", "entities": []}, native)).format == "native"
    assert read_documents(_file(tmp_path, {"text": "Ada", "label": []})).format == "doccano"
