"""Joining windows: what a scorer finds in windows is what it would find in the whole text, each span once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.decoding import TokenSpans, merge_windows
from globalner.errors import ShapeError

Row = tuple[int, int, int, float]


def spans_of(rows: list[Row]) -> TokenSpans:
    first, last, types, logit = zip(*rows, strict=True) if rows else ((), (), (), ())
    return TokenSpans(first, last, types, logit)  # type: ignore[arg-type]


def rows_of(spans: TokenSpans) -> list[Row]:
    columns = (spans.first.tolist(), spans.last.tolist(), spans.type.tolist(), spans.logit.tolist())
    return list(zip(*columns, strict=True))


def test_the_owner_decides_and_indices_become_those_of_the_text() -> None:
    # [0, 6) and [4, 10): span 4..4 is owned by the first window, 5..6 lies in the second only.
    found = [spans_of([(4, 4, 0, 1.0)]), spans_of([(0, 0, 0, 7.0), (1, 2, 1, 2.0)])]
    assert rows_of(merge_windows(found, [0, 4], [6, 10], 10)) == [(4, 4, 0, 1.0), (5, 6, 1, 2.0)]


def test_what_only_a_window_with_less_context_found_is_left_out() -> None:
    found = [TokenSpans.empty(), spans_of([(0, 0, 0, 7.0)])]
    assert len(merge_windows(found, [0, 4], [6, 10], 10)) == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(2, 8), st.data())
def test_every_span_that_fits_in_a_window_comes_out_once(num_tokens: int, width: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, width))
    begins = list(range(0, max(num_tokens - width, 0) + stride, stride))
    begins = [begin for begin in begins if begin < num_tokens]
    ends = [min(begin + width, num_tokens) for begin in begins]
    windows = list(zip(begins, ends, strict=True))
    cells = st.tuples(st.integers(0, num_tokens - 1), st.integers(0, width), st.integers(0, 1))
    spans = {
        (first, first + more, kind) for first, more, kind in data.draw(st.lists(cells)) if first + more < num_tokens
    }
    found = [
        spans_of([(a - begin, b - begin, c, float(a + b)) for a, b, c in sorted(spans) if begin <= a and b < end])
        for begin, end in windows
    ]
    fits = [span for span in spans if any(begin <= span[0] and span[1] < end for begin, end in windows)]
    expected = [(a, b, c, float(a + b)) for a, b, c in sorted(fits, key=lambda span: (span[0], -span[1], span[2]))]
    assert rows_of(merge_windows(found, begins, ends, num_tokens)) == expected


def test_a_text_of_one_window_or_none() -> None:
    found = spans_of([(3, 4, 0, 1.0), (0, 2, 0, 2.0)])
    assert rows_of(merge_windows([found], [0], [5], 5)) == rows_of(found.in_order())
    assert len(merge_windows([], [], [], 0)) == 0


def test_windows_that_do_not_fit_what_was_found() -> None:
    with pytest.raises(ShapeError, match="spans of 1 windows"):
        merge_windows([TokenSpans.empty()], [0, 4], [6, 10], 10)
    with pytest.raises(ShapeError, match="window 1 ends at token 6, but that window has 6 tokens"):
        merge_windows([TokenSpans.empty(), spans_of([(0, 6, 0, 1.0)])], [0, 4], [6, 10], 10)
