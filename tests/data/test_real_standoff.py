"""Published sets through the standoff formats and back: what each format carries comes back equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.brat import BratOptions
from globalner.data.formats.csv_offsets import CsvOptions
from globalner.data.formats.web_annotation import WebAnnotationOptions
from globalner.types import Document, Entity

pytestmark = pytest.mark.data

_SETS = [
    "cmeee_v2/CMeEE-V2_dev.json",
    "cluener2020/dev.json",
    "wnut17/emerging.dev.conll",
    "genia_nested/genia.dev.iob2",
    "germeval2014/germ.dev.iob2",
    "chinese_literature_brat/relation_extraction/Validation",
    "brat_examples/BioNLP-ST_2011",
]
_FORMS = [
    BratOptions(offset_unit="utf16"),
    WebAnnotationOptions(offset_unit="byte"),
    CsvOptions(offset_unit="byte", end_inclusive=True),
]


def _carried(path: Path) -> list[Document]:
    """The documents with what every standoff format carries: an id, the text, each entity once."""
    documents = []
    for number, document in enumerate(read_documents(path)):
        entities = {entity.key: Entity(*entity.key, entity.text) for entity in document.entities}
        documents.append(Document(document.text, tuple(entities.values()), id=document.id or f"{number}"))
    return documents


@pytest.mark.parametrize("name", _SETS)
@pytest.mark.parametrize("options", _FORMS, ids=lambda options: type(options).__name__)
def test_what_is_written_reads_back(real_data: Path, tmp_path: Path, name: str, options: object) -> None:
    documents = _carried(real_data / name)
    report = write_documents(documents, tmp_path / "out", options=options)
    assert not report
    reader = read_documents(tmp_path / "out", options=options, strict=True)
    assert {document.id: document for document in reader} == {document.id: document for document in documents}
    assert read_documents(tmp_path / "out").format == reader.format
    assert not reader.report.counts
