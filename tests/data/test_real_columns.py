"""Column files of published data sets, read whole: counts as their publishers or our own count over them give."""

from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.column_layout import ColumnOptions
from globalner.errors import DataError

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not _DATA.is_dir(), reason="the folder ../shared/data with the real data sets is absent"),
]

_FILES = [
    # file, sentences, entities, words, scheme
    ("wnut17/wnut17train.conll", 3394, 1975, 62730, "BIO"),
    ("wnut17/emerging.dev.conll", 1009, 836, 15733, "BIO"),
    ("wnut17/emerging.test.annotated", 1287, 1079, 23394, "BIO"),
    ("conll2003_en/eng.train", 14041, 23499, 203621, "IOB1"),
    ("conll2003_en/eng.testa", 3250, 5942, 51362, "IOB1"),
    ("conll2003_en/eng.testb", 3453, 5648, 46435, "IOB1"),
    ("germeval2014/germ.dev.iob2", 2200, 2886, 41653, "BIO"),
    ("germeval2014/germ.test.iob2", 5100, 6693, 96499, "BIO"),
    ("genia_nested/genia.dev.iob2", 1669, 4337, 48932, "BIO"),
    ("genia_nested/genia.test.iob2", 1854, 5474, 57021, "BIO"),
    ("conll2002_nl/ned.train", 15806, 13344, 202644, "BIO"),
    ("conll2002_nl/ned.testa", 2895, 2616, 37687, "BIO"),
    ("conll2002_nl/ned.testb", 5195, 3941, 68875, "BIO"),
    ("peoples_daily/example.dev", 2318, 3819, 109870, "BIO"),
    ("peoples_daily/example.test", 4636, 7707, 219197, "BIO"),
    ("msra_test/msra_test_bio.txt", 3442, 6190, 172601, "BIO"),
    ("chinese_literature_brat/ner/validation.txt", 1895, 10571, 86454, "BIO"),
    ("chinese_literature_brat/ner/test.txt", 2837, 16186, 119467, "BIO"),
    ("germeval2014/germ.train.iob2", 24000, 31545, 452853, "BIO"),
]


@pytest.mark.parametrize(("name", "sentences", "entities", "words", "scheme"), _FILES)
def test_counts_and_offsets(name: str, sentences: int, entities: int, words: int, scheme: str) -> None:
    reader = read_documents(_DATA / name)
    counted = [0, 0, 0]
    for document in reader:
        tokens = document.tokens or ()
        counted = [counted[0] + 1, counted[1] + len(document.entities), counted[2] + len(tokens)]
        starts, ends = {start for start, _ in tokens}, {end for _, end in tokens}
        for entity in document.entities:
            assert document.text[entity.start : entity.end] == entity.text
            assert entity.start in starts
            assert entity.end in ends
    assert counted == [sentences, entities, words]
    assert f"{scheme} tags" in reader.evidence


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("conll2003_en/eng.testb", "column 4; column 3 holds phrase chunks"),
        ("conll2002_nl/ned.testa", "column 3"),
        ("germeval2014/germ.dev.iob2", "columns 2 and 3"),
        ("genia_nested/genia.dev.iob2", "columns 2, 3, 4 and 5"),
    ],
)
def test_tag_columns_are_found(name: str, columns: str) -> None:
    assert f"tags in {columns}" in read_documents(_DATA / name).evidence


def test_iob1_is_no_heap_of_repairs() -> None:
    reader = read_documents(_DATA / "conll2003_en/eng.testb")
    assert sum(1 for _ in reader) == 3453
    assert not reader.report.counts


def test_files_without_one_tag_a_word_are_refused() -> None:
    with pytest.raises(DataError, match="joins several tags") as caught:
        list(read_documents(_DATA / "wnut17/emerging.test.conll"))
    assert caught.value.line == 212
    with pytest.raises(DataError, match="most lines have a single column"):
        read_documents(_DATA / "wnut17/emerging.test")
    with pytest.raises(DataError, match="'TIM' is not a tag"):
        list(read_documents(_DATA / "bangla_spacy/all_data.txt"))


@pytest.mark.parametrize(
    "name", ["genia_nested/genia.dev.iob2", "germeval2014/germ.test.iob2", "msra_test/msra_test_bio.txt"]
)
@pytest.mark.parametrize("scheme", ["IOB1", "BMES"])
def test_files_survive_writing_in_another_scheme(tmp_path: Path, name: str, scheme: str) -> None:
    copy = tmp_path / "copy.conll"
    write_documents(read_documents(_DATA / name), copy, options=ColumnOptions(scheme=scheme, layers=4))
    for before, after in zip(read_documents(_DATA / name), read_documents(copy), strict=True):
        assert (after.text, after.tokens) == (before.text, before.tokens)
        assert sorted(entity.key for entity in after.entities) == sorted(entity.key for entity in before.entities)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("genia_nested/genia.dev.iob2", ColumnOptions(layers=4, layer_order="innermost_first")),
        ("genia_nested/genia.test.iob2", ColumnOptions(layers=4, layer_order="innermost_first")),
        ("germeval2014/germ.dev.iob2", ColumnOptions(layers=2, layer_order="outermost_first")),
        ("germeval2014/germ.test.iob2", ColumnOptions(layers=2, layer_order="outermost_first")),
    ],
)
def test_layers_are_written_as_the_set_has_them(tmp_path: Path, name: str, options: ColumnOptions) -> None:
    copy = tmp_path / "copy.conll"
    assert not write_documents(read_documents(_DATA / name), copy, options=options)
    assert copy.read_text("utf-8").rstrip("\n") == (_DATA / name).read_text("utf-8").rstrip("\n")


def test_the_order_of_layers_does_not_matter_to_reading(tmp_path: Path) -> None:
    copy = tmp_path / "copy.conll"
    for name, layers in (("genia_nested/genia.dev.iob2", 4), ("germeval2014/germ.dev.iob2", 2)):
        read = []
        for order in ("innermost_first", "outermost_first"):
            options = ColumnOptions(layers=layers, layer_order=order)  # type: ignore[arg-type]
            write_documents(read_documents(_DATA / name), copy, options=options)
            read.append([sorted(entity.key for entity in document.entities) for document in read_documents(copy)])
        assert read[0] == read[1]


def test_broken_lines_of_a_set_are_reported_each() -> None:
    """The published counts, 6561 sentences and 7184 entities, are those here and those of the 52 broken sentences."""
    reader = read_documents(_DATA / "bangla_spacy/all_data.txt", options=ColumnOptions(outside_tags=("TIM",)))
    rejected: list[DataError] = []
    documents = list(reader.readable(rejected))
    assert len(documents) + len(rejected) == 6561
    kinds = [
        sum(phrase in error.message for error in rejected)
        for phrase in ("columns where", "word is empty", "'' is not a tag")
    ]
    assert kinds == [3, 45, 4]
    assert [error.line for error in rejected if "columns where" in error.message] == [2816, 7277, 97471]
    labels = [entity.label for document in documents for entity in document.entities]
    found = {label: labels.count(label) for label in sorted(set(labels))}
    assert found == {"LOC": 2234, "ORG": 2042, "PER": 2759}
    lost = [published - found[label] for label, published in (("PER", 2835), ("LOC", 2264), ("ORG", 2085))]
    assert lost == [76, 30, 43]  # in sentences that cannot be read
    assert reader.report.counts == {
        "word with a tag that marks no entity (outside_tags)": 2309,
        "stray I- opens an entity": 115,
    }
    assert "a byte order mark at the start of the file was skipped" in reader.report.notes
