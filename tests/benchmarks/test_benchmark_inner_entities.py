"""Scores of inner and outer entities apart."""

from __future__ import annotations

import pytest

from benchmarks.inner_entities import inner_outer_scores
from globalner import Document, Entity

TEXT = "University of Porto in Porto"
ORG, INNER, LOC = Entity(0, 19, "ORG"), Entity(14, 19, "LOC"), Entity(23, 28, "LOC")


def document(*entities: Entity) -> Document:
    return Document(TEXT, entities)


def test_flat_gold_has_no_inner_score() -> None:
    assert inner_outer_scores([document(ORG, LOC)], [document(ORG, INNER)]) is None


def test_both_sides_must_be_inner() -> None:
    gold = [document(ORG, INNER, LOC)] * 2
    scores = inner_outer_scores(gold, [document(ORG, INNER), document(INNER, LOC)])
    assert scores is not None
    # The second document finds INNER without ORG: there it is outer, and no outer gold.
    assert (scores.inner.precision, scores.inner.recall, scores.inner.support) == (1.0, 0.5, 2)
    assert scores.outer.precision == pytest.approx(2 / 3)
    assert (scores.outer.recall, scores.outer.support) == (0.5, 4)


def test_an_inner_entity_that_is_not_gold_costs_inner_precision() -> None:
    scores = inner_outer_scores([document(ORG, INNER)], [document(ORG, INNER, Entity(0, 10, "LOC"))])
    assert scores is not None
    assert (scores.inner.precision, scores.inner.recall) == (0.5, 1.0)
    assert scores.outer.f1 == 1.0


def test_as_many_predictions_as_gold_documents() -> None:
    with pytest.raises(ValueError, match="shorter"):
        inner_outer_scores([document(), document()], [document()])
