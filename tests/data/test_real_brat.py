"""Folders in brat standoff of published sets: every annotation is an entity or counted with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data.documents import DocumentReader, read_documents, write_documents
from globalner.data.formats.brat import BratOptions

pytestmark = pytest.mark.data

_TWICE = "entity given twice, kept once"
_OTHER_TEXT = "annotation whose text is not what its offsets slice, left out"
_BROKEN_TEXT = "text of an annotation that goes on in the next line, joined"
_IN_PIECES = "entity in pieces with at most blanks between them, read as one"
_HULL = "discontinuous entity, read as its hull"

_CLEAN = [
    # folder, documents, annotations, types: the published counts
    ("BioNLP-ST_2011/BioNLP-ST_2011_EPI", 20, 367, 11),
    ("BioNLP-ST_2011/BioNLP-ST_2011_GE", 20, 520, 10),
    ("BioNLP-ST_2011/BioNLP-ST_2011_ID", 20, 1133, 15),
    ("BioNLP-ST_2011/BioNLP-ST_2011_REL", 20, 452, 2),
    ("CoNLL-ST_2002/ned", 10, 276, 4),
    ("tutorials/bio", 13, 107, 8),
    ("tutorials/news", 13, 119, 7),
    (".", 116, 2974, 37),
]
# Of the annotations, some are no entity of their own: exact duplicates, and those whose text differs from the slice (a
# middle dot or a semicolon against an enumeration comma). Texts that an editor broke over two lines are joined; pieces
# that only step over a hard line break are one entity.
_CHINESE = [
    # folder, documents, annotations, exact duplicates, other text, broken texts, in pieces, discontinuous
    ("Training", 150, 25832, 3, 62, 0, 656, 1),
    ("Validation", 58, 11924, 3, 3, 3, 282, 0),
    ("Testing", 84, 16811, 10, 9, 6, 376, 0),
]


def _counts(reader: DocumentReader) -> tuple[int, int, int]:
    documents = list(reader)
    entities = [entity for document in documents for entity in document.entities]
    return len(documents), len(entities), len({entity.label for entity in entities})


@pytest.mark.parametrize(("name", "documents", "entities", "types"), _CLEAN)
def test_folders_without_a_fault(real_data: Path, name: str, documents: int, entities: int, types: int) -> None:
    reader = read_documents(real_data / "brat_examples" / name, strict=True)
    assert reader.format == "brat"
    assert _counts(reader) == (documents, entities, types)
    assert all(reason.endswith("which holds no entity, not read") for reason in reader.report.counts)


@pytest.mark.parametrize(
    ("name", "documents", "annotations", "twice", "other_text", "broken", "pieces", "hulls"), _CHINESE
)
def test_every_annotation_is_accounted_for(
    real_data: Path,
    name: str,
    documents: int,
    annotations: int,
    twice: int,
    other_text: int,
    broken: int,
    pieces: int,
    hulls: int,
) -> None:
    reader = read_documents(real_data / "chinese_literature_brat/relation_extraction" / name)
    assert _counts(reader)[:2] == (documents, annotations - twice - other_text)
    counts = {reason: count for reason, count in reader.report.counts.items() if "which holds no entity" not in reason}
    expected = {_TWICE: twice, _OTHER_TEXT: other_text, _BROKEN_TEXT: broken, _IN_PIECES: pieces, _HULL: hulls}
    assert counts == {reason: count for reason, count in expected.items() if count}


def test_kept_and_dropped_annotations_add_up(real_data: Path) -> None:
    path = real_data / "chinese_literature_brat/relation_extraction"
    kept = read_documents(path, options=BratOptions(text_mismatch="keep"))
    assert _counts(kept) == (292, 54567 - 16, 18)
    fewer = read_documents(path, options=BratOptions(text_mismatch="keep", discontinuous="drop"))
    assert _counts(fewer)[1] == 54567 - 16 - fewer.report.counts["discontinuous entity, left out"]
    assert fewer.report.counts["discontinuous entity, left out"] == 2


@pytest.mark.parametrize("name", ["brat_examples", "chinese_literature_brat/relation_extraction"])
def test_what_was_read_comes_back_from_what_is_written(real_data: Path, tmp_path: Path, name: str) -> None:
    documents = list(read_documents(real_data / name))
    assert not write_documents(documents, tmp_path / "again", "brat")
    again = read_documents(tmp_path / "again", strict=True)
    assert list(again) == documents
    assert not again.report
