from __future__ import annotations

from pathlib import Path

import pytest

from globalner.data.documents import read_documents
from globalner.data.formats.column_layout import ColumnOptions
from globalner.errors import DataError
from globalner.types import Document


def _file(folder: Path, text: str, name: str = "data.conll") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def _found(document: Document) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in document.entities]


def test_sentences_become_documents(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, "Ada\tB-PER\nByron\tI-PER\nspoke\tO\n\nIn\tO\nLeeds\tB-LOC\n"))
    documents = list(reader)
    assert [document.text for document in documents] == ["Ada Byron spoke", "In Leeds"]
    assert [_found(document) for document in documents] == [[("Ada Byron", "PER")], [("Leeds", "LOC")]]
    assert documents[0].tokens == ((0, 3), (4, 9), (10, 15))
    assert reader.format == "columns"
    assert reader.evidence == "2 TAB-separated columns, words in column 1, BIO tags in column 2"
    assert reader.report.lines() == ["words were joined with one blank between them (3 times)"]


def test_borders_blank_lines_with_white_space_and_crlf(tmp_path: Path) -> None:
    text = (
        "-DOCSTART- -X- O O\r\n\r\nAda NN I-NP I-PER\r\n \t\r\n\r\n"
        "-DOCSTART- -X-\r\nruns VB I-VP O\r\n-DOCSTART-\r\nBob NN I-NP I-PER"
    )
    reader = read_documents(_file(tmp_path, text))
    assert [(document.text, _found(document)) for document in reader] == [
        ("Ada", [("Ada", "PER")]),
        ("runs", []),
        ("Bob", [("Bob", "PER")]),
    ]
    assert [document.extra for document in reader] == [{"document": 1}, {"document": 2}, {"document": 3}]
    assert reader.evidence == (
        "4 blank-separated columns, words in column 1, IOB1 tags in column 4; "
        "column 3 holds phrase chunks (NP, VP), not entities"
    )


def test_several_tag_columns_are_layers_outermost_first(tmp_path: Path) -> None:
    text = "Leeds\tB-LOC\tB-ORG\tO\nMuseum\tO\tI-ORG\tO\nof\tO\tI-ORG\tO\nArt\tB-X\tI-ORG\tB-X\n\n"
    reader = read_documents(_file(tmp_path, text))
    (document,) = reader
    assert _found(document) == [("Leeds Museum of Art", "ORG"), ("Leeds", "LOC"), ("Art", "X")]
    assert reader.evidence.endswith("BIO tags in columns 2, 3 and 4")
    assert reader.report.counts == {"entity given twice in tag columns, kept once": 1}


def test_one_span_with_two_labels_is_two_entities(tmp_path: Path) -> None:
    (document,) = read_documents(_file(tmp_path, "Leeds\tB-LOC\tB-ORG\n"))
    assert _found(document) == [("Leeds", "LOC"), ("Leeds", "ORG")]


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "Ada NN I-NP I-PER\n")
    assert _found(*read_documents(path, options=ColumnOptions(tag_columns=(3, 4)))) == [("Ada", "NP"), ("Ada", "PER")]
    assert next(iter(read_documents(path, options=ColumnOptions(word_column=2)))).text == "NN"
    with pytest.raises(DataError, match=r"no column 5; .* there are 4"):
        read_documents(path, options=ColumnOptions(tag_columns=(5,)))
    with pytest.raises(DataError, match="not the column of the words"):
        read_documents(path, options=ColumnOptions(tag_columns=(1,)))


def test_column_of_word_numbers_is_passed_over(tmp_path: Path) -> None:
    text = "#\tnews of June\n1\tAda\tB-PER\tO\n2\truns\tO\tO\n\n#\tnews of July\n1\tBob\tB-PER\tO\n"
    reader = read_documents(_file(tmp_path, text, "data.tsv"))
    assert [document.text for document in reader] == ["Ada runs", "Bob"]
    assert "words in column 2, BIO tags in columns 3 and 4" in reader.evidence
    assert reader.report.counts == {"comment lines left out": 2}


def test_words_that_are_numbers_stay_words(tmp_path: Path) -> None:
    (document,) = read_documents(_file(tmp_path, "1\tO\tB-N\n2\tO\tO\n"))
    assert document.text == "1 2"


