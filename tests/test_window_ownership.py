"""The owner of a span equals its definition, and fits real window layouts."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalner.errors import ShapeError
from globalner.window_ownership import owning_window


def brute_force_owner(first: int, last: int, windows: list[tuple[int, int]], num_tokens: int) -> int:
    best, owner = -math.inf, -1
    for index, (begin, end) in enumerate(windows):
        if begin <= first and last < end:
            left = math.inf if begin == 0 else first - begin
            right = math.inf if end == num_tokens else end - 1 - last
            if min(left, right) > best:
                best, owner = min(left, right), index
    return owner


@st.composite
def layouts(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Windows with ascending begins and ascending ends, gaps and repetitions included."""
    num_tokens = draw(st.integers(1, 12))
    windows = draw(
        st.lists(st.tuples(st.integers(0, num_tokens - 1), st.integers(1, num_tokens)).filter(lambda w: w[0] < w[1]))
    )
    begins, ends = sorted(window[0] for window in windows), sorted(window[1] for window in windows)
    return num_tokens, list(zip(begins, ends, strict=True))


@settings(max_examples=100, deadline=None)
@given(layouts())
def test_owner_equals_the_definition_for_every_span(layout: tuple[int, list[tuple[int, int]]]) -> None:
    num_tokens, windows = layout
    spans = [(first, last) for first in range(num_tokens) for last in range(first, num_tokens)]
    begins, ends = [begin for begin, _ in windows], [end for _, end in windows]
    owners = owning_window(*zip(*spans, strict=True), begins, ends, num_tokens)
    assert owners.tolist() == [brute_force_owner(first, last, windows, num_tokens) for first, last in spans]


def test_hand_worked_layout() -> None:
    # 0123456789 in windows [0, 6) and [4, 10): tokens 4 and 5 lie in both.
    owners = owning_window([0, 4, 5, 4, 3, 3], [0, 4, 5, 5, 5, 6], [0, 4], [6, 10], 10)
    # token 4: one token to the right in the first window, none to the left in the second; token 5: the other way round;
    # 4..5: no context in either, so the earlier one.
    assert owners.tolist() == [0, 0, 1, 0, 0, -1]


def test_the_edges_of_the_text_count_as_context_without_end() -> None:
    assert owning_window([0], [3], [0, 2], [4, 6], 6).tolist() == [0]
    assert owning_window([2, 5], [3, 5], [0, 2], [4, 6], 6).tolist() == [0, 1]
    # One window over the whole text beats every other.
    assert owning_window([4], [4], [0, 2], [6, 6], 6).tolist() == [0]


def test_no_spans_and_no_windows() -> None:
    assert owning_window([], [], [0], [5], 5).tolist() == []
    assert owning_window([0, 1], [0, 2], [], [], 5).tolist() == [-1, -1]


def test_a_million_tokens_take_moments() -> None:
    begins = np.arange(0, 1_000_000 - 32, 96)
    ends = np.minimum(begins + 128, 1_000_000)
    first = np.random.default_rng(0).integers(0, 1_000_000 - 10, 100_000)
    began = time.perf_counter()
    owners = owning_window(first, first + 5, begins, ends, 1_000_000)
    assert time.perf_counter() - began < 5
    assert owners.min() >= 0
    sample = range(0, 100_000, 9973)
    assert all((begins[owners[at]] <= first[at]) and (first[at] + 5 < ends[owners[at]]) for at in sample)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0], [0, 1], [0], [5], 5), "first and last"),
        (([0], [0], [0], [5, 6], 6), "window_begins and window_ends"),
        (([3], [2], [0], [5], 5), "from token 3 to 2"),
        (([-1], [2], [0], [5], 5), "from token -1 to 2"),
        (([0], [0], [0], [6], 5), r"\[0, 6\) in a text of 5 tokens"),
        (([0], [0], [2], [2], 5), r"\[2, 2\)"),
        (([0], [0], [3, 0], [5, 5], 5), r"window 1, \[0, 5\)"),
        (([0], [0], [0, 1], [5, 4], 5), r"window 1, \[1, 4\)"),
    ],
)
def test_arrays_that_do_not_fit(
    arguments: tuple[list[int], list[int], list[int], list[int], int], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        owning_window(*arguments)
