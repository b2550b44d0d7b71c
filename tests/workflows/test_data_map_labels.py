"""Labels renamed, joined and dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data import read_documents, write_documents
from globalner.errors import ConfigError, DataError, OutputError
from globalner.types import Document, Entity
from globalner.workflows import map_labels, read_label_mapping

TEXT = "Ada Byron left London"
ENTITIES = (Entity(0, 9, "PER", score=0.5), Entity(0, 9, "ORG"), Entity(15, 21, "LOC"), Entity(15, 21, "LOC"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_documents([Document(TEXT, ENTITIES, id="1", extra={"meta": 1}), Document("x")], tmp_path / "in.jsonl")
    return tmp_path / "in.jsonl"


def mapped(source: Path, mapping: dict[str, str]) -> list[tuple[int, str]]:
    map_labels(source, source.parent / "out.jsonl", mapping)
    first, second = read_documents(source.parent / "out.jsonl")
    assert (first.text, first.id, first.extra, second.text) == (TEXT, "1", {"meta": 1}, "x")
    return [(entity.start, entity.label) for entity in first.entities]


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"PER": "PERSON"}, [(0, "PERSON"), (0, "ORG"), (15, "LOC"), (15, "LOC")]),
        ({"LOC": ""}, [(0, "PER"), (0, "ORG")]),
        ({"PER": "ORG", "ORG": "PER"}, [(0, "ORG"), (0, "PER"), (15, "LOC"), (15, "LOC")]),
        ({"PER": "ORG"}, [(0, "ORG"), (15, "LOC"), (15, "LOC")]),
        ({"*": "X"}, [(0, "X"), (15, "X"), (15, "X")]),
        ({"LOC": "LOC", "*": ""}, [(15, "LOC"), (15, "LOC")]),
    ],
)
def test_labels_are_mapped_all_at_once(source: Path, mapping: dict[str, str], expected: list[tuple[int, str]]) -> None:
    assert mapped(source, mapping) == expected


def test_what_was_done_is_told(source: Path, tmp_path: Path) -> None:
    result = map_labels(source, tmp_path / "out.jsonl", {"PER": "ORG", "loc": "PLACE", "zzz": "Z"})
    assert result.counts == {"LOC": 2, "PER": 1, "ORG": 1}
    assert result.new_labels == {"LOC": "LOC", "PER": "ORG", "ORG": "ORG"}
    assert (result.documents, result.repeated, result.unknown) == (2, 1, {"loc": "LOC", "zzz": None})
    assert result.unmapped == ["LOC", "ORG"]


def test_a_mapping_that_meets_nothing_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'PRE' \(did you mean 'PER'\?\); the file has: PER, ORG, LOC"):
        map_labels(source, tmp_path / "out.jsonl", {"PRE": "PERSON"})
    assert not (tmp_path / "out.jsonl").exists()
    with pytest.raises(ConfigError, match="names no label"):
        map_labels(source, tmp_path / "out.jsonl", {})
    with pytest.raises(OutputError, match="another file"):
        map_labels(source, source, {"PER": "X"})


def test_a_mapping_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("PER: PERSON\nNO: Norway\nLOC:\nORG: ''\n'*': MISC\n", "utf-8")
    assert read_label_mapping(path) == {"PER": "PERSON", "NO": "Norway", "LOC": "", "ORG": "", "*": "MISC"}
    for text, message in (
        ("- a\n", "a mapping of labels"),
        ("", "a mapping"),
        ("A: 1\n", r"m\.yaml:1.*quotes"),
        ("A: x\nA: y\n", "already"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(ConfigError, match=message):
            read_label_mapping(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_label_mapping(tmp_path / "none.yaml")
