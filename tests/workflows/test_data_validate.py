"""Checks of data files and their repairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.data import read_documents
from globalner.errors import DataError, OutputError
from globalner.workflows import FileForm, RepairOptions, repair_file, validate_files
from globalner.workflows.data_validate import Validation


def native(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return path


def entity(start: int, end: int, label: str = "PER", **more: object) -> dict[str, object]:
    return {"start": start, "end": end, "label": label, **more}


def places(validation: Validation, kind: str) -> list[tuple[int | None, str | None]]:
    return [(finding.line, finding.document) for finding in validation.kinds[kind].findings]


UNREADABLE = "document that cannot be read"
FILE = "file that cannot be read to its end"


def test_all_errors_are_told_with_line_and_id(tmp_path: Path) -> None:
    bad = native(
        tmp_path / "bad.jsonl",
        {"id": "a", "text": "Ada", "entities": [entity(0, 9), entity(1, 1), entity(0, 3)]},
        {"id": "b", "text": "Bob", "entities": [entity(0, 4)]},
        {"id": "c", "text": "Cy"},
        {"txt": "Di"},
    )
    found = validate_files([bad])
    assert (found.documents, found.errors) == (1, 3)
    cases = found.kinds[UNREADABLE].findings
    assert [case.line for case in cases] == [1, 2, 4]
    assert "document 'a'" in cases[0].message
    assert "0:9" in cases[0].message
    assert "start 1 and end 1" in cases[0].message
    assert "document 'b'" in cases[1].message


def test_counts_go_on_where_cases_are_no_longer_kept(tmp_path: Path) -> None:
    records = [{"text": f"Ada {n}", "entities": [entity(0, 4)]} for n in range(9)]
    path = native(tmp_path / "a.jsonl", *records)
    kind = "entity with blanks at its edges"
    few, every = validate_files([path], max_findings=2).kinds[kind], validate_files([path], max_findings=0).kinds[kind]
    assert (few.count, len(few.findings), every.count, len(every.findings)) == (9, 2, 9, 9)
    assert places(validate_files([path]), kind)[:2] == [(1, None), (2, None)]


def test_a_file_that_breaks_off_does_not_hide_the_others(tmp_path: Path) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"Ada\n\xff\xfe\xff\n")
    good = native(tmp_path / "good.jsonl", {"text": "Ada"}, {"text": "Ada"})
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", "utf-8")
    found = validate_files([broken, empty, good], reading=FileForm())
    assert [case.path.name for case in found.kinds[FILE].findings] == ["broken.txt", "empty.jsonl"]
    assert found.kinds["text given twice"].count == 1
    with pytest.raises(DataError, match="did you mean"):
        validate_files([good, tmp_path / "goood.jsonl"])


def test_each_file_is_a_set_of_its_own(tmp_path: Path) -> None:
    record = {"id": "1", "text": "Ada"}
    one, other = native(tmp_path / "1.jsonl", record), native(tmp_path / "2.jsonl", record)
    assert validate_files([one, other]).kinds == {}


def test_inclusive_ends_are_told_from_the_errors(tmp_path: Path) -> None:
    records = [{"text": f"Ada {n}", "entities": [entity(0, 2, text="Ada")]} for n in range(3)]
    found = validate_files([native(tmp_path / "a.jsonl", *records)])
    assert found.errors == 3
    assert found.kinds["offsets that look inclusive"].findings[0].message == "3 of 3 errors fit an inclusive end"
    assert "the end looks inclusive" in found.kinds[UNREADABLE].findings[0].message


def test_repairs_and_notes_of_the_reader_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes("\ufeffAda\tB-PER\nin\tO\nUlm\tI-LOC\n\nBonn\tI-LOC\n".encode())
    found = validate_files([path])
    (kind,) = [kind for kind in found.kinds if kind.startswith("in reading: ")]
    assert (found.errors, found.kinds[kind].count, len(found.kinds[kind].findings)) == (0, 2, 2)
    assert any("byte order mark" in note for note in found.notes[str(path)])


def test_lines_are_those_where_sentences_begin(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Ada\tB-PER\nleft\tO\n\nIn\tO\nUlm\tB-LOC\n\n\nAda\tB-PER\nleft\tO\n", "utf-8")
    assert places(validate_files([path]), "text given twice") == [(8, None)]


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    return native(
        tmp_path / "untidy.jsonl",
        {"id": "1", "text": "\ufeffAda  left", "entities": [entity(1, 5), entity(1, 5)], "meta": 1},
        {"id": "2", "text": "Bob and Cy", "entities": [entity(0, 3), entity(8, 10, "per")]},
    )


def test_repairs_are_made_and_listed(untidy: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    result = repair_file(untidy, target, validate_files([untidy]))
    assert (result.documents, result.dropped, len(result.repairs)) == (2, 0, 4)
    assert {(repair.line, repair.document) for repair in result.repairs} == {(1, "1")}
    first, second = read_documents(target)
    assert (first.text, [one.key for one in first.entities], first.extra) == ("Ada  left", [(0, 3, "PER")], {"meta": 1})
    assert [one.label for one in second.entities] == ["PER", "per"]
    assert validate_files([target]).repairable == 0
    repair_file(untidy, target, validate_files([untidy]), options=RepairOptions(unify_labels=True))
    assert [one.label for one in list(read_documents(target))[1].entities] == ["PER", "PER"]


def test_documents_that_cannot_be_read_are_not_lost_unasked(untidy: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    with untidy.open("a", encoding="utf-8") as file:
        file.write("{\n")
    found = validate_files([untidy])
    with pytest.raises(DataError, match="--drop-unreadable"):
        repair_file(untidy, target, found)
    assert not target.exists()
    assert repair_file(untidy, target, found, options=RepairOptions(drop_unreadable=True)).dropped == 1
    with pytest.raises(OutputError, match="another file"):
        repair_file(target, target, validate_files([target]))


def test_a_file_keeps_its_form(tmp_path: Path) -> None:
    source, target = tmp_path / "a.json", tmp_path / "b.json"
    record = {"text": "头 痛", "entities": [{"start_idx": 0, "end_idx": 1, "type": "sym", "entity": "头 "}]}
    source.write_text(json.dumps([record]), "utf-8")
    repair_file(source, target, validate_files([source]))
    (written,) = json.loads(target.read_text("utf-8"))
    assert written["entities"][0]["entity"] == "头"


def test_what_reading_changed_is_told_with_the_repairs(tmp_path: Path) -> None:
    source = tmp_path / "a.conll"
    source.write_text("Ada\tB-PER\nin\tO\nUlm\tI-LOC\n", "utf-8")
    result = repair_file(source, tmp_path / "b.conll", validate_files([source]))
    assert (result.repairs, list(result.as_read.values()), result.left_out) == ((), [1], {})
