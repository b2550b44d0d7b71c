"""Several sets made one."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity
from globalner.workflows import MergeOptions, merge_files

ADA, BYRON, LONDON = Entity(0, 3, "PER"), Entity(0, 9, "PER"), Entity(15, 21, "LOC")
TEXT = "Ada Byron left London"


def files(tmp_path: Path, *sets: list[Document]) -> list[Path]:
    paths = [tmp_path / f"{number}.jsonl" for number in range(len(sets))]
    for path, documents in zip(paths, sets, strict=True):
        write_documents(documents, path)
    return paths


def test_files_are_put_one_behind_the_other(tmp_path: Path) -> None:
    sets = [Document("Ada", (ADA,), id="1"), Document("")], [Document("Bob", id="2"), Document("Ada", (ADA,))]
    result = merge_files(files(tmp_path, *sets), tmp_path / "out.jsonl")
    assert list(read_documents(tmp_path / "out.jsonl")) == [*sets[0], *sets[1]]
    assert (list(result.read.values()), result.documents, result.entities, result.conflicts) == ([2, 2], 4, 2, ())
    assert not result.report


def test_other_entities_of_one_text_are_refused_and_listed(tmp_path: Path) -> None:
    paths = files(tmp_path, [Document(TEXT, (BYRON,))], [Document(TEXT, (ADA,)), Document("x")])
    with pytest.raises(DataError, match=r"1\.jsonl:1 and .*0\.jsonl:1 have the same text and other entities"):
        merge_files(paths, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    kept = merge_files(paths, tmp_path / "out.jsonl", options=MergeOptions("keep"))
    assert (kept.documents, len(kept.conflicts)) == (3, 1)


def test_entities_of_one_text_are_united_and_conflicts_told(tmp_path: Path) -> None:
    crossing, other = Entity(4, 14, "X"), Entity(15, 21, "ORG")
    first = Document(TEXT, (BYRON, LONDON), id="a", extra={"meta": 1})
    second = Document(TEXT, (LONDON, crossing, other, ADA), id="b", tokens=((0, 3),), extra={"meta": 2, "more": 3})
    third = Document(TEXT, (ADA,), tokens=((4, 9),))
    paths = files(tmp_path, [Document("x"), first], [second, Document("y"), third])
    result = merge_files(paths, tmp_path / "out.jsonl", options=MergeOptions("union"))
    x, united, y = read_documents(tmp_path / "out.jsonl")
    assert (x.text, y.text) == ("x", "y")
    assert {one.key for one in united.entities} == {one.key for one in (BYRON, LONDON, crossing, other, ADA)}
    assert (united.id, united.tokens, united.extra) == ("a", ((0, 3),), {"meta": 1, "more": 3})
    assert len(result.conflicts) == 2
    assert "X 4:14 'Byron left' against PER 0:9 'Ada Byron'" in result.conflicts[0]
    assert "ORG 15:21 'London' against LOC 15:21 'London'" in result.conflicts[1]
    counts = {reason.split(",")[0]: count for reason, count in result.report.counts.items()}
    assert counts == {
        "document joined to an earlier one with its text": 2,
        "conflict between entities of the same text": 2,
        "further key left out": 1,
        "id left out": 1,
        "given words left out": 1,
    }


def test_blank_texts_are_never_united(tmp_path: Path) -> None:
    result = merge_files(
        files(tmp_path, [Document(" "), Document(" ")]), tmp_path / "o.jsonl", options=MergeOptions("union")
    )
    assert result.documents == 2


def test_ids_are_made_unique_on_demand(tmp_path: Path) -> None:
    sets = [Document("a", id="1"), Document("b", id="1-2")], [Document("c", id="1"), Document("d", id="1")]
    paths = files(tmp_path, *sets)
    told = merge_files(paths, tmp_path / "out.jsonl")
    assert [one.id for one in read_documents(tmp_path / "out.jsonl")] == ["1", "1-2", "1", "1"]
    assert list(told.report.counts.values()) == [2]
    merge_files(paths, tmp_path / "out.jsonl", options=MergeOptions(unique_ids=True))
    assert [one.id for one in read_documents(tmp_path / "out.jsonl")] == ["1", "1-2", "1-3", "1-4"]


def test_a_file_that_is_read_is_not_written(tmp_path: Path) -> None:
    paths = files(tmp_path, [Document("a")], [Document("b")])
    with pytest.raises(OutputError, match="is the file to merge"):
        merge_files(paths, paths[1])
