"""globalner: named-entity recognition, flat and nested, around the GlobalPointer span scorer.

Importing this package defines names and does nothing else: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globalner.data import read_documents as read_documents
    from globalner.data import write_documents as write_documents
    from globalner.errors import GlobalNerError as GlobalNerError
    from globalner.extractor import EntityExtractor as EntityExtractor
    from globalner.kernels import SpanScores as SpanScores
    from globalner.kernels import find_spans as find_spans
    from globalner.kernels import span_loss as span_loss
    from globalner.layers import EfficientGlobalPointer as EfficientGlobalPointer
    from globalner.layers import GlobalPointer as GlobalPointer
    from globalner.model import GlobalPointerModel as GlobalPointerModel
    from globalner.types import Document as Document
    from globalner.types import Entity as Entity
    from globalner.types import LabelSet as LabelSet

__version__ = "0.1.0"

_ROOM_OF = {
    "Document": "globalner.types",
    "EfficientGlobalPointer": "globalner.layers",
    "Entity": "globalner.types",
    "EntityExtractor": "globalner.extractor",
    "GlobalNerError": "globalner.errors",
    "GlobalPointer": "globalner.layers",
    "GlobalPointerModel": "globalner.model",
    "LabelSet": "globalner.types",
    "SpanScores": "globalner.kernels",
    "find_spans": "globalner.kernels",
    "read_documents": "globalner.data",
    "span_loss": "globalner.kernels",
    "write_documents": "globalner.data",
}

__all__ = sorted([*_ROOM_OF, "__version__"])


def __getattr__(name: str) -> object:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'globalner' has no attribute {name!r}")
    return getattr(import_module(_ROOM_OF[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