def test_comments_only_stand_at_the_start_of_a_sentence(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, "# id 7 domain=news\n# a _ O\n#tag _ _ O\nLeeds _ _ B-LOC\n"))
    assert [document.text for document in reader] == ["# #tag Leeds"]
    with pytest.raises(DataError, match="has 1 column where the other lines have 2"):
        list(read_documents(_file(tmp_path, "Ada\tB-PER\n#tag\nLeeds\tB-LOC\n")))


def test_hash_as_a_word_is_a_word(tmp_path: Path) -> None:
    (document,) = read_documents(_file(tmp_path, "#\tO\n#\tB-X\n"))
    assert document.text == "# #"


def test_cells_parted_by_tab_may_hold_blanks_and_by_blanks_vary(tmp_path: Path) -> None:
    (document,) = read_documents(_file(tmp_path, "New York\tB-creative work\nis\tO\n"))
    assert _found(document) == [("New York", "creative work")]
    (document,) = read_documents(_file(tmp_path, "Ada   NN  B_PER \nByron NN I_PER\nis\tVB O\n"))
    assert _found(document) == [("Ada Byron", "PER")]
    assert document.text == "Ada Byron is"


def test_words_are_joined_by_script(tmp_path: Path) -> None:
    words = ["北", "京", "。", "カ", "ナ", "GPS", "3", "ไทย", "ครับ", "한국", "어"]
    reader = read_documents(_file(tmp_path, "".join(f"{word}\tO\n" for word in words)))
    (document,) = reader
    assert document.text == "北京。カナ GPS 3 ไทยครับ 한국 어"
    assert reader.report.notes == [
        "words were joined with one blank between them (5 times) and nothing between them (5 times)"
    ]


def test_byte_order_mark_is_skipped_once(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, "\ufeff\ufeffAda\tB-PER\n"))
    assert [document.text for document in reader] == ["\ufeffAda"]
    assert "a byte order mark at the start of the file was skipped" in reader.report.notes


def test_repairs_are_counted_and_strict_refuses_the_first(tmp_path: Path) -> None:
    path = _file(tmp_path, "Ada\tB-PER\n\nin\tO\nLeeds\tI-LOC\nand\tO\nYork\tI-LOC\n")
    reader = read_documents(path)
    for _ in range(2):  # the report starts again with each iteration
        assert [_found(document) for document in reader] == [[("Ada", "PER")], [("Leeds", "LOC"), ("York", "LOC")]]
        assert reader.report.counts == {"stray I- opens an entity": 2}
        assert reader.report.examples["stray I- opens an entity"][0] == "line 4: Leeds I-LOC"
    with pytest.raises(DataError, match="stray I-") as caught:
        list(read_documents(path, strict=True))
    assert caught.value.line == 4


def test_iob1_needs_no_repair(tmp_path: Path) -> None:
    reader = read_documents(_file(tmp_path, "Ada\tI-PER\nBob\tB-PER\nByron\tI-PER\n"), strict=True)
    assert _found(*reader) == [("Ada", "PER"), ("Bob Byron", "PER")]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Ada\tB-PER\nLeeds\tX-LOC\n", 2, "'X-LOC' is not a tag"),
        ("Ada\tPER\n", 1, "'PER' is not a tag"),
        ("Ada\tB-PER\nLeeds\tB-a,B-b\n", 2, "joins several tags"),
        ("Ada\tB-PER\n\nLeeds\n", 3, "has 1 column where the other lines have 2 (TAB-separated): 'Leeds'"),
        ("Ada\tB-PER\nLeeds\tO\nis\tO\tO\n", 3, "has 3 columns where the other lines have 2"),
        ("Ada B-PER\nLeeds O\nO\n", 3, "has 1 column where the other lines have 2 (blank-separated)"),
        ("Ada\tB-PER\n\tO\n", 2, "the word is empty"),
        ("Ada\tB-PER\tO\nLeeds\tO\tO\nYork\tLOC\tO\n", 3, "'LOC' is not a tag"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(DataError) as caught:
        list(read_documents(path))
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.path) == (line, str(path))


def test_prefix_outside_the_named_scheme(tmp_path: Path) -> None:
    path = _file(tmp_path, "Ada\tB-PER\n\nBob\tS-PER\n")
    with pytest.raises(DataError, match="scheme BIO has B-, I- and O only") as caught:
        list(read_documents(path, options=ColumnOptions(scheme="BIO")))
    assert caught.value.line == 3


def test_scheme_that_cannot_be_told_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"candidates: .*BIOES.*BMES"):
        read_documents(_file(tmp_path, "a\tB-X\nb\tM-X\nc\tI-X\nd\tE-X\n"))
