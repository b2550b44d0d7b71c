"""Tables of documents as others make them: Parquet files, saved datasets and names on a hub."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from globalner.data import read_documents, write_documents
from globalner.data.formats.hf_datasets import DatasetOptions
from globalner.data.formats.table_layout import TableOptions
from globalner.errors import DataError
from globalner.types import Document, Entity
from globalner.workflows import FileForm, convert_file

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXT = "Ada met Bob"
ADA, BOB = Entity(0, 3, "PER", "Ada"), Entity(8, 11, "PER", "Bob")
WORDS = ["Ada", "met", "Bob"]
TAGS = ["B-PER", "O", "B-PER"]


def _parquet(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "a.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def _structs(*names: str) -> list[list[dict[str, object]]]:
    return [[dict(zip(names, values, strict=True)) for values in ((0, 3, "PER"), (8, 11, "PER"))]]


@pytest.mark.parametrize("text", ["text", "sentence"])
@pytest.mark.parametrize(
    ("name", "entities"),
    [
        ("entities", _structs("start", "end", "label")),
        ("spans", _structs("start_offset", "end_offset", "type")),
        ("labels", [{"start": [0, 8], "end": [3, 11], "label": ["PER", "PER"]}]),
    ],
)
def test_tables_of_entities(tmp_path: Path, text: str, name: str, entities: Any) -> None:
    table = {"id": [7], text: [TEXT], name: entities, "page": [3], "day": [dt.date(2024, 1, 1)], "gone": [None]}
    reader = read_documents(_parquet(tmp_path, table))
    assert (reader.format, f"entities in {name!r}" in reader.evidence) == ("parquet", True)
    assert list(reader) == [Document(TEXT, (ADA, BOB), id="7", extra={"page": 3})]
    assert reader.report.counts == {"value of a column that is not JSON, left out": 1}


def test_tables_of_tags(tmp_path: Path) -> None:
    chunks = [["B-NP", "O", "O"]]
    reader = read_documents(_parquet(tmp_path, {"tokens": [WORDS], "chunk_tags": chunks, "ner_tags": [TAGS]}))
    assert reader.evidence == "words in the column 'tokens', BIO tags in 'ner_tags'"
    words = ((0, 3), (4, 7), (8, 11))
    assert list(reader) == [Document(TEXT, (ADA, BOB), tokens=words, extra={"chunk_tags": chunks[0]})]
    reader = read_documents(
        _parquet(tmp_path, {"words": [WORDS], "labels": [["U-PER", "O", None]], "text": ["Ada-met"]})
    )
    assert [(document.text, document.entities) for document in reader] == [(TEXT, (ADA,))]
    assert reader.report.counts == {
        "text that is not its words, which are joined instead": 1,
        "word without a tag, read as outside": 1,
    }


def test_numbers_in_place_of_tags(tmp_path: Path) -> None:
    path = _parquet(tmp_path, {"tokens": [WORDS, WORDS], "ner_tags": [[1, 0, 1], [1, 0, 9]]})
    with pytest.raises(DataError, match=r"a\.parquet: the tags in the column 'ner_tags' are numbers.*names=O,B-PER"):
        read_documents(path)
    form = FileForm(options={"names": "O,B-PER,I-PER"})
    reader, rejected = form.reader(path), list[DataError]()
    assert [document.entities for document in reader.readable(rejected)] == [(ADA, BOB)]
    assert [error.message for error in rejected] == [
        "row 2: a tag is the number 9, but the 3 names are numbered from 0"
    ]


def test_columns_are_named_or_told_apart(tmp_path: Path) -> None:
    path = _parquet(tmp_path, {"body": [TEXT], "marks": _structs("start", "end", "label"), "n": [1]})
    with pytest.raises(DataError, match=r"has no texts, nor words with tags; the columns are body \(string\), marks"):
        read_documents(path)
    options = TableOptions(text="body", entities="marks")
    assert [document.entities for document in read_documents(path, options=options)] == [(ADA, BOB)]
    with pytest.raises(DataError, match=r"there is no column 'n' that can hold text; the columns are"):
        read_documents(path, options=TableOptions(text="n"))
    spans = _structs("start", "end", "label")
    both = _parquet(tmp_path, {"text": [TEXT], "entities": spans, "tokens": [WORDS], "tags": [["O"] * 3]})
    assert [document.entities for document in read_documents(both)] == [(ADA, BOB)]
    assert [document.entities for document in read_documents(both, options=TableOptions(tags="tags"))] == [()]
    texts = _parquet(tmp_path, {"text": [TEXT]})
    assert "no entities" in read_documents(texts).evidence
    assert list(read_documents(texts)) == [Document(TEXT)]


@pytest.mark.parametrize(
    ("text", "entities", "message"),
    [
        (None, [], "row 2: 'text' is null"),
        ("Ada", [{"start": 0, "end": 4, "label": "PER"}], "row 2: entity 1: 'PER': offset 4 lies outside"),
        ("Ada", [{"start": 0, "end": 3, "label": None}], "entity 1 has start 0, end 3 and label None"),
        ("Ada", [None], "entity 1 has start None"),
    ],
)
def test_broken_rows_are_told_one_by_one(tmp_path: Path, text: str | None, entities: list[Any], message: str) -> None:
    row = {"text": text, "entities": entities}
    good = {"text": TEXT, "entities": _structs("start", "end", "label")[0]}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([good, row, {"text": "Cy", "entities": None}]), path)
    reader, rejected = read_documents(path), list[DataError]()
    assert [document.text for document in reader.readable(rejected)] == [TEXT, "Cy"]
    assert [message in error.message for error in rejected] == [True], rejected


def test_damaged_files(tmp_path: Path) -> None:
    path = _parquet(tmp_path, {"text": [TEXT] * 100})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"a\.parquet: is not a Parquet file that can be read"):
        read_documents(path)


def test_many_rows_are_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_documents((Document(f"{TEXT} {number}", (ADA,)) for number in range(2500)), path)
    assert [document.text for document in read_documents(path)] == [f"{TEXT} {number}" for number in range(2500)]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A dataset of two splits with tags as numbers that have names."""
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(names)}
    )
    parts = {
        name: datasets.Dataset.from_dict({"tokens": [WORDS] * rows, "ner_tags": [TAGS] * rows}, features=features)
        for name, rows in (("train", 3), ("test", 1))
    }
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def test_saved_datasets(saved: Path) -> None:
    with pytest.raises(DataError, match=r"has several splits; name one with the option split \(train, test\)"):
        read_documents(saved)
    with pytest.raises(DataError, match="has no split 'dev'"):
        read_documents(saved, options=DatasetOptions(split="dev"))
    reader = read_documents(saved, options=DatasetOptions(split="train"))
    assert "split train" in reader.evidence
    assert [document.entities for document in reader] == [(ADA, BOB)] * 3
    assert [len(list(read_documents(saved / name))) for name in ("train", "test")] == [3, 1]


def test_names_on_a_hub(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    asked: list[tuple[object, ...]] = []

    def load(name: str, config: str | None, revision: str | None = None) -> object:
        asked.append((name, config, revision))
        return datasets.load_from_disk(str(saved))

    monkeypatch.setattr(datasets, "load_dataset", load)
    reading = FileForm(options={"split": "test", "config": "plain", "revision": "v1"})
    result = convert_file(Path("hub:someone/people"), tmp_path / "a.jsonl", reading=reading)
    assert (result.documents, result.entities, result.format) == (1, 2, "datasets")
    assert set(asked) == {("someone/people", "plain", "v1")}
    assert len(list(read_documents("hub:someone/people:train"))) == 3
    with pytest.raises(DataError, match="has no split 'dev'"):
        read_documents("hub:someone/people:dev")
    monkeypatch.undo()
    with pytest.raises(DataError, match=r"hub:someone/people: cannot be loaded by datasets"):
        read_documents("hub:someone/people")
