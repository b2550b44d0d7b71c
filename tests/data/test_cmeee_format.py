from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner.data.documents import read_documents, write_documents
from globalner.errors import DataError
from globalner.types import Document, Entity


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "data.json"
    path.write_bytes("\n".join(lines).encode())
    return path


def _told(path: Path) -> tuple[int | None, str]:
    with pytest.raises(DataError) as caught:
        list(read_documents(path, "cmeee"))
    assert caught.value.path == str(path)
    return caught.value.line, caught.value.message


def _cmeee(*entities: dict[str, object], text: str = "头痛药") -> str:
    return json.dumps(
        [{"text": "", "entities": []}, {"text": text, "entities": entities}], ensure_ascii=False, indent=1
    )


def _item(**changes: object) -> dict[str, object]:
    return {"start_idx": 0, "end_idx": 1, "type": "sym", "entity": "头痛"} | changes


def test_cmeee_file_as_written(tmp_path: Path) -> None:
    documents = [Document("头\ufeff痛\u2028", (Entity(0, 3, "sym"), Entity(0, 1, "bod"))), Document("药")]
    write_documents(documents, tmp_path / "a.json", "cmeee")
    assert (tmp_path / "a.json").read_text("utf-8") == (
        '[\n  {\n    "text": "头\ufeff痛\u2028",\n    "entities": [\n'
        '      {\n        "start_idx": 0,\n        "end_idx": 2,\n        "type": "sym",\n'
        '        "entity": "头\ufeff痛"\n'
        '      },\n      {\n        "start_idx": 0,\n        "end_idx": 0,\n        "type": "bod",\n'
        '        "entity": "头"\n      }\n    ]\n  },\n  {\n    "text": "药",\n    "entities": []\n  }\n]\n'
    )


def test_cmeee_byte_order_mark_of_the_file_is_skipped_and_those_of_texts_stay(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, '\ufeff[{"text": "\ufeff痛", "id": 3, "k": 1, "entities":\r', "[]}]"))
    assert reader.format == "cmeee"
    assert list(reader) == [Document("\ufeff痛", id="3", extra={"k": 1})]
    assert any("byte order mark" in note for note in reader.report.notes)


def test_cmeee_key_of_an_entity_that_is_not_read_is_counted(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, _cmeee(_item(sure=True))))
    assert [document.entities for document in reader] == [(), (Entity(0, 2, "sym", "头痛"),)]
    assert reader.report.counts == {"key of an entity that is not read": 1}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            _item(type="drug"),
            "'type' is \"drug\", which is none of the nine: bod, dis, sym, pro, dru, ite, mic, equ, dep",
        ),
        (_item(type=["sym"]), "'type' is a list of 1, which is none of the nine"),
        (_item(end_idx=2), "(sym) says '头痛', but the characters 0 to 2 of the text are '头痛药'"),
        (_item(end_idx=2), "ends are inclusive in this format"),
        (_item(start_idx=2, end_idx=3), "has start 2 and end 3, which lie outside the text: it has 3 characters"),
        (_item(start_idx=-3, end_idx=-2), "lie outside the text"),
        (_item(start_idx=2), "has start 2 and end 1; the end is the last character itself"),
        (_item(start_idx="0"), "'start_idx' is \"0\"; it must be a whole number"),
        (_item(end_idx=True), "'end_idx' is true; it must be a whole number"),
        (_item(entity=None), "'entity' is null"),
        ({"start_idx": 0, "end_idx": 1, "type": "sym"}, "has no 'entity'; it has 'start_idx', 'end_idx', 'type'"),
    ],
)
def test_cmeee_entity_that_is_wrong_is_told_with_its_record(
    tmp_path: Path, item: dict[str, object], message: str
) -> None:
    number, told = _told(_file(tmp_path, _cmeee(_item(), item)))
    assert number == 6
    assert told.startswith("record 2: entity 2")
    assert message in told


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ('{"text": "a"}', 1, "'{' stands at the start of the file, where '[' must"),
        ("[]", None, "is empty"),
        (
            '[\n{"text": "a"},\n{"text" "b"}]',
            3,
            "record 2 is not complete JSON: Expecting ':' delimiter at character 9",
        ),
        ('[\n{"text": "a"},\n]', 3, "record 2 is not complete JSON: Expecting value"),
        ('[\n{"text": "a"}\n{"text": "b"}]', 3, "'{' stands after record 1, where ',' must"),
        ('[\n{"text": "a"},\n{"text": "b"}\n', 3, "the end of the file stands after record 2, where ',' must"),
        ('[\n{"text": "a"}\n]\n[]', 4, "goes on after the ]"),
        ('[\n{"text": "a"},\n["b"]]', 3, "record 2: is a list of 1"),
        ('[\n{"text": "a"},\n{"txt": "b"}]', 3, "record 2: has no 'text'; it has 'txt'"),
        ('[\n{"text": "a"},\n{"text": "b", "entities": {}}]', 3, "record 2: 'entities' is an object"),
        ('[\n{"text": "a"},\n{"text": "b", "entities": [0]}]', 3, "record 2: entity 1 is 0"),
        ('[\n{"text": "a"},\n{"text": "b",\n "text": "c"}]', 3, "record 2: an object has the key 'text' twice"),
        ('[\n{"text": "a", "n": NaN}]', 2, "record 1: holds NaN"),
        ('[\n{"text": "\\ud800"}]', 2, "record 1: a string holds \\ud800"),
        ("[" * 200_000, 1, "record 1 is not JSON that can be read"),
    ],
)
def test_cmeee_file_that_is_wrong_is_told_with_its_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    number, told = _told(_file(tmp_path, content))
    assert message in told
    assert number == line


def test_cmeee_refuses_labels_beside_the_nine_or_leaves_them_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    document = Document("头痛", (Entity(0, 2, "PER"), Entity(0, 1, "bod")))
    with pytest.raises(DataError, match="native form") as caught:
        write_documents([document], path, "cmeee")
    assert "entity with a label that is none of bod, dis, sym, pro, dru, ite, mic, equ, dep: 1" in str(caught.value)
    assert "PER '头痛'" in str(caught.value)
    assert not path.exists()
    report = write_documents([document], path, "cmeee", lossy=True)
    assert list(report.counts.values()) == [1]
    assert list(read_documents(path)) == [Document("头痛", (Entity(0, 1, "bod"),))]
