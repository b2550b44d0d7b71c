"""Score and logit: each other's inverse, stable at the extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalner.decoding import SCORE_MARGIN, logit_from_score, score_from_logit
from globalner.errors import DataError


def test_known_values() -> None:
    assert score_from_logit(np.array([0.0, np.log(3.0)])).tolist() == pytest.approx([0.5, 0.75], abs=1e-15)
    assert logit_from_score(0.5) == 0.0
    assert float(logit_from_score(0.75)) == pytest.approx(np.log(3.0), abs=1e-15)


@pytest.mark.filterwarnings("error")
def test_extreme_logits_stay_inside_the_margin() -> None:
    score = score_from_logit(np.array([-np.inf, -1000.0, 1000.0, np.inf], dtype=np.float32))
    assert score.tolist() == [SCORE_MARGIN, SCORE_MARGIN, 1 - SCORE_MARGIN, 1 - SCORE_MARGIN]
    assert np.all(np.isfinite(logit_from_score(score)))


def test_computed_in_double_in_the_given_shape() -> None:
    score = score_from_logit(np.zeros((2, 3), dtype=np.float16))
    assert (score.dtype, score.shape) == (np.float64, (2, 3))
    assert score_from_logit(3.0).shape == logit_from_score(0.3).shape == ()


@given(st.floats(-13.8, 13.8))
def test_round_trip_from_the_logit(logit: float) -> None:
    assert float(logit_from_score(score_from_logit(logit))) == pytest.approx(logit, rel=1e-9, abs=1e-9)


@given(st.floats(SCORE_MARGIN, 1 - SCORE_MARGIN))
def test_round_trip_from_the_score(score: float) -> None:
    assert float(score_from_logit(logit_from_score(score))) == pytest.approx(score, rel=1e-12)


@given(st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_a_higher_logit_never_has_a_lower_score(one: float, other: float) -> None:
    low, high = score_from_logit([min(one, other), max(one, other)])
    assert low <= high


@pytest.mark.parametrize("score", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_no_logit_outside_the_open_interval(score: float) -> None:
    with pytest.raises(DataError, match=rf"score {score} has no logit.*between 0 and 1"):
        logit_from_score([0.5, score])
