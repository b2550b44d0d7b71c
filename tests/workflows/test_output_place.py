"""What is read is not written over, and a new file follows the form of the one whose place it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.errors import DataError, OutputError
from globalner.types import Document, Entity
from globalner.workflows import FileForm, MergeOptions, convert_file, map_labels, merge_files
from globalner.workflows.output_place import refuse_sources

ADA = Document("Ada left London.", (Entity(0, 3, "PER"),), id="ada")


def test_a_source_and_what_lies_in_one_are_refused(tmp_path: Path) -> None:
    folder, file = tmp_path / "corpus", tmp_path / "a.jsonl"
    folder.mkdir()
    file.touch()
    with pytest.raises(OutputError, match=r"a\.jsonl is the file to merge"):
        refuse_sources([folder, file], tmp_path / "corpus" / ".." / "a.jsonl", "merge")
    with pytest.raises(OutputError, match=r"b\.jsonl lies in the folder to merge"):
        refuse_sources([file, folder], folder / "b.jsonl", "merge")
    refuse_sources([file, tmp_path / "missing"], tmp_path / "b.jsonl", "merge")


def test_no_verb_writes_into_the_folder_that_it_reads(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    write_documents([ADA], corpus, "brat")
    target = corpus / "new.jsonl"
    with pytest.raises(OutputError, match="lies in the folder"):
        map_labels(corpus, target, {"PER": "X"})
    with pytest.raises(OutputError, match="lies in the folder"):
        merge_files([corpus], target)
    with pytest.raises(OutputError, match="lies in the folder"):
        convert_file(corpus, target)
    assert not target.exists()


def test_a_missing_file_is_named_though_the_new_one_is_there(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").touch()
    with pytest.raises(DataError, match=r"no such"):
        map_labels(tmp_path / "missing.jsonl", tmp_path / "out.jsonl", {"PER": "X"})


@pytest.mark.parametrize("options", [{}, {"separator": "space", "layers": "2"}])
def test_the_new_file_has_the_format_that_was_read_under_the_same_suffix(
    tmp_path: Path, options: dict[str, str]
) -> None:
    columns, target = tmp_path / "a.txt", tmp_path / "b.txt"
    write_documents([Document("Ada left", ADA.entities)], columns, "columns")
    map_labels(columns, target, {"PER": "X"}, writing=FileForm(options=options))
    assert read_documents(target).format == "columns"
    united = MergeOptions(same_texts="union", writing=FileForm(options=options))
    merge_files([columns], tmp_path / "c.txt", options=united)
    assert read_documents(tmp_path / "c.txt").format == "columns"


def test_another_suffix_and_a_named_format_go_before_that(tmp_path: Path) -> None:
    columns = tmp_path / "a.txt"
    write_documents([Document("Ada left", ADA.entities)], columns, "columns")
    map_labels(columns, tmp_path / "b.jsonl", {"PER": "X"})
    map_labels(columns, tmp_path / "c.txt", {"PER": "X"}, writing=FileForm("native"))
    assert [read_documents(tmp_path / name).format for name in ("b.jsonl", "c.txt")] == ["native", "native"]
