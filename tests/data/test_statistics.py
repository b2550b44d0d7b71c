"""Numbers about documents."""

from __future__ import annotations

import itertools
import json
import math

from hypothesis import given
from hypothesis import strategies as st

from globalner.data.statistics import Lengths, SetStatistics, shared_texts
from globalner.data.text_digests import normal_text, text_digest
from globalner.types import Document, Entity


def statistics_of(*documents: Document) -> SetStatistics:
    counts = SetStatistics()
    for document in documents:
        counts.add(document)
    return counts


@given(st.lists(st.integers(0, 10_000), min_size=1), st.floats(0.01, 1))
def test_lengths_agree_with_the_sorted_list(values: list[int], share: float) -> None:
    lengths = Lengths()
    for value in values:
        lengths.add(value)
    assert lengths.quantile(share) == sorted(values)[math.ceil(share * len(values)) - 1]
    assert (lengths.total, lengths.longest, len(lengths)) == (sum(values), max(values), len(values))
    buckets = lengths.buckets()
    assert [bucket.number for bucket in buckets] == [
        sum(bucket.first <= value <= bucket.last for value in values) for bucket in buckets
    ]
    assert sum(bucket.number for bucket in buckets) == len(values)
    assert buckets[0].number
    assert all(one.last + 1 == other.first for one, other in itertools.pairwise(buckets))


def test_no_lengths_have_no_numbers() -> None:
    assert Lengths().to_dict() == {
        "mean": 0.0, "median": 0, "p90": 0, "p99": 0, "longest": 0, "total": 0, "buckets": []
    }  # fmt: skip


def test_a_set_is_counted() -> None:
    text = "Ulm University 👩‍👩‍👧"
    counts = statistics_of(
        Document(text, (Entity(0, 3, "LOC"), Entity(0, 14, "ORG")), tokens=((0, 3), (4, 14), (15, 20))),
        Document("Ulm University 👩‍👩‍👧"),
        Document(" \n"),
        Document(""),
    )
    assert (counts.documents, counts.without_entities, counts.blank, counts.repeated_texts) == (4, 3, 2, 1)
    assert counts.document_chars.total == 2 * len(text) + 2
    assert (counts.document_words.total, counts.entity_words.counts) == (3, {1: 1, 2: 1})
    assert {label: found.entities for label, found in counts.labels.items()} == {"LOC": 1, "ORG": 1}
    assert counts.overlaps.nested == 1
    assert counts.label_share("LOC") == 0.5
    assert counts.label_share("PER") == 0.0
    assert json.loads(json.dumps(counts.to_dict()))["labels"]["ORG"]["characters"]["longest"] == 14


def test_shared_texts_are_counted_both_ways_and_but_for_case_and_blanks() -> None:
    train = statistics_of(Document("Ada"), Document("Ada"), Document("Bob  left"), Document(" "))
    test = statistics_of(Document("Ada"), Document("bob left "), Document("Cy"), Document(" "))
    assert shared_texts(("train", train), ("test", test))[2:] == (1, 2, 2, 3)
    assert shared_texts(("train", train), ("none", SetStatistics()))[2:] == (0, 0, 0, 0)


@given(st.text(), st.text())
def test_digests_tell_texts_apart(one: str, other: str) -> None:
    assert (text_digest(one) == text_digest(other)) == (one == other)


def test_normal_texts_forget_case_blanks_and_forms() -> None:
    assert normal_text(" Ａda\u3000 STRASSE\n") == normal_text("ada straße")
    assert normal_text("Ada") != normal_text("Ida")


def test_a_lone_surrogate_has_a_digest() -> None:
    assert text_digest("\ud800") != text_digest("?")
