from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from globalner.data.formats.tag_schemes import (
    SCHEMES,
    SchemeCounter,
    Span,
    Tag,
    parse_tag,
    scheme_named,
    spans_of_tags,
    tags_of_spans,
)
from globalner.errors import DataError


def _tags(text: str) -> list[Tag]:
    return [parse_tag(tag) for tag in text.split()]


def _detected(*sentences: str) -> str:
    counter = SchemeCounter()
    line = 1
    for sentence in sentences:
        tags = _tags(sentence)
        counter.add(tags, range(line, line + len(tags)))
        line += len(tags) + 1
    return counter.scheme().name


@st.composite
def _spans(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans without overlap, which may touch."""
    spans: list[Span] = []
    at = 0
    for gap, length, label in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("XY")))):
        spans.append((at + gap, at + gap + length - 1, label))
        at += gap + length
    return spans, at + draw(st.integers(0, 2))


def _any_tags(prefixes: str) -> st.SearchStrategy[list[str]]:
    tags = [f"{prefix}-{label}" for prefix in prefixes for label in ("X", "Y")]
    return st.lists(st.sampled_from(["O", "O", *tags]), max_size=8)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("O", ("O", "")),
        ("B-creative-work", ("B", "creative-work")),
        ("I_cell_type", ("I", "cell_type")),
        ("B-_x", ("B", "_x")),
        ("B-PER ", ("B", "PER")),
    ],
)
def test_tag_splits_at_its_first_separator(text: str, tag: Tag) -> None:
    assert parse_tag(text) == tag


@pytest.mark.parametrize("text", ["X-PER", "PER", "B-", "B", "", "o", "BPER", "b-PER", "-PER"])
def test_what_is_no_tag_is_refused_by_name(text: str) -> None:
    with pytest.raises(DataError, match="is not a tag") as caught:
        parse_tag(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["B-creative-work,B-person", "O,B-person", "O,O", "B-PER|I-LOC", "I-a;O"])
def test_joined_tags_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="joins several tags"):
        parse_tag(text)


def test_label_may_hold_a_comma() -> None:
    assert parse_tag("B-city,town") == ("B", "city,town")


@given(_spans())
@settings(derandomize=True, max_examples=80)
def test_spans_survive_every_scheme_without_repair(case: tuple[list[Span], int]) -> None:
    spans, length = case
    for scheme in SCHEMES.values():
        touching = any(a[1] + 1 == b[0] and a[2] == b[2] for a, b in pairwise(spans))
        if touching and not scheme.parts_touching:
            with pytest.raises(DataError, match="cannot hold both"):
                tags_of_spans(spans, length, scheme)
            continue
        tags = [parse_tag(tag) for tag in tags_of_spans(spans, length, scheme)]
        assert spans_of_tags(tags, scheme) == (spans, []), scheme.name
        assert {prefix for prefix, label in tags if label} <= set(scheme.prefixes)


@given(_any_tags("BI"))
@settings(derandomize=True, max_examples=100)
def test_bio_is_read_as_the_conll_evaluation_does(tags: list[str]) -> None:
    expected = [(first, last, label) for label, first, last in get_entities(tags)]
    for name in ("BIO", "IOB1"):
        assert spans_of_tags([parse_tag(tag) for tag in tags], SCHEMES[name])[0] == expected


@given(_any_tags("BIES"))
@settings(derandomize=True, max_examples=100)
def test_bioes_is_read_as_the_conll_evaluation_does(tags: list[str]) -> None:
    expected = [(first, last, label) for label, first, last in get_entities(tags)]
    assert spans_of_tags([parse_tag(tag) for tag in tags], SCHEMES["BIOES"])[0] == expected


@given(st.sampled_from(["BI", "I", "BES", "BIES", "BMES", "BILU"]).flatmap(_any_tags))
@settings(derandomize=True, max_examples=80)
def test_every_scheme_that_has_the_prefixes_reads_the_same(texts: list[str]) -> None:
    tags = [parse_tag(text) for text in texts]
    seen = {prefix for prefix, label in tags if label}
    readings = [spans_of_tags(tags, scheme)[0] for scheme in SCHEMES.values() if seen <= set(scheme.prefixes)]
    assert all(reading == readings[0] for reading in readings)
    labels = ["" for _ in tags]
    for first, last, label in readings[0]:
        assert not any(labels[first : last + 1])
        labels[first : last + 1] = [label] * (last - first + 1)
    assert labels == [label for _, label in tags]


@pytest.mark.parametrize(
    ("name", "text", "spans", "repairs"),
    [
        ("BIO", "O I-X I-X", [(1, 2, "X")], [(1, "stray I- opens an entity")]),
        ("BIO", "B-X I-Y", [(0, 0, "X"), (1, 1, "Y")], [(1, "stray I- opens an entity")]),
        ("IOB1", "I-X I-X B-X I-Y", [(0, 1, "X"), (2, 2, "X"), (3, 3, "Y")], []),
        ("IOB1", "O B-X", [(1, 1, "X")], [(1, "B- opens an entity that touches none of its label")]),
        ("BIOES", "B-X O", [(0, 0, "X")], [(0, "entity not closed by E-")]),
        ("BIOES", "B-X I-X B-X E-X", [(0, 1, "X"), (2, 3, "X")], [(1, "entity not closed by E-")]),
        ("BIOES", "E-X S-X", [(0, 0, "X"), (1, 1, "X")], [(0, "stray E- opens an entity")]),
        ("BIOES", "B-X E-X I-X E-X", [(0, 1, "X"), (2, 3, "X")], [(2, "stray I- opens an entity")]),
        ("BMES", "B-X M-X", [(0, 1, "X")], [(1, "entity not closed by E-")]),
        ("BMES", "M-X E-X", [(0, 1, "X")], [(0, "stray M- opens an entity")]),
        ("BILUO", "B-X I-X L-X U-X", [(0, 2, "X"), (3, 3, "X")], []),
        (
            "BILUO",
            "B-X L-Y",
            [(0, 0, "X"), (1, 1, "Y")],
            [(0, "entity not closed by L-"), (1, "stray L- opens an entity")],
        ),
        ("IO", "I-X I-X I-Y", [(0, 1, "X"), (2, 2, "Y")], []),
    ],
)
def test_broken_sequences_are_repaired_and_counted(
    name: str, text: str, spans: list[Span], repairs: list[tuple[int, str]]
) -> None:
    assert spans_of_tags(_tags(text), SCHEMES[name]) == (spans, repairs)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BIO", "B-X I-X I-X B-X O"),
        ("IOB1", "I-X I-X I-X B-X O"),
        ("BIOES", "B-X I-X E-X S-X O"),
        ("BMES", "B-X M-X E-X S-X O"),
        ("BILUO", "B-X I-X L-X U-X O"),
    ],
)
def test_tags_of_touching_entities(name: str, expected: str) -> None:
    assert tags_of_spans([(3, 3, "X"), (0, 2, "X")], 5, SCHEMES[name]) == expected.split()


def test_overlapping_spans_have_no_tags() -> None:
    with pytest.raises(DataError, match="cannot hold both"):
        tags_of_spans([(0, 2, "X"), (2, 3, "Y")], 4, SCHEMES["BIO"])


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("BIO", ["O O"]),
        ("BIO", ["B-X I-X O B-Y"]),
        ("BIO", ["B-X I-X O I-Y"]),
        ("BIO", ["B-X B-X", "O I-Y"]),
        ("IOB1", ["I-X I-X O I-Y B-Y"]),
        ("IOB1", ["I-X O"] * 40 + ["B-X"]),
        ("BIOES", ["B-X E-X", "S-Y"]),
        ("BIOES", ["B-X I-X E-X"]),
        ("BMES", ["B-X M-X E-X", "S-Y"]),
        ("BILUO", ["B-X L-X", "U-Y"]),
    ],
)
def test_scheme_is_found(name: str, sentences: list[str]) -> None:
    assert _detected(*sentences) == name


def test_scheme_that_cannot_be_told_names_the_candidates() -> None:
    with pytest.raises(DataError, match="cannot be told") as caught:
        _detected("B-X I-X E-X", "B-X M-X E-X S-X")
    message = str(caught.value)
    assert "BIOES (has no M)" in message
    assert "BMES (has no I)" in message
    assert "M- (first in line 6)" in message


@pytest.mark.parametrize(
    ("given_name", "name"), [("bio", "BIO"), ("IOB2", "BIO"), ("bilou", "BILUO"), ("IOBES", "BIOES")]
)
def test_second_names_of_schemes(given_name: str, name: str) -> None:
    assert scheme_named(given_name).name == name


def test_iob_alone_is_ambiguous_and_unknown_names_are_listed() -> None:
    with pytest.raises(DataError, match="could be IOB1 or BIO"):
        scheme_named("iob")
    with pytest.raises(DataError, match="BILUO"):
        scheme_named("BEEF")
