"""Counts, scores and the result of an evaluation, by hand and by property."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.errors import DataError
from globalner.evaluation import (
    SpanCounts,
    count_document,
    evaluate_documents,
    inner_keys,
    macro_score,
    micro_score,
    result_from_counts,
    score_from_counts,
    type_scores,
)
from globalner.types import Document, Entity

TEXT = "abcdefgh"


def document(*keys: tuple[int, int, str], text: str = TEXT) -> Document:
    return Document(text, tuple(Entity(start, end, label) for start, end, label in keys))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    span = st.tuples(st.integers(0, 7), st.integers(1, 8), st.sampled_from("ABC")).filter(lambda key: key[0] < key[1])
    return document(*draw(st.lists(span, max_size=6)))


pairs = st.lists(st.tuples(documents(), documents()), max_size=6)


def counts_of(gold_and_predicted: list[tuple[Document, Document]]) -> SpanCounts:
    total = SpanCounts()
    for gold, predicted in gold_and_predicted:
        total.merge(count_document(gold, predicted))
    return total


def test_hand_worked_example() -> None:
    gold = [document((0, 2, "ORG"), (0, 1, "LOC"), (3, 5, "PER")), document((0, 4, "PER"))]
    predicted = [document((0, 2, "ORG"), (0, 1, "PER"), (3, 5, "PER")), document((0, 3, "PER"))]
    result = evaluate_documents(gold, predicted, mode="nested", split="test").to_dict()
    assert result == {
        "micro": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 4},
        "macro": {
            "precision": pytest.approx((0 + 1 + 1 / 3) / 3),
            "recall": pytest.approx((0 + 1 + 1 / 2) / 3),
            "f1": pytest.approx((0 + 1 + 2 / 5) / 3),
            "support": 4,
        },
        "types": {
            "LOC": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
            "ORG": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1},
            "PER": {"precision": pytest.approx(1 / 3), "recall": 0.5, "f1": 0.4, "support": 2},
        },
        "mode": "nested",
        "split": "test",
        "documents": 2,
        "inner": {"recall": 0.0, "support": 1},
    }


def test_the_form_of_flat_data_has_no_inner_part() -> None:
    result = evaluate_documents([document((0, 2, "A"))], [document((0, 2, "A"))], mode="flat", split="dev").to_dict()
    assert list(result) == ["micro", "macro", "types", "mode", "split", "documents"]
    assert result["micro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}


def test_an_entity_given_twice_counts_once() -> None:
    counts = count_document(document((0, 2, "A"), (0, 2, "A")), document((0, 2, "A"), (0, 2, "A"), (0, 2, "B")))
    assert (counts.true_positives, counts.predicted, counts.gold) == ({"A": 1}, {"A": 1, "B": 1}, {"A": 1})


def test_nothing_to_find_and_nothing_found_scores_zero() -> None:
    result = evaluate_documents([document()], [document()], mode="nested", split="dev")
    assert result.micro == result.macro == score_from_counts(0, 0, 0)
    assert (result.micro.f1, result.types, result.documents, result.inner) == (0.0, {}, 1, None)


def test_labels_order_the_types_and_hide_none() -> None:
    gold, predicted = [document((0, 2, "A"), (3, 4, "B"))], [document((0, 2, "A"), (5, 6, "C"))]
    result = evaluate_documents(gold, predicted, labels=["Z", "B"], mode="nested", split="dev")
    assert list(result.types) == ["Z", "B", "A", "C"]
    assert (result.types["Z"].support, result.types["B"].support) == (0, 1)
    plain = evaluate_documents(gold, predicted, mode="nested", split="dev")
    assert (result.micro, result.macro) == (plain.micro, plain.macro)


@settings(max_examples=50, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_order_does_not_matter(gold_and_predicted: list[tuple[Document, Document]], random: object) -> None:
    shuffled = [
        (Document(TEXT, gold.entities[::-1]), Document(TEXT, predicted.entities[::-1]))
        for gold, predicted in gold_and_predicted
    ]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counts_of(shuffled) == counts_of(gold_and_predicted)


@settings(max_examples=50, deadline=None)
@given(pairs, pairs)
def test_merged_counts_equal_the_counts_of_the_union(
    one: list[tuple[Document, Document]], other: list[tuple[Document, Document]]
) -> None:
    merged = counts_of(one)
    merged.merge(counts_of(other))
    assert merged == counts_of(one + other)
    gold, predicted = [pair[0] for pair in one + other], [pair[1] for pair in one + other]
    assert result_from_counts(merged, mode="nested", split="dev") == evaluate_documents(
        iter(gold), iter(predicted), mode="nested", split="dev"
    )


@settings(max_examples=50, deadline=None)
@given(pairs)
def test_scores_are_rates_and_swapping_sides_swaps_precision_and_recall(
    gold_and_predicted: list[tuple[Document, Document]],
) -> None:
    counts = counts_of(gold_and_predicted)
    swapped = counts_of([(predicted, gold) for gold, predicted in gold_and_predicted])
    for score in (micro_score(counts), macro_score(counts), *type_scores(counts).values()):
        assert all(0 <= rate <= 1 for rate in (score.precision, score.recall, score.f1))
    assert micro_score(counts).precision == micro_score(swapped).recall
    assert micro_score(counts).f1 == micro_score(swapped).f1
    assert {label: score.recall for label, score in type_scores(counts).items()} == {
        label: score.precision for label, score in type_scores(swapped).items()
    }


@settings(max_examples=100, deadline=None)
@given(documents())
def test_inner_equals_its_definition(one: Document) -> None:
    keys = {entity.key for entity in one.entities}
    inside = {
        key for key, other in product(keys, keys) if other[0] <= key[0] and key[1] <= other[1] and key[:2] != other[:2]
    }
    assert inner_keys(one) == inside


def test_two_labels_on_one_span_and_crossing_spans_are_not_inner() -> None:
    assert inner_keys(document((0, 3, "A"), (0, 3, "B"), (2, 5, "A"))) == frozenset()
    assert inner_keys(document((0, 3, "A"), (0, 2, "A"), (1, 3, "A"))) == {(0, 2, "A"), (1, 3, "A")}


def test_texts_must_be_equal() -> None:
    with pytest.raises(DataError, match=r"document 2 .* at character 3, 'abcX' against 'abcY'"):
        evaluate_documents(
            [document(), document(text="abcX")], [document(), document(text="abcY")], mode="nested", split="dev"
        )


@pytest.mark.parametrize(("gold", "predicted", "shorter"), [(1, 2, "gold"), (2, 1, "predicted")])
def test_as_many_predictions_as_gold_documents(gold: int, predicted: int, shorter: str) -> None:
    with pytest.raises(DataError, match=f"there are 1 {shorter} documents but more"):
        evaluate_documents([document()] * gold, [document()] * predicted, mode="nested", split="dev")


def test_evaluation_loads_neither_torch_nor_seqeval() -> None:
    code = "import sys, globalner.evaluation; print(sorted({'torch', 'seqeval', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
