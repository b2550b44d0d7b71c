"""Files to documents, documents to windows of tokens, windows to batches. torch is loaded with the batches only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globalner.data.alignment import align_entities as align_entities
    from globalner.data.batches import Batch as Batch
    from globalner.data.batches import batches_by_length as batches_by_length
    from globalner.data.batches import collate as collate
    from globalner.data.batches import shuffled_batches as shuffled_batches
    from globalner.data.documents import read_documents as read_documents
    from globalner.data.documents import write_documents as write_documents
    from globalner.data.report import Report as Report
    from globalner.data.tokenization import Boundary as Boundary
    from globalner.data.tokenization import TextTokenizer as TextTokenizer
    from globalner.data.tokenization import TokenizedText as TokenizedText
    from globalner.data.windows import Window as Window
    from globalner.data.windows import WindowSize as WindowSize
    from globalner.data.windows import document_windows as document_windows
    from globalner.data.windows import training_windows as training_windows

_FILE_OF = {
    "Batch": "batches",
    "Boundary": "tokenization",
    "Report": "report",
    "TextTokenizer": "tokenization",
    "TokenizedText": "tokenization",
    "Window": "windows",
    "WindowSize": "windows",
    "align_entities": "alignment",
    "batches_by_length": "batches",
    "collate": "batches",
    "document_windows": "windows",
    "read_documents": "documents",
    "shuffled_batches": "batches",
    "training_windows": "windows",
    "write_documents": "documents",
}

__all__ = sorted(_FILE_OF)


def __getattr__(name: str) -> object:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'globalner.data' has no attribute {name!r}")
    return getattr(import_module(f"globalner.data.{_FILE_OF[name]}"), name)
