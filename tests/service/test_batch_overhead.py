"""What a batch costs by itself, measured on a model that takes a known time."""

from __future__ import annotations

import time

import pytest

from globalner_service.batch_overhead import UNMEASURED_OVERHEAD_TOKENS, measured_overhead_tokens


class _Timed:
    """Takes time for each batch and for each token; `jump` is a clock that it moves."""

    def __init__(self, batch_s: float, token_s: float, words: int = 20) -> None:
        self.batch_s, self.token_s, self.words, self.now = batch_s, token_s, words, 0.0

    def prepare(self, documents):
        class Text:
            windows = ["w" * self.words] if self.words else []

        return [Text() for _ in documents]

    def reading_options(self) -> None:
        """No options."""

    def find(self, windows, options):  # noqa: ARG002
        self.now += self.batch_s + self.token_s * sum(map(len, windows))


@pytest.mark.parametrize(
    ("batch_s", "token_s", "expected"),
    [(0.5, 0.005, 100), (0.001, 0.01, 32), (100.0, 1e-6, 8192), (1.0, 0.0, 8192)],
)
def test_the_price_of_a_batch_is_told_in_tokens(
    monkeypatch: pytest.MonkeyPatch, batch_s: float, token_s: float, expected: int
) -> None:
    extractor = _Timed(batch_s, token_s)
    monkeypatch.setattr(time, "perf_counter", lambda: extractor.now)
    assert measured_overhead_tokens(extractor) == expected


def test_without_windows_the_usual_is_taken() -> None:
    assert measured_overhead_tokens(_Timed(1.0, 1.0, words=0)) == UNMEASURED_OVERHEAD_TOKENS
