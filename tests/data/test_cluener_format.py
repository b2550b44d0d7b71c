from __future__ import annotations

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
        list(read_documents(path, "cluener"))
    assert caught.value.path == str(path)
    return caught.value.line, caught.value.message


def test_cluener_line_as_written(tmp_path: Path) -> None:
    document = Document(
        "江南江北江南",
        (Entity(4, 6, "place"), Entity(0, 2, "place"), Entity(0, 6, "book"), Entity(2, 4, "place")),
        id="7",
    )
    write_documents([document, Document("空")], tmp_path / "a.json", "cluener")
    assert (tmp_path / "a.json").read_text("utf-8") == (
        '{"id": "7", "text": "江南江北江南", "label": {"book": {"江南江北江南": [[0, 5]]}, '
        '"place": {"江南": [[0, 1], [4, 5]], "江北": [[2, 3]]}}}\n'
        '{"text": "空", "label": {}}\n'
    )


def test_cluener_lines_may_lack_a_label_and_keep_further_keys(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        '\ufeff{"id": 0, "text": "江南"}',
        "",
        '{"text": "江南", "label": {"place": {"南": [[1, 1], [1, 1]]}}, "source": "river"}\r',
    )
    reader = read_documents(path)
    assert reader.format == "cluener"
    assert list(reader) == [
        Document("江南", id="0"),
        Document("江南", (Entity(1, 2, "place"),), extra={"source": "river"}),
    ]
    assert reader.report.counts == {"position given twice, kept once": 1}
    assert len(reader.report.notes) == 2


def test_cluener_entities_are_read_in_the_order_of_the_text_outer_ones_first(tmp_path: Path) -> None:
    label = '{"b": {"南": [[1, 1]], "江": [[2, 2], [0, 0]]}, "a": {"江南": [[0, 1]]}}'
    (document,) = read_documents(_file(tmp_path, f'{{"text": "江南江", "label": {label}}}'))
    assert [entity.key for entity in document.entities] == [(0, 2, "a"), (0, 1, "b"), (1, 2, "b"), (2, 3, "b")]


def test_cluener_entity_given_twice_is_written_once_and_noted(tmp_path: Path) -> None:
    document = Document("江南", (Entity(0, 1, "p"), Entity(0, 1, "p"), Entity(0, 1, "q")))
    report = write_documents([document], tmp_path / "a.json", "cluener")
    assert report.counts == {"entity given twice, written once": 1}
    (read,) = read_documents(tmp_path / "a.json")
    assert [entity.key for entity in read.entities] == [(0, 1, "p"), (0, 1, "q")]


def test_cluener_without_any_label_is_read_when_named(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"id": 0, "text": "江南"}')
    assert list(read_documents(path, "cluener")) == list(read_documents(path)) == [Document("江南", id="0")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '{"text": "江南", "label": {"p": {"江": [[0, 1]]}}}',
            "says '江', but the characters 0 to 1 of the text are '江南'",
        ),
        ('{"text": "江南", "label": {"p": {"江": [[0, 1]]}}}', "ends are inclusive in this format"),
        ('{"text": "江南", "label": {"p": {"江南": [[0, 2]]}}}', "has start 0 and end 2, which lie outside the text"),
        ('{"text": "江南", "label": {"p": {"南": [[-1, -1]]}}}', "has start -1 and end -1, which lie outside the text"),
        ('{"text": "江南", "label": {"p": {"": [[1, 0]]}}}', "has start 1 and end 0; the end is the last character"),
        ('{"text": "江南", "label": {"p": {"江": [[0, 0, 0]]}}}', "is a list of 3; it must be a pair"),
        ('{"text": "江南", "label": {"p": {"江": [0, 0]}}}', "is 0; it must be a pair"),
        ('{"text": "江南", "label": {"p": {"江": [["0", 0]]}}}', "offset of the mention '江' of type 'p' is \"0\""),
        ('{"text": "江南", "label": {"p": {"江": []}}}', "mention '江' of type 'p' is a list of 0"),
        ('{"text": "江南", "label": {"p": ["江"]}}', "the type 'p' is a list of 1; it must be an object of mentions"),
        ('{"text": "江南", "label": null}', "'label' is null; it must be an object of types"),
        ('{"text": "江南", "label": {"": {"江": [[0, 0]]}}}', "empty label"),
        ('{"text": "江南", "label": {"p": {}, "p": {}}}', "has the key 'p' twice"),
        ('{"text": "江南", "entities": []}', "has 'entities', where this form has 'label'"),
        ('{"text": ["江南"]}', "'text' is a list of 1"),
        ('{"label": {}}', "has no 'text'; it has 'label'"),
        ('{"text": "江南", "label": {', "is not complete JSON"),
        ('["江南"]', "holds a list of 1"),
        ('{"text": "\\ud800", "label": {}}', "lone surrogate"),
    ],
)
def test_cluener_line_that_is_wrong_is_told_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    number, told = _told(_file(tmp_path, '{"text": "", "label": {}}', line))
    assert number == 2
    assert message in told
