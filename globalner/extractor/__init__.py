"""Text to entities: `EntityExtractor`, and the torch scorer behind it."""

from globalner.extractor.extractor import DEFAULT_MAX_ENTITIES, DEFAULT_THRESHOLD, EntityExtractor, SpanScorer
from globalner.extractor.stages import PreparedText, ReadingOptions, WindowSpans
from globalner.extractor.torch_scorer import TorchScorer, autocast, choose_device

__all__ = [
    "DEFAULT_MAX_ENTITIES",
    "DEFAULT_THRESHOLD",
    "EntityExtractor",
    "PreparedText",
    "ReadingOptions",
    "SpanScorer",
    "TorchScorer",
    "WindowSpans",
    "autocast",
    "choose_device",
]
