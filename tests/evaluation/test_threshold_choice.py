"""The threshold that dev documents choose, and decoding again at a higher one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.decoding import TokenOffsets, TokenSpans, decode_entities, logit_from_score
from globalner.errors import DataError
from globalner.evaluation import THRESHOLDS, choose_threshold, decode_again, evaluate_documents
from globalner.types import Document, Entity, LabelSet

LABELS = LabelSet(("A", "B"))
TEXT = "abcdefgh"


def documents_with(scores_right: list[float], scores_wrong: list[float], missed: int) -> tuple[list, list]:
    """One entity a document, found with these scores, and `missed` ones that were not found."""
    gold = [Document(TEXT, (Entity(0, 2, "A"),)) for _ in [*scores_right, *range(missed)]]
    gold += [Document(TEXT, ()) for _ in scores_wrong]
    found = [Document(TEXT, (Entity(0, 2, "A", TEXT[0:2], score),)) for score in scores_right]
    found += [Document(TEXT, ()) for _ in range(missed)]
    found += [Document(TEXT, (Entity(0, 2, "A", TEXT[0:2], score),)) for score in scores_wrong]
    return gold, found


def test_many_right_entities_below_one_half_lower_the_threshold() -> None:
    gold, found = documents_with([0.9] * 300 + [0.32] * 300, [0.22] * 300, 20)
    assert choose_threshold(gold, found, LABELS, "nested") == 0.3


def test_many_wrong_entities_above_one_half_raise_it() -> None:
    gold, found = documents_with([0.9] * 300, [0.52] * 300, 20)
    assert choose_threshold(gold, found, LABELS, "nested") == 0.55


def test_what_a_few_entities_say_is_not_believed() -> None:
    gold, found = documents_with([0.9] * 30 + [0.32], [0.22] * 30, 10)
    assert choose_threshold(gold, found, LABELS, "nested") == 0.45, "near half the F1 of 0.86, though 0.3 is best"


def test_where_the_curve_is_flat_half_the_f1_is_taken() -> None:
    gold, found = documents_with([0.9] * 30, [0.95] * 10, 60)
    assert choose_threshold(gold, found, LABELS, "nested") == 0.25, "half of 60 / 130"


def test_documents_without_anything_keep_one_half() -> None:
    assert choose_threshold([], [], LABELS, "flat") == 0.5
    gold, found = documents_with([], [], 5)
    assert choose_threshold(gold, found, LABELS, "nested") == 0.5


def test_documents_must_go_together() -> None:
    with pytest.raises(DataError, match="documents"):
        choose_threshold([Document("a", ())], [], LABELS, "nested")


@st.composite
def scored_spans(draw: st.DrawFn) -> TokenSpans:
    spans = draw(
        st.lists(
            st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 1), st.integers(-60, 60)),
            max_size=8,
            unique_by=lambda span: (min(span[:2]), max(span[:2]), span[2]),
        )
    )
    first, last, types, logits = ([span[k] for span in spans] for k in range(4))
    low, high = np.minimum(first, last), np.maximum(first, last)
    return TokenSpans(
        low.astype(int), high.astype(int), np.array(types, dtype=int), np.array(logits, dtype=float) / 20 + 0.007
    )


def decoded(spans: TokenSpans, mode: str, threshold: float) -> Document:
    places = np.arange(len(TEXT) + 1)
    entities, _ = decode_entities(
        spans,
        TokenOffsets(TEXT, places[:-1], places[1:]),
        LABELS.names,
        mode=mode,
        threshold_logits=np.full(2, logit_from_score(threshold)),
        max_entities=None,
    )
    return Document(TEXT, entities)


@settings(max_examples=100, deadline=None)
@given(spans=scored_spans(), mode=st.sampled_from(["nested", "flat"]), threshold=st.sampled_from(THRESHOLDS))
def test_decoding_again_gives_what_decoding_at_that_threshold_gives(
    spans: TokenSpans, mode: str, threshold: float
) -> None:
    again = decode_again(decoded(spans, "nested", min(THRESHOLDS)), LABELS, mode, threshold)
    assert [e.key for e in again.entities] == [e.key for e in decoded(spans, mode, threshold).entities]


@settings(max_examples=60, deadline=None)
@given(spans=st.lists(scored_spans(), min_size=1, max_size=4), mode=st.sampled_from(["nested", "flat"]))
def test_no_threshold_is_better_by_more_than_the_standard_error(spans: list[TokenSpans], mode: str) -> None:
    gold = [Document(TEXT, (Entity(0, 2, "A"), Entity(4, 7, "B"))) for _ in spans]
    found = [decoded(span, "nested", min(THRESHOLDS)) for span in spans]

    def f1(threshold: float) -> float:
        predicted = [decode_again(document, LABELS, mode, threshold) for document in found]
        return evaluate_documents(gold, predicted, mode=mode, split="dev").micro.f1

    chosen = choose_threshold(gold, found, LABELS, mode)
    best = max(map(f1, THRESHOLDS))
    assert f1(chosen) >= best - 1.0 / (2 * len(spans)) ** 0.5
    aim = best / 2 if best else 0.5
    assert abs(chosen - aim) <= min(abs(t - aim) for t in THRESHOLDS if f1(t) == best) + 1e-9
