"""From spans to entities: nested and flat decoding, joining of windows, score and logit.

Pure functions on numpy arrays, stable under ties; no torch.
"""

from __future__ import annotations

from globalner.decoding.decode import (
    DECODING_MODES,
    DecodingMode,
    TokenOffsets,
    decode_entities,
    spans_in_characters,
)
from globalner.decoding.entity_collector import DecodingRules, EntityCollector
from globalner.decoding.flat import flat_spans
from globalner.decoding.guard import limit_spans
from globalner.decoding.nested import nested_spans
from globalner.decoding.scores import SCORE_MARGIN, logit_from_score, score_from_logit
from globalner.decoding.spans import TokenSpans
from globalner.decoding.windows import merge_windows

__all__ = [
    "DECODING_MODES",
    "SCORE_MARGIN",
    "DecodingMode",
    "DecodingRules",
    "EntityCollector",
    "TokenOffsets",
    "TokenSpans",
    "decode_entities",
    "flat_spans",
    "limit_spans",
    "logit_from_score",
    "merge_windows",
    "nested_spans",
    "score_from_logit",
    "spans_in_characters",
]
