"""The record of found spans, and the guard against floods."""

from __future__ import annotations

import numpy as np
import pytest

from globalner.decoding import TokenSpans, limit_spans
from globalner.errors import ConfigError, ShapeError


def spans_of(*rows: tuple[int, int, int, float]) -> TokenSpans:
    first, last, types, logit = zip(*rows, strict=True) if rows else ((), (), (), ())
    return TokenSpans(first, last, types, logit)  # type: ignore[arg-type]


def rows_of(spans: TokenSpans) -> list[tuple[int, int, int, float]]:
    columns = (spans.first.tolist(), spans.last.tolist(), spans.type.tolist(), spans.logit.tolist())
    return list(zip(*columns, strict=True))


def test_arrays_are_widened() -> None:
    narrow = np.array([1], dtype=np.int32)
    spans = TokenSpans(narrow, narrow, narrow, np.array([0.1], dtype=np.float32))  # type: ignore[arg-type]
    assert spans.first.dtype == np.int64
    assert spans.logit.tolist() == [float(np.float32(0.1))]


def test_empty_concatenate_take() -> None:
    one, other = spans_of((0, 1, 0, 1.0), (2, 2, 1, 2.0)), spans_of((5, 9, 2, 3.0))
    assert len(TokenSpans.empty()) == len(TokenSpans.concatenate([])) == 0
    joined = TokenSpans.concatenate([one, TokenSpans.empty(), other])
    assert rows_of(joined) == rows_of(one) + rows_of(other)
    assert rows_of(joined.take(np.array([2, 0]))) == [(5, 9, 2, 3.0), (0, 1, 0, 1.0)]
    assert rows_of(joined.take(np.array([False, True, False]))) == [(2, 2, 1, 2.0)]


def test_order_is_first_then_larger_last_then_type_then_logit() -> None:
    spans = spans_of((1, 1, 0, 1.0), (0, 1, 1, 1.0), (0, 1, 0, 1.0), (0, 2, 1, 1.0), (0, 1, 0, 2.0))
    assert rows_of(spans.in_order()) == [
        (0, 2, 1, 1.0),
        (0, 1, 0, 2.0),
        (0, 1, 0, 1.0),
        (0, 1, 1, 1.0),
        (1, 1, 0, 1.0),
    ]


def test_above_is_strict_and_by_type() -> None:
    spans = spans_of((0, 0, 0, 1.0), (1, 1, 0, 1.1), (2, 2, 1, 1.1), (3, 3, 1, 2.0), (4, 4, 0, np.nan))
    assert spans.above([1.0, 1.1]).first.tolist() == [1, 3]
    assert spans.above([1.0, np.inf]).first.tolist() == [1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [0, 1], [0], [1.0]), "shapes"),
        (([[0]], [[0]], [[0]], [[1.0]]), "flat"),
        (([2], [1], [0], [1.0]), "from 2 to 1"),
        (([-1], [1], [0], [1.0]), "from -1 to 1"),
    ],
)
def test_arrays_that_do_not_fit(columns: tuple[list[int], list[int], list[int], list[float]], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        TokenSpans(*columns)  # type: ignore[arg-type]


@pytest.mark.parametrize("type_index", [-1, 2])
def test_a_type_without_threshold(type_index: int) -> None:
    with pytest.raises(ShapeError, match=f"type index {type_index} has no threshold; there are 2"):
        spans_of((0, 0, type_index, 1.0)).above([0.0, 0.0])


def test_one_threshold_for_all_is_refused() -> None:
    with pytest.raises(ShapeError, match="one threshold a type"):
        spans_of((0, 0, 0, 1.0)).above(0.0)


def test_guard_keeps_the_highest_logits_in_their_order() -> None:
    spans = spans_of((4, 4, 0, 3.0), (0, 0, 0, 1.0), (2, 2, 0, 2.0))
    kept, limited = limit_spans(spans, 2)
    assert limited
    assert rows_of(kept) == [(4, 4, 0, 3.0), (2, 2, 0, 2.0)]


def test_guard_breaks_ties_by_first_then_larger_last_then_type() -> None:
    spans = spans_of((1, 1, 0, 1.0), (0, 1, 1, 1.0), (0, 1, 0, 1.0), (0, 2, 1, 1.0))
    for limit, kept_rows in ((1, [3]), (2, [2, 3]), (3, [1, 2, 3])):
        assert rows_of(limit_spans(spans, limit)[0]) == [rows_of(spans)[at] for at in kept_rows]


@pytest.mark.parametrize("limit", [None, 2, 3])
def test_guard_leaves_a_small_result_alone(limit: int | None) -> None:
    spans = spans_of((1, 1, 0, 1.0), (0, 1, 1, 1.0))
    assert limit_spans(spans, limit) == (spans, False)


def test_guard_needs_room_for_one() -> None:
    with pytest.raises(ConfigError, match="max_entities is 0"):
        limit_spans(TokenSpans.empty(), 0)
