"""The published files of two sets with inclusive ends, read whole and compared with the JSON itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from globalner.data.documents import read_documents

pytestmark = pytest.mark.data

_COUNTS = [
    ("cluener2020/train.json", "cluener", 10748, 23971, {"name": 3755, "movie": 1123}),
    ("cluener2020/dev.json", "cluener", 1343, 3072, {"name": 465, "movie": 151}),
    ("cmeee_v2/CMeEE-V2_dev.json", "cmeee", 5000, 26081, {"bod": 7361, "dis": 6328, "dep": 86}),
    ("cmeee_v2/CMeEE-V2_test.json", "cmeee", 3000, 0, {}),
]


@pytest.mark.parametrize(("name", "form", "records", "count", "labels"), _COUNTS)
def test_published_files_are_read_whole(
    real_data: Path, name: str, form: str, records: int, count: int, labels: dict[str, int]
) -> None:
    reader = read_documents(real_data / name)
    documents = list(reader)
    entities = [entity for document in documents for entity in document.entities]
    assert (reader.format, len(documents), len(entities)) == (form, records, count)
    assert not reader.report.counts
    found = {label: sum(entity.label == label for entity in entities) for label in labels}
    assert found == labels


def _cluener_slices(path: Path) -> list[tuple[int, str, str, int]]:
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [
        (number, label, mention, start)
        for number, row in enumerate(rows)
        for label, mentions in row["label"].items()
        for mention, positions in mentions.items()
        for start, _ in positions
    ]


def _cmeee_slices(path: Path) -> list[tuple[int, str, str, int]]:
    rows = json.loads(path.read_text("utf-8"))
    return [
        (number, item["type"], item["entity"], item["start_idx"])
        for number, row in enumerate(rows)
        for item in row["entities"]
    ]


@pytest.mark.parametrize(
    ("name", "slices_of"),
    [
        ("cluener2020/train.json", _cluener_slices),
        ("cluener2020/dev.json", _cluener_slices),
        ("cmeee_v2/CMeEE-V2_dev.json", _cmeee_slices),
    ],
)
def test_every_slice_of_the_published_files(
    real_data: Path, name: str, slices_of: Callable[[Path], list[tuple[int, str, str, int]]]
) -> None:
    documents = list(read_documents(real_data / name))
    read = [(n, e.label, e.text, e.start) for n, document in enumerate(documents) for e in document.entities]
    assert all(d.text[e.start : e.end] == e.text for d in documents for e in d.entities)
    assert sorted(read) == sorted(slices_of(real_data / name))


def test_unlabelled_cluener_lines_keep_their_ids(real_data: Path) -> None:
    documents = list(read_documents(real_data / "cluener2020/test.json", "cluener"))
    assert [document.id for document in documents] == [str(number) for number in range(1345)]
    assert not any(document.entities for document in documents)


def test_marks_inside_published_texts_are_kept(real_data: Path) -> None:
    counts = [
        sum(document.text.count("\ufeff") for document in read_documents(real_data / f"cmeee_v2/CMeEE-V2_{part}.json"))
        for part in ("dev", "test")
    ]
    assert counts == [21, 11]
