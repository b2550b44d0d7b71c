"""Nested decoding, and flat decoding against all subsets."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.decoding import TokenSpans, flat_spans, nested_spans
from globalner.errors import DataError, ShapeError

Row = tuple[int, int, int, float]


def spans_of(rows: list[Row]) -> TokenSpans:
    first, last, types, logit = zip(*rows, strict=True) if rows else ((), (), (), ())
    return TokenSpans(first, last, types, logit)  # type: ignore[arg-type]


def rows_of(spans: TokenSpans) -> list[Row]:
    columns = (spans.first.tolist(), spans.last.tolist(), spans.type.tolist(), spans.logit.tolist())
    return list(zip(*columns, strict=True))


def key(row: Row) -> tuple[int, int, int]:
    return row[0], -row[1], row[2]


def brute_force_flat(rows: list[Row], thresholds: list[float]) -> list[Row]:
    """The definition, over all subsets, in exact fractions."""
    open_rows = sorted((row for row in rows if row[3] > thresholds[row[2]]), key=lambda row: (*key(row), -row[3]))
    subsets = (subset for size in range(len(open_rows) + 1) for subset in combinations(open_rows, size))
    valid = [subset for subset in subsets if all(one[1] < other[0] for one, other in pairwise(subset))]

    def rank(subset: tuple[Row, ...]) -> tuple[Fraction, int, list[tuple[int, int, int]]]:
        gain = sum((Fraction(row[3]) - Fraction(thresholds[row[2]]) for row in subset), start=Fraction(0))
        return -gain, len(subset), [key(row) for row in subset]

    return list(min(valid, key=rank))


@st.composite
def rows(draw: st.DrawFn, logits: list[float]) -> list[Row]:
    span = st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 1), st.sampled_from(logits))
    return [(first, first + more, kind, logit) for first, more, kind, logit in draw(st.lists(span, max_size=10))]


@settings(max_examples=100, deadline=None)
@given(rows([1.0, 2.0, 3.0, 0.5, -1.0]), st.sampled_from([[0.0, 0.0], [0.5, 0.0], [0.0, 1.0]]))
def test_flat_equals_brute_force_where_sums_tie(found: list[Row], thresholds: list[float]) -> None:
    assert rows_of(flat_spans(spans_of(found), thresholds)) == brute_force_flat(found, thresholds)


@settings(max_examples=100, deadline=None)
@given(rows([0.1, 0.2, 0.3, 0.30000000000000004, 1e16, 1e-16]), st.sampled_from([[0.0, 0.0], [0.1, -0.2]]))
def test_flat_equals_brute_force_where_doubles_round(found: list[Row], thresholds: list[float]) -> None:
    assert rows_of(flat_spans(spans_of(found), thresholds)) == brute_force_flat(found, thresholds)


@settings(max_examples=50, deadline=None)
@given(rows([0.5, 1.0, 1.5]), st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(found: list[Row], random: object) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for decode in (flat_spans, nested_spans):
        assert rows_of(decode(spans_of(shuffled), [0.0, 0.0])) == rows_of(decode(spans_of(found), [0.0, 0.0]))


def test_flat_weighs_the_surplus_over_the_threshold_of_the_type() -> None:
    found = [(0, 1, 0, 3.0), (1, 2, 1, 4.0)]
    assert rows_of(flat_spans(spans_of(found), [0.0, 0.0])) == [found[1]]
    assert rows_of(flat_spans(spans_of(found), [0.0, 2.0])) == [found[0]]


def test_two_small_spans_beat_a_large_one_if_together_they_are_worth_more() -> None:
    found = [(0, 3, 0, 3.0), (0, 1, 0, 2.0), (2, 3, 0, 1.5)]
    assert rows_of(flat_spans(spans_of(found), [0.0])) == found[1:]


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ([(0, 3, 0, 2.0), (0, 1, 0, 1.0), (2, 3, 0, 1.0)], [0]),  # fewer spans
        ([(0, 1, 0, 1.0), (2, 3, 0, 1.0), (1, 3, 0, 2.0)], [2]),  # fewer spans, though they start later
        ([(1, 2, 0, 1.0), (0, 1, 0, 1.0)], [1]),  # smaller start
        ([(0, 1, 0, 1.0), (0, 2, 0, 1.0)], [1]),  # larger end
        ([(0, 1, 1, 1.0), (0, 1, 0, 1.0)], [1]),  # label order
        ([(0, 0, 0, 1.0), (1, 1, 0, 1.0)], [0, 1]),  # touching
    ],
)
def test_ties_by_hand(found: list[Row], chosen: list[int]) -> None:
    assert rows_of(flat_spans(spans_of(found), [0.0, 0.0])) == [found[at] for at in chosen]


def test_sums_are_exact_where_doubles_would_swallow_a_small_span() -> None:
    found = [(0, 1, 0, 1e16), (2, 2, 0, 1.0), (0, 2, 0, 1e16)]
    assert rows_of(flat_spans(spans_of(found), [0.0])) == found[:2]
    tied = [(0, 0, 0, 0.1), (1, 1, 0, 0.2), (0, 1, 0, 0.1 + 0.2)]  # as doubles equal; the rounded sum is truly larger
    assert rows_of(flat_spans(spans_of(tied), [0.0])) == tied[2:]


def test_flat_ignores_a_type_that_is_switched_off_and_refuses_infinite_gains() -> None:
    found = spans_of([(0, 0, 0, 1.0), (0, 1, 1, 9.0)])
    assert rows_of(flat_spans(found, [0.0, np.inf])) == [(0, 0, 0, 1.0)]
    with pytest.raises(DataError, match="finite logits and thresholds, but met -inf"):
        flat_spans(found, [-np.inf, 0.0])


def test_nothing_found_gives_nothing() -> None:
    assert len(flat_spans(TokenSpans.empty(), [0.0])) == len(nested_spans(TokenSpans.empty(), [0.0])) == 0
    assert len(flat_spans(spans_of([(0, 0, 0, 0.0)]), [0.0])) == 0


def test_nested_keeps_everything_above_in_order_and_once() -> None:
    found = [(2, 3, 0, 1.0), (0, 3, 1, 1.0), (0, 3, 0, 1.0), (2, 3, 0, 4.0), (1, 2, 0, 0.0), (0, 1, 0, 0.5)]
    expected = [(0, 3, 0, 1.0), (0, 3, 1, 1.0), (0, 1, 0, 0.5), (2, 3, 0, 4.0)]
    assert rows_of(nested_spans(spans_of(found), [0.0, 0.0])) == expected


@pytest.mark.parametrize("decode", [flat_spans, nested_spans])
def test_every_type_needs_a_threshold(decode: object) -> None:
    with pytest.raises(ShapeError, match="type index 1 has no threshold"):
        decode(spans_of([(0, 0, 1, 1.0)]), [0.0])  # type: ignore[operator]


def test_a_hundred_thousand_spans_take_seconds() -> None:
    generator = np.random.default_rng(0)
    first = generator.integers(0, 50_000, 100_000)
    length = generator.integers(0, 12, 100_000)
    spans = TokenSpans(first, first + length, generator.integers(0, 5, 100_000), generator.normal(2, 1, 100_000))
    began = time.perf_counter()
    flat = flat_spans(spans, np.zeros(5))
    assert time.perf_counter() - began < 10
    assert np.all(flat.last[:-1] < flat.first[1:])
