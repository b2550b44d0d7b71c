"""W3C Web Annotation: pages and loose annotations, in every unit of offsets."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.offset_units import OFFSET_UNITS, OffsetUnit
from globalner.data.formats.web_annotation import WebAnnotationOptions
from globalner.errors import DataError
from globalner.types import Document, Entity

TEXT = "🎉 Ada Byron"
PER = {"type": "TextualBody", "purpose": "tagging", "value": "PER"}


def _position(start: object, end: object) -> dict[str, object]:
    return {"type": "TextPositionSelector", "start": start, "end": end}


def _annotation(start: object, end: object, **keys: object) -> dict[str, object]:
    return {"body": PER, "target": {"source": "a.txt", "selector": _position(start, end)}, **keys}


def _page(*items: object, **keys: object) -> dict[str, object]:
    return {"type": "AnnotationPage", "text": TEXT, "items": list(items), **keys}


def _file(folder: Path, value: object, name: str = "a.jsonld") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def _spans(document: Document) -> list[tuple[str, str]]:
    return [(entity.label, entity.text) for entity in document.entities]


LAYOUTS = {
    "array": lambda records: json.dumps(records),
    "pretty array": lambda records: json.dumps(records, indent=2),
    "one a line": lambda records: "\n\n".join(map(json.dumps, records)) + "\n",
    "pretty, one after the other": lambda records: "\n".join(json.dumps(record, indent=1) for record in records),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pages_in_every_layout(tmp_path: Path, layout: str) -> None:
    pages = [_page(_annotation(2, 5), id="7", partOf="x", mine=[1]), _page()]
    reader = read_documents(_file(tmp_path, LAYOUTS[layout](pages), "a.json"))
    documents = list(reader)
    assert reader.format == "web-annotation"
    assert documents == [Document(TEXT, (Entity(2, 5, "PER"),), id="7", extra={"mine": [1]}), Document(TEXT)]
    assert not reader.report


@pytest.mark.parametrize("layout", LAYOUTS)
def test_loose_annotations_are_gathered_by_source(tmp_path: Path, layout: str) -> None:
    (tmp_path / "b.txt").write_bytes("\ufeffBob\r\n".encode())
    embedded = {"id": "c", "type": "TextualBody", "value": "Cy"}
    annotations = [
        _annotation(2, 5, text=TEXT),
        {"body": PER, "target": {"source": "b.txt", "selector": [_position(0, 3)]}},
        {"bodyValue": "X", "target": [{"source": embedded, "selector": _position(0, 2)}]},
        _annotation(6, 11),
        {"body": PER, "text": "Di", "target": {"selector": _position(0, 2)}},
        {"body": PER, "text": "Ed", "target": {"selector": _position(0, 2)}},
    ]
    reader = read_documents(_file(tmp_path, LAYOUTS[layout](annotations), "a.json"))
    assert [(document.id, document.text, _spans(document)) for document in reader] == [
        ("a.txt", TEXT, [("PER", "Ada"), ("PER", "Byron")]),
        ("b.txt", "Bob\r\n", [("PER", "Bob")]),
        ("c", "Cy", [("X", "Cy")]),
        (None, "Di", [("PER", "Di")]),
        (None, "Ed", [("PER", "Ed")]),
    ]
    assert reader.format == "web-annotation"


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ("http://example.org/Person", ["http://example.org/Person"]),
        ({"value": "PER"}, ["PER"]),
        ({"purpose": "classifying", "source": "urn:per"}, ["urn:per"]),
        ([PER, {"purpose": "commenting", "value": "sure?"}], ["PER"]),
        ([PER, {"value": "no label beside a tag"}], ["PER"]),
        ([PER, {**PER, "value": "HUM"}, PER], ["PER", "HUM"]),
        ({"purpose": ["tagging", "editing"], "value": "PER"}, ["PER"]),
        ({"purpose": "commenting", "value": "sure?"}, []),
        ([], []),
    ],
)
def test_labels(tmp_path: Path, body: object, labels: list[str]) -> None:
    reader = read_documents(_file(tmp_path, [_page(_annotation(2, 5, body=body))]))
    (document,) = reader
    assert [entity.label for entity in document.entities] == labels
    bodies = len(body) if isinstance(body, list) else 1
    assert sum(reader.report.counts.values()) == bodies - len(labels) + (not labels)


def test_what_is_not_read_is_counted(tmp_path: Path) -> None:
    items = [
        _annotation(2, 5, creator="me", created="today"),
        {"body": PER, "target": "a.txt#xywh=1"},
        {"body": PER, "target": {"source": "a.txt", "selector": {"type": "FragmentSelector", "value": "x"}}},
    ]
    reader = read_documents(_file(tmp_path, [_page(*items)]))
    (document,) = reader
    assert _spans(document) == [("PER", "Ada")]
    assert reader.report.counts == {
        "key of an annotation that is not read": 2,
        "annotation without a TextPositionSelector, not read": 2,
    }


@pytest.mark.parametrize(("unit", "start", "end"), [("code_point", 2, 5), ("utf16", 3, 6), ("byte", 5, 8)])
def test_offsets_in_every_unit_and_a_hint_at_the_right_one(
    tmp_path: Path, unit: OffsetUnit, start: int, end: int
) -> None:
    quote = [_position(start, end), {"type": "TextQuoteSelector", "exact": "Ada"}]
    path = _file(tmp_path, [_page({"body": PER, "target": {"selector": quote}}, id="7")])
    (document,) = read_documents(path, options=WebAnnotationOptions(offset_unit=unit))
    assert _spans(document) == [("PER", "Ada")]
    if unit != "code_point":
        with pytest.raises(DataError, match=rf"document '7': annotation 1: .*'Ada'.*offset_unit={unit}"):
            list(read_documents(path))


BAD = [
    (_page(_annotation("2", 5)), "'start' is \"2\""),
    (_page(_annotation(2, None)), "'end' is null"),
    (_page(_annotation(2, 99)), "offset 99 lies outside the text"),
    (_page(_annotation(5, 5)), "the end must be above the start"),
    (_page(_annotation(2, 5, body={"value": 7})), "the value of the body is 7"),
    (_page(_annotation(2, 5, body=7)), "'body' is 7"),
    (_page(7), "annotation 1: is 7"),
    (_page(text=7), "'text' is 7"),
    (_page() | {"items": 7}, "'items' is 7"),
    (_page(id=[]), "'id' is a list"),
    ({"type": "AnnotationCollection", "first": "page1"}, "'first' of the collection"),
    (7, "is 7; it must be an annotation or a page"),
    (_annotation(2, 5), "no text for the source 'a.txt'.*no file of that name"),
    ({"body": PER, "target": {"source": "../a.jsonld", "selector": _position(0, 1)}}, "no file of that name"),
    ({"body": PER, "target": {"source": "http://x/y", "selector": _position(0, 1)}}, "put it there"),
    ({"body": PER, "target": {"selector": _position(0, 1)}}, "no text for the source None"),
    ({"body": PER, "target": [{"source": "x"}, {"source": "y", "selector": _position(0, 1)}]}, "several sources"),
    (_annotation(2, 5, text=7), "'text' is 7"),
]


@pytest.mark.parametrize(("record", "message"), BAD)
def test_a_record_that_cannot_be_read_is_named_and_the_others_are_read(
    tmp_path: Path, record: object, message: str
) -> None:
    path = _file(tmp_path, [_page(id="1"), record, _page(id="3")])
    reader, rejected = read_documents(path, "web-annotation"), list[DataError]()
    assert [document.id for document in reader.readable(rejected)] == ["1", "3"]
    assert len(rejected) == 1
    with pytest.raises(DataError, match=message):
        list(reader)


def test_loose_annotations_that_disagree(tmp_path: Path) -> None:
    lines = [_annotation(2, 5, text=TEXT, id="x"), _annotation(2, 5, text="other", id="y"), _page(id="1")]
    path = _file(tmp_path, "\n".join([*map(json.dumps, lines), '{"body": ']))
    reader, rejected = read_documents(path), list[DataError]()
    assert [document.id for document in reader.readable(rejected)] == ["1"]
    assert [error.line for error in rejected] == [2, 4]
    assert "document 'a.txt': annotation 'y': has another text" in str(rejected[0])


def test_a_collection_and_a_long_first_line(tmp_path: Path) -> None:
    collection = {"type": "AnnotationCollection", "first": _page(_annotation(2, 5), id="1")}
    assert [document.id for document in read_documents(_file(tmp_path, collection))] == ["1"]
    long = [_page(_annotation(2, 5), text=TEXT + "x" * 1_500_000)]
    reader = read_documents(_file(tmp_path, long))
    assert reader.format == "web-annotation"
    assert [_spans(document) for document in reader] == [[("PER", "Ada")]]


# Writing

_CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from('\ufeff\u2028\r\n\t\u0301👩\u200d\x00"\\𝔸')
_TEXTS = st.text(_CHARACTERS, max_size=20)


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(_TEXTS)
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    labels = st.text(_CHARACTERS, min_size=1, max_size=4)
    spans = draw(st.lists(st.tuples(edges, labels), max_size=6)) if text else []
    entities = {(start, end, label): Entity(start, end, label) for (start, end), label in spans}
    return Document(text, tuple(entities.values()), id=draw(st.none() | _TEXTS))


@given(st.lists(_documents(), min_size=1, max_size=4), st.sampled_from(OFFSET_UNITS))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_web_annotation_reads_back_what_it_wrote(documents: list[Document], unit: OffsetUnit) -> None:
    options = WebAnnotationOptions(offset_unit=unit)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.jsonld"
        assert not write_documents(documents, path, options=options)
        json.loads(path.read_bytes())
        reader = read_documents(path, options=options)
        assert list(reader) == documents
        assert not [reason for reason in reader.report.counts if "NUL" not in reason]
        assert not reader.report.notes
        assert read_documents(path).format == "web-annotation"


def test_what_is_written(tmp_path: Path) -> None:
    document = Document(TEXT, (Entity(2, 5, "PER", score=0.5), Entity(2, 5, "PER")), id="7", extra={"meta": 1})
    report = write_documents([document], tmp_path / "a.jsonld", options=WebAnnotationOptions(offset_unit="utf16"))
    assert json.loads((tmp_path / "a.jsonld").read_bytes()) == [
        {
            "@context": "http://www.w3.org/ns/anno.jsonld",
            "type": "AnnotationPage",
            "id": "7",
            "text": TEXT,
            "items": [
                {
                    "type": "Annotation",
                    "id": "#1.1",
                    "body": PER,
                    "target": {
                        "source": "7",
                        "selector": [_position(3, 6), {"type": "TextQuoteSelector", "exact": "Ada"}],
                    },
                }
            ],
        }
    ]
    assert sum(report.counts.values()) == 3


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 20) | st.floats() | st.sampled_from(["a.txt", "tagging", "..", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "text", "body", "value", "target", "selector", "source", "id", "start", "exact"]),
            inner,
        )
    ),
    max_leaves=20,
)


@given(_JSON, _JSON, _JSON)
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_json_gives_documents_or_errors(body: object, target: object, rest: object) -> None:
    selected = {"source": target, "selector": {"type": "TextPositionSelector", "start": 0, "end": 1}, "more": rest}
    records = [_page({"body": body, "target": selected}), {"body": PER, "target": target}, _page(rest), rest]
    with tempfile.TemporaryDirectory() as folder:
        path = _file(Path(folder), records)
        reader, rejected = read_documents(path, "web-annotation"), list[DataError]()
        try:
            documents = list(reader.readable(rejected))
        except DataError as error:  # numbers that are none are no JSON, and nothing behind them can be read
            documents = []
            rejected.append(error)
    assert documents or rejected
