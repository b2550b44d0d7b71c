"""Text to entities: a thin face over tokenizer, windows, scorer and decoding."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from globalner.data import Batch, ContextRule, TextInContext, TextTokenizer, Window, WindowSize, collate, with_context
from globalner.decoding import DECODING_MODES, DecodingMode, TokenSpans, logit_from_score
from globalner.encoders import padding_id
from globalner.errors import ConfigError, DataError
from globalner.extractor.long_document import read_long_document
from globalner.extractor.reading import Reading
from globalner.extractor.short_documents import read_short_documents
from globalner.extractor.stages import (
    PreparedText,
    ReadingOptions,
    WindowSpans,
    decode_text,
    prepare_texts,
    window_spans,
)
from globalner.extractor.torch_scorer import TorchScorer, choose_device
from globalner.model import DEFAULT_THRESHOLD, load_model
from globalner.types import Document, LabelSet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from globalner.model import GlobalPointerConfig, GlobalPointerModel

__all__ = ["DEFAULT_MAX_ENTITIES", "DEFAULT_THRESHOLD", "EntityExtractor", "SpanScorer"]

DEFAULT_MAX_ENTITIES = 1000
_DESCRIBED = ("boundary", "alignment", "mode", "window_tokens", "overlap_tokens", "context", "context_tokens")
_DOCUMENTS_AT_ONCE, _TOKENS_AT_ONCE = 256, 500_000


class SpanScorer(Protocol):
    """What an extractor needs of a model, so that torch and other runtimes both fit."""

    def find(
        self, batch: Batch, threshold_logits: NDArray[np.float64], top_k: int
    ) -> tuple[list[TokenSpans], NDArray[np.bool_]]:
        """Spans strictly above `threshold_logits` (C,), the `top_k` highest of each row.

        Returns:
            The spans of each of the B rows (token indices of the row, both inclusive), and (B,) whether it had more.
        """
        ...


class EntityExtractor:
    """Finds the entities of texts of any length.

    Args:
        scorer: Finds spans in batches of windows.
        tokenizer: The model's fast tokenizer.
        config: The model's configuration: labels, boundary, windows, thresholds.
        name: What the model is called.
        batch_size: Windows in a batch, unless a call says otherwise.

    Attributes:
        labels: The entity types.
        mode: How spans become entities unless a call says otherwise.
        name: What the model is called.
    """

    def __init__(
        self,
        scorer: SpanScorer,
        tokenizer: PreTrainedTokenizerFast,
        config: GlobalPointerConfig,
        *,
        name: str = "model",
        batch_size: int = 32,
    ) -> None:
        self.labels: LabelSet = config.label_set
        self.mode: DecodingMode = config.mode
        self.name = name
        self._scorer, self._config, self._batch_size = scorer, config, batch_size
        self._pad_id = padding_id(tokenizer)
        self._tokenizer = TextTokenizer(tokenizer.backend_tokenizer, config.boundary, config.alignment)
        self._size = WindowSize(
            config.window_tokens,
            config.overlap_tokens,
            context=ContextRule(config.context, config.context_tokens),
        )

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, device: str = "auto", precision: str = "fp32", batch_size: int = 32
    ) -> EntityExtractor:
        """An extractor on a saved model.

        Args:
            name: A folder or hub name.
            device: "auto" (a GPU if there is one), "cpu", "cuda" or "mps".
            precision: "fp32", "bf16" or "fp16".
            batch_size: Windows in a batch.

        Raises:
            CheckpointError: If the model is missing or damaged.
            ConfigError: If the device or precision is not to be had.
        """
        chosen = choose_device(device)
        model, tokenizer = load_model(name)
        model.to(device=chosen)  # type: ignore[call-arg]
        return cls.from_model(model, tokenizer, name=str(name), precision=precision, batch_size=batch_size)

    @classmethod
    def from_model(
        cls,
        model: GlobalPointerModel,
        tokenizer: PreTrainedTokenizerFast,
        *,
        name: str = "model",
        precision: str = "fp32",
        batch_size: int = 32,
    ) -> EntityExtractor:
        """An extractor on a model in memory, which may go on being trained."""
        return cls(TorchScorer(model, precision), tokenizer, model.config, name=name, batch_size=batch_size)

    def __call__(
        self,
        text: str | Document,
        *,
        mode: DecodingMode | None = None,
        threshold: float | Mapping[str, float] | None = None,
    ) -> Document:
        """The entities of one text; see `extract`."""
        return self.extract([text], mode=mode, threshold=threshold)[0]

    def extract(
        self,
        texts: Sequence[str | Document],
        *,
        mode: DecodingMode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = DEFAULT_MAX_ENTITIES,
        batch_size: int | None = None,
    ) -> list[Document]:
        """The entities of texts, each as if it were alone, unless the model was trained with context.

        Args:
            texts: Texts or documents; given `tokens` of a document set its words, its own entities are not looked at.
            mode: "nested" gives every span above its threshold, "flat" the best set without overlap; None for the
                model's own, which is nested unless it was trained on flat entities.
            threshold: Score above which a span counts: one number, or by label (others keep the model's own, 0.5
                unless it was tuned).
            labels: Only these labels; None for all.
            max_entities: At most this many a text, the highest scores; the document then says `limited`.
            batch_size: Windows in a batch; None for the extractor's own.

        Returns:
            Documents in the order given, with scored entities, `windows` and `limited`.

        Raises:
            DataError: If a label is unknown or a threshold is not between 0 and 1.
            ConfigError: If `mode`, `max_entities` or `batch_size` cannot be used.
        """
        return list(
            self.stream(
                texts, mode=mode, threshold=threshold, labels=labels, max_entities=max_entities, batch_size=batch_size
            )
        )

    def stream(
        self,
        texts: Iterable[str | Document],
        *,
        mode: DecodingMode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = DEFAULT_MAX_ENTITIES,
        batch_size: int | None = None,
    ) -> Iterator[Document]:
        """The same as `extract`, as a stream: reads ahead by some hundreds, and holds no long text's tokens."""
        if batch_size is not None and batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1; got {batch_size}")
        options = self.reading_options(mode=mode, threshold=threshold, labels=labels, max_entities=max_entities)
        find = partial(self.find, options=options)
        reading = Reading(find, self._tokenizer, self._size, self.labels, options, batch_size or self._batch_size)
        return self._stream((Document(text) if isinstance(text, str) else text for text in texts), reading)

    @property
    def tokenizer(self) -> TextTokenizer:
        """What makes tokens of a text."""
        return self._tokenizer

    def reading_options(
        self,
        *,
        mode: DecodingMode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = DEFAULT_MAX_ENTITIES,
    ) -> ReadingOptions:
        """How to read texts, checked; arguments and errors are those of `extract`."""
        mode = self.mode if mode is None else mode
        if mode not in DECODING_MODES:
            raise ConfigError(f"there is no mode {mode!r}; choose one of: {', '.join(DECODING_MODES)}")
        if max_entities < 1:
            raise ConfigError(f"max_entities must be at least 1; got {max_entities}")
        return ReadingOptions(mode, self._threshold_logits(threshold, labels), max_entities)

    def prepare(self, documents: Sequence[Document]) -> list[PreparedText]:
        """First stage: the tokens and windows of texts. Several threads may call it at once.

        Of a model that was trained with context, the documents are the context of each other.
        """
        return prepare_texts(self._in_context(documents), self._tokenizer, self._size)

    def find(self, windows: Sequence[Window], options: ReadingOptions) -> list[WindowSpans]:
        """Second stage: the spans of windows of any texts, as one batch. Threads may call it; see `model_threads`."""
        found, limited = self._scorer.find(collate(windows, self._pad_id), options.thresholds, options.top_k)
        return window_spans(windows, found, limited)

    def decode(self, text: PreparedText, found: Sequence[WindowSpans], options: ReadingOptions) -> Document:
        """Last stage: the entities of one text from the spans of its windows. Several threads may call it at once."""
        return decode_text(text, found, self.labels, options)

    def model_threads(self) -> int:
        """How many threads may call `find` at once and gain by it; 1 if the scorer does not tell."""
        return int(getattr(self._scorer, "model_threads", lambda: 1)())

    def share_cores(self, threads: int) -> None:
        """In a thread of so many that call `find` at once, takes its share of the cores for the next call."""
        getattr(self._scorer, "share_cores", lambda _: None)(threads)

    def search_work(self, length: int) -> int:
        """Scores that are computed for one window padded to `length` tokens, over all C types.

        A scorer tells it by a method of this name; one that does not is taken to build the square: C * length ** 2.
        """
        return int(getattr(self._scorer, "search_work", lambda length: len(self.labels) * length**2)(length))

    def description(self) -> dict[str, object]:
        """What the model is, in plain values: for `/info` and for people."""
        config = self._config
        return {
            "name": self.name,
            "labels": list(self.labels),
            "encoder": (config.encoder or {}).get("model_type"),
            "head": config.head_kind,
            **{name: getattr(config, name) for name in _DESCRIBED},
            "thresholds": {label: (config.thresholds or {}).get(label, DEFAULT_THRESHOLD) for label in self.labels},
            "device": str(getattr(self._scorer, "device", "unknown")),
            "precision": str(getattr(self._scorer, "precision", "unknown")),
        }

    def _threshold_logits(
        self, threshold: float | Mapping[str, float] | None, labels: Collection[str] | None
    ) -> NDArray[np.float64]:
        """(C,) threshold logits; infinite for labels that are not asked for."""
        if isinstance(labels, str):
            raise DataError(f"labels must be a list of labels; got the text {labels!r}")
        wanted = {self.labels.index(label) for label in (self.labels if labels is None else labels)}
        scores = dict.fromkeys(self.labels, DEFAULT_THRESHOLD) | (self._config.thresholds or {})
        if isinstance(threshold, Mapping):
            for label in threshold:
                self.labels.index(label)
            scores |= threshold
        elif threshold is not None:
            scores = {label: float(threshold) for label in self.labels}
        logits = logit_from_score([scores[label] for label in self.labels])
        asked = [place in wanted for place in range(len(self.labels))]
        return np.where(asked, logits, np.inf)

    def _in_context(self, documents: Iterable[Document]) -> Iterator[TextInContext]:
        room = self._size.text_tokens(self._tokenizer)
        return with_context(self._tokenizer.stream_stretches(documents), self._size.context, room)

    def _stream(self, documents: Iterable[Document], reading: Reading) -> Iterator[Document]:
        some: list[TextInContext] = []
        num_tokens = 0
        for text in self._in_context(documents):
            is_long = text.tokenized.tokens is None
            if is_long or len(some) == _DOCUMENTS_AT_ONCE or num_tokens > _TOKENS_AT_ONCE:
                yield from read_short_documents(some, reading)
                some, num_tokens = [], 0
            if is_long:
                yield read_long_document(text.tokenized, reading)
            else:
                some.append(text)
                num_tokens += len(text.tokenized.whole())
        yield from read_short_documents(some, reading)
