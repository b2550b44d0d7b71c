"""The formats with tags inside the text, `inline` and `xml`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.data.documents import read_documents, write_documents
from globalner.data.formats.inline import InlineOptions
from globalner.data.formats.xml_names import NOT_XML
from globalner.data.formats.xml_tags import XmlOptions
from globalner.errors import DataError
from globalner.types import Document, Entity

_ODD = st.sampled_from("{}{}\\:<>&;'\"\r\n\t #x]-\ufeff\u2028\u0301👩\u200d\x00𝔸")
_CHARACTERS = st.characters(exclude_categories=["Cs"]) | _ODD
_LABELS = st.text(_CHARACTERS, min_size=1, max_size=4)
_NAMES = st.builds(str.__add__, st.sampled_from("aA_:é中𝔸"), st.text(st.sampled_from("aé.-·\u0301中1"), max_size=3))


@st.composite
def _documents(draw: st.DrawFn, labels: st.SearchStrategy[str], *, ids: bool = False) -> Document:
    """Spans nest, several labels may stand on one; each entity once, outer ones first."""
    text = draw(st.text(_CHARACTERS, max_size=20))
    edges = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    entities: dict[tuple[int, int, str], Entity] = {}
    for (start, end), label in draw(st.lists(st.tuples(edges, labels), max_size=6)) if text else []:
        crosses = any(
            other.start < start < other.end < end or start < other.start < end < other.end
            for other in entities.values()
        )
        if not crosses:
            entities[start, end, label] = Entity(start, end, label)
    ordered = sorted(entities.values(), key=lambda entity: (entity.start, -entity.end))
    return Document(text, tuple(ordered), id=draw(st.none() | st.text(_CHARACTERS, max_size=5)) if ids else None)


def _read_back(documents: list[Document], options: InlineOptions | XmlOptions) -> list[Document]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        assert not write_documents(documents, path, options=options)
        reader = read_documents(path, options=options)
        read = list(reader)
    assert [line for line in reader.report.lines() if "NUL" not in line] == []
    return read


@given(st.lists(_documents(_LABELS), min_size=1, max_size=4))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_inline_tags_read_back_what_they_wrote(documents: list[Document]) -> None:
    assert _read_back(documents, InlineOptions()) == documents


@given(st.lists(_documents(_NAMES), min_size=1, max_size=4))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_lines_of_xml_tags_read_back_what_they_wrote(documents: list[Document]) -> None:
    assert _read_back(documents, XmlOptions(layout="lines")) == documents


@given(st.lists(_documents(_LABELS), min_size=1, max_size=4))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_an_attribute_holds_any_label(documents: list[Document]) -> None:
    assert _read_back(documents, XmlOptions(layout="lines", label_attribute="TYPE")) == documents


@given(st.lists(_documents(_LABELS, ids=True), min_size=1, max_size=4))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_an_xml_file_reads_back_what_it_wrote(documents: list[Document]) -> None:
    """A character that XML has no form for is the one loss."""
    held = [
        Document(
            NOT_XML.sub("?", document.text),
            tuple(Entity(e.start, e.end, NOT_XML.sub("?", e.label)) for e in document.entities),
            id=None if document.id is None else NOT_XML.sub("?", document.id),
        )
        for document in documents
    ]
    distinct = [document for document in held if len({e.key for e in document.entities}) == len(document.entities)]
    if distinct:
        assert _read_back(distinct, XmlOptions(label_attribute="TYPE")) == distinct


def _read(tmp_path: Path, name: str, content: str, **options: object):  # type: ignore[no-untyped-def]
    path = tmp_path / name
    path.write_text(content, "utf-8", newline="")
    return read_documents(path, options=XmlOptions(**options) if options else None)  # type: ignore[arg-type]


def _spans(document: Document) -> list[tuple[str, str]]:
    return [(entity.label, entity.text) for entity in document.entities]


def test_inline_tags_are_told_and_read(tmp_path: Path) -> None:
    lines = (
        "{{PER:Ada}} left {{ORG:University of {{LOC:Leeds}}}}.\n\n\\{{no\\}} } { C:\\dir \\\\n\\n{{A\\:B:{{C:x}}}}\n"
    )
    reader = _read(tmp_path, "a.txt", lines)
    first, empty, last = reader
    assert (reader.format, first.text, empty) == ("inline", "Ada left University of Leeds.", Document(""))
    assert _spans(first) == [("PER", "Ada"), ("ORG", "University of Leeds"), ("LOC", "Leeds")]
    assert (last.text, _spans(last)) == ("{{no}} } { C:\\dir \\n\nx", [("A:B", "x"), ("C", "x")])
    assert list(reader.report.counts.values()) == [1]
    with pytest.raises(DataError, match=r":3: backslash before"):
        list(read_documents(tmp_path / "a.txt", strict=True))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Ada {{PER:x", r"character 5 .*'PER' is not closed"),
        ("Ada }} x", r"character 5 .*nothing is open.*\\\{\{ and \\\}\}"),
        ("Ada {{name}} x", "this one has no colon"),
        ("Ada {{PER", "this one has no colon"),
        ("Ada {{:x}}", "the tag has no label"),
        ("Ada {{PER:}}", "'PER' holds no character"),
    ],
)
def test_a_broken_line_is_reported_and_the_others_are_read(tmp_path: Path, line: str, message: str) -> None:
    reader = _read(tmp_path, "a.inline", f"{{{{PER:Ada}}}}\n{line}\nBob\n")
    rejected: list[DataError] = []
    assert [document.text for document in reader.readable(rejected)] == ["Ada", "Bob"]
    assert (len(rejected), rejected[0].line) == (1, 2)
    assert re.search(message, str(rejected[0]))


def test_crossing_entities_are_losses_of_tags(tmp_path: Path) -> None:
    entities = (Entity(0, 5, "A"), Entity(3, 8, "B"), Entity(4, 5, "C"), Entity(0, 5, "A"))
    for name in ("a.inline", "a.xml"):
        with pytest.raises(DataError, match="crosses another"):
            write_documents([Document("abc def ghi", entities)], tmp_path / name)
        assert not (tmp_path / name).exists()
        report = write_documents([Document("abc def ghi", entities)], tmp_path / name, lossy=True)
        assert sorted(report.counts.values()) == [1, 1]
        (read,) = read_documents(tmp_path / name)
        assert [entity.key for entity in read.entities] == [(0, 5, "A"), (4, 5, "C")]


def test_xml_lines_are_told_and_read(tmp_path: Path) -> None:
    reader = _read(
        tmp_path, "a.txt", "<PER>Ada</PER> &lt;3 <ORG>A&amp;B &#x41;&#10;</ORG>\nBob < Cy & &nbsp; &#xD800;\n"
    )
    first, last = reader
    assert (reader.format, first.text) == ("xml", "Ada <3 A&B A\n")
    assert _spans(first) == [("PER", "Ada"), ("ORG", "A&B A\n")]
    assert last.text == "Bob < Cy & &nbsp; &#xD800;"
    assert list(reader.report.counts.values()) == [1, 3]
    assert next(iter(_read(tmp_path, "b.txt", "<b>bold</b> text\n"))).text == "<b>bold</b> text"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<A>x <B>y</A> z</B>", "'A' is closed while 'B' is open; tags must nest"),
        ("<A>x", "'A' .*is not closed"),
        ("x</A>", "nothing is open that 'A' could close"),
        ("x <A/> y", "'A' holds no character"),
        ('<A TYPE="">x</A>', None),
    ],
)
def test_tags_that_do_not_nest_are_reported(tmp_path: Path, line: str, message: str | None) -> None:
    reader = _read(tmp_path, "a.txt", f"<PER>Ada</PER>\n{line}\nBob\n", layout="lines")
    rejected: list[DataError] = []
    texts = [document.text for document in reader.readable(rejected)]
    assert texts[0] == "Ada"
    assert texts[-1] == "Bob"
    assert [error.line for error in rejected] == ([] if message is None else [2])
    assert message is None or re.search(message, str(rejected[0]))


def test_labels_from_attributes_and_tags_that_are_none(tmp_path: Path) -> None:
    line = '<s><ENAMEX TYPE="PERSON" id=\'3\'>Ada</ENAMEX> <NUMEX TYPE="A&amp;B">7</NUMEX></s>\n'
    reader = _read(tmp_path, "a.txt", line, layout="lines", label_attribute="TYPE")
    assert _spans(next(iter(reader))) == [("PERSON", "Ada"), ("A&B", "7")]
    assert sum(reader.report.counts.values()) == 2
    reader = _read(tmp_path, "a.txt", line, layout="lines", labels=("NUMEX",))
    assert _spans(next(iter(reader))) == [("NUMEX", "7")]
    assert reader.report.counts["tag that is none of the labels, left out"] == 2


_FILE = """<?xml version="1.0"?>
<!DOCTYPE corpus SYSTEM "corpus.dtd">
<corpus>before
<text id="1" lang="en"><p>Ada &lt; <ORG>A<![CDATA[&]]>B</ORG>
</p></text>
<text><p>Bob</p></text>
<text><PER></PER>Cy</text>
<text>Di <!-- note --><PER>Ed</PER></text>
</corpus>
"""


def test_an_xml_file_of_others_is_read(tmp_path: Path) -> None:
    reader = _read(tmp_path, "a", _FILE, labels=("ORG", "PER"))
    rejected: list[DataError] = []
    lines = [(document.id, document.text, _spans(document), reader.line) for document in reader.readable(rejected)]
    assert lines == [
        ("1", "Ada < A&B\n", [("ORG", "A&B")], 4),
        (None, "Bob", [], 6),
        (None, "Di Ed", [("PER", "Ed")], 8),
    ]
    assert [str(error) for error in rejected] == [f"{tmp_path / 'a'}:7: line 7: the tag 'PER' holds no character"]
    assert [key.partition(",")[0] for key in reader.report.counts] == [
        "text outside the documents",
        "attribute of a document that is not read",
        "tag that is none of the labels",
    ]
    assert reader.report.notes == ["the document type that the file names was not read"]
    whole = list(_read(tmp_path, "a", _FILE.replace("<PER></PER>", ""), document_tag="corpus", labels=("ORG",)))
    assert [document.text.split() for document in whole] == [["before", "Ada", "<", "A&B", "Bob", "Cy", "Di", "Ed"]]
    named = list(_read(tmp_path, "a", _FILE, document_tag="p", labels=("ORG",)))
    assert [document.text for document in named] == ["Ada < A&B\n", "Bob"]


_BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'<!DOCTYPE d [<!ENTITY l0 "ha">{_BOMB}]><d><t>&l11;</t></d>', ":1: declares the entity 'l0' of its own"),
        ('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<d><t>&x;</t></d>', ":1: declares the entity 'x'"),
        (
            '<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd">\n<d><t>&x;</t></d>',
            ":2: has &x; which the file does not define",
        ),
        ("<d>\n<t>&x;</t></d>", ":2: is not well-formed XML: undefined entity"),
        ("<d>\n<t>Ada</t>\n<t>\n", "is not well-formed XML: no element found"),
        ("<d>\n<t>Ada\x00</t></d>\n", ":2: is not well-formed XML"),
        ("<d>\n<t>Ada</u></d>\n", ":2: is not well-formed XML: mismatched tag"),
        ("<d>\n</d>\n", "holds no document"),
    ],
)
def test_a_file_that_is_broken_or_not_safe_is_one_error(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        list(_read(tmp_path, "a.xml", content))


def test_an_xml_file_is_read_in_pieces_whatever_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"\xef\xbb\xbf<d>" + "<t>é<PER>Łódź</PER></t>".encode() * 9000 + b"</d>")
    reader = read_documents(path)
    assert {document.text for document in reader} == {"éŁódź"}
    assert reader.report.notes == ["a byte order mark at the start of the file was skipped"]
    path.write_bytes(b"<d>\n<t>Ada</t>\n<t>\xff</t></d>")
    with pytest.raises(DataError, match=r":3: is not UTF-8: byte 0xff at offset 18"):
        list(read_documents(path))
    assert [d.text for d in read_documents(path, errors="replace")] == ["Ada", "\ufffd"]
    path.write_bytes("<?xml version='1.0' encoding='latin-1'?>\n<d><t>é</t></d>".encode("latin-1"))
    assert [document.text for document in read_documents(path, encoding="latin-1")] == ["é"]


def test_labels_that_cannot_be_tags_are_losses(tmp_path: Path) -> None:
    documents = [Document("Ada", (Entity(0, 3, "1st name"),))]
    with pytest.raises(DataError, match="label_attribute holds any"):
        write_documents(documents, tmp_path / "a.xml")
    assert write_documents(documents, tmp_path / "a.xml", lossy=True).counts
    assert _spans(next(iter(read_documents(tmp_path / "a.xml")))) == [("_1st_name", "Ada")]
    with pytest.raises(DataError, match="cannot be a name in XML"):
        XmlOptions(label_attribute="a b")
