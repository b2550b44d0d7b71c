"""Files to documents, documents to windows of tokens, windows to batches. torch is loaded with the batches only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globalner.data.alignment import align_entities as align_entities
    from globalner.data.alignment import unreachable_entities as unreachable_entities
    from globalner.data.batches import Batch as Batch
    from globalner.data.batches import ShuffledBatches as ShuffledBatches
    from globalner.data.batches import batches_by_length as batches_by_length
    from globalner.data.batches import collate as collate
    from globalner.data.batches import shuffled_batches as shuffled_batches
    from globalner.data.context import ContextRule as ContextRule
    from globalner.data.context import TextInContext as TextInContext
    from globalner.data.context import with_context as with_context
    from globalner.data.documents import read_documents as read_documents
    from globalner.data.documents import write_documents as write_documents
    from globalner.data.gold_windows import WindowRules as WindowRules
    from globalner.data.gold_windows import training_windows as training_windows
    from globalner.data.gold_windows import windows_in_memory as windows_in_memory
    from globalner.data.masked_batches import MaskedBatch as MaskedBatch
    from globalner.data.masked_batches import heldout_batches as heldout_batches
    from globalner.data.masked_batches import training_batch as training_batch
    from globalner.data.masking import MaskedRows as MaskedRows
    from globalner.data.masking import MaskingRules as MaskingRules
    from globalner.data.masking import mask_words as mask_words
    from globalner.data.packing import PackedText as PackedText
    from globalner.data.packing import TokenRows as TokenRows
    from globalner.data.packing import TokenStream as TokenStream
    from globalner.data.packing import token_stream as token_stream
    from globalner.data.plain_text import TextUnit as TextUnit
    from globalner.data.plain_text import read_plain_text as read_plain_text
    from globalner.data.report import Report as Report
    from globalner.data.survey import Survey as Survey
    from globalner.data.survey import survey_documents as survey_documents
    from globalner.data.token_cuts import Alignment as Alignment
    from globalner.data.tokenization import Boundary as Boundary
    from globalner.data.tokenization import TextTokenizer as TextTokenizer
    from globalner.data.tokenized_text import TokenizedDocument as TokenizedDocument
    from globalner.data.tokenized_text import TokenizedText as TokenizedText
    from globalner.data.window_cache import WindowCache as WindowCache
    from globalner.data.window_cache import default_cache_folder as default_cache_folder
    from globalner.data.window_store import WindowStore as WindowStore
    from globalner.data.windows import PlacedWindow as PlacedWindow
    from globalner.data.windows import Window as Window
    from globalner.data.windows import WindowSize as WindowSize
    from globalner.data.windows import document_windows as document_windows
    from globalner.data.windows import stream_windows as stream_windows

_FILE_OF = {
    "Alignment": "token_cuts",
    "Batch": "batches",
    "Boundary": "tokenization",
    "ContextRule": "context",
    "MaskedBatch": "masked_batches",
    "MaskedRows": "masking",
    "MaskingRules": "masking",
    "PackedText": "packing",
    "PlacedWindow": "windows",
    "Report": "report",
    "ShuffledBatches": "batches",
    "Survey": "survey",
    "TextInContext": "context",
    "TextTokenizer": "tokenization",
    "TextUnit": "plain_text",
    "TokenRows": "packing",
    "TokenStream": "packing",
    "TokenizedDocument": "tokenized_text",
    "TokenizedText": "tokenized_text",
    "Window": "windows",
    "WindowCache": "window_cache",
    "WindowRules": "gold_windows",
    "WindowSize": "windows",
    "WindowStore": "window_store",
    "align_entities": "alignment",
    "batches_by_length": "batches",
    "collate": "batches",
    "default_cache_folder": "window_cache",
    "document_windows": "windows",
    "heldout_batches": "masked_batches",
    "mask_words": "masking",
    "read_documents": "documents",
    "read_plain_text": "plain_text",
    "shuffled_batches": "batches",
    "stream_windows": "windows",
    "survey_documents": "survey",
    "token_stream": "packing",
    "training_batch": "masked_batches",
    "training_windows": "gold_windows",
    "unreachable_entities": "alignment",
    "windows_in_memory": "gold_windows",
    "with_context": "context",
    "write_documents": "documents",
}

__all__ = sorted(_FILE_OF)


def __getattr__(name: str) -> object:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'globalner.data' has no attribute {name!r}")
    return getattr(import_module(f"globalner.data.{_FILE_OF[name]}"), name)
