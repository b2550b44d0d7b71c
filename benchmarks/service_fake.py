"""An extractor whose model is a rule, so that a service can be tried at full speed: everything else is the real thing.

`python -m benchmarks.service_fake [SETTING=VALUE ...]` serves it and prints its URL.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from numpy.typing import NDArray

from globalner import EntityExtractor
from globalner.data import Batch
from globalner.decoding import TokenSpans
from globalner.encoders import build_character_tokenizer
from globalner.model import GlobalPointerConfig

__all__ = ["RuleScorer", "fake_extractor"]

LABELS = ("LOC", "ORG", "PER")
_LETTERS = "".join(map(chr, range(32, 127))) + "äöüéßøłŁАБВабв北京大学的王芳去了。"


class RuleScorer:
    """Finds a span from each third token of a row, its length, type and logit taken from the ids it covers."""

    def find(
        self, batch: Batch, threshold_logits: NDArray[np.float64], top_k: int
    ) -> tuple[list[TokenSpans], NDArray[np.bool_]]:
        """See `SpanScorer`: a row's spans depend on its own ids and on nothing else."""
        rows = zip(batch.input_ids.numpy(), batch.start_mask.numpy(), batch.end_mask.numpy(), strict=True)
        found = [self._row(*row, threshold_logits) for row in rows]
        limited = np.array([len(spans) > top_k for spans in found])
        return [spans.take(np.argsort(-spans.logit, kind="stable")[:top_k]).in_order() for spans in found], limited

    @staticmethod
    def _row(
        ids: NDArray[np.int64], starts: NDArray[np.bool_], ends: NDArray[np.bool_], thresholds: NDArray[np.float64]
    ) -> TokenSpans:
        first = np.flatnonzero(starts)[::3]
        last = np.minimum(first + ids[first] % 4, len(ids) - 1)
        kind = (ids[first] + ids[last]) % len(LABELS)
        logit = (ids[first] * 7 + ids[last] * 3) % 9 - 3.5
        kept = ends[last] & (logit > thresholds[kind])
        return TokenSpans(first[kept], last[kept], kind[kept], logit[kept])


def fake_extractor() -> EntityExtractor:
    """An extractor with a character tokenizer, windows of 128 tokens and the rule in place of a model."""
    config = GlobalPointerConfig(
        encoder={}, labels=list(LABELS), boundary="token", window_tokens=128, overlap_tokens=16
    )
    return EntityExtractor(RuleScorer(), build_character_tokenizer([_LETTERS]), config, name="rule")


def main(words: list[str]) -> None:
    """Serves until the process is told to stop."""
    from globalner_service import ServiceSettings
    from globalner_service.serve import run

    values = {name: json.loads(value) for name, _, value in (word.partition("=") for word in words)}
    settings = ServiceSettings(model="rule", **values)
    run(settings, port=0, extractor=fake_extractor(), on_ready=lambda url: print(url, flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])
