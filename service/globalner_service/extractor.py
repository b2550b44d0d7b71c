"""What the service needs of an extractor, so that tests can bring a fake and later engines fit without a change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from globalner.types import Document, LabelSet

if TYPE_CHECKING:
    from globalner.data import Window
    from globalner.extractor import PreparedText, ReadingOptions, WindowSpans
    from globalner_service.settings import ServiceSettings

__all__ = ["Extractor", "Mode", "load_extractor"]

Mode = Literal["nested", "flat"]


class Extractor(Protocol):
    """Text in, entities out, in three stages, each in threads of its own."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def labels(self) -> LabelSet:
        """Entity types that the model knows."""

    def description(self) -> Mapping[str, object]:
        """Facts about the model for `/info`: JSON values only; `mode` is the one that it uses unless a call says."""

    def reading_options(
        self,
        *,
        mode: Mode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = 1000,
    ) -> ReadingOptions:
        """How to read texts, checked; `mode` and `threshold` are the model's own where they are None."""

    def prepare(self, documents: Sequence[Document]) -> Sequence[PreparedText]:
        """Tokens and windows of each text, in order."""

    def find(self, windows: Sequence[Window], options: ReadingOptions) -> Sequence[WindowSpans]:
        """The spans of windows of any texts, read as one batch."""

    def model_threads(self) -> int:
        """How many threads may call `find` at once and gain by it."""

    def share_cores(self, threads: int) -> None:
        """Called in a thread before `find`: so many threads share the cores while that runs."""

    def decode(self, text: PreparedText, found: Sequence[WindowSpans], options: ReadingOptions) -> Document:
        """The text with its entities; offsets are code points, start inclusive, end exclusive."""

    def search_work(self, length: int) -> int:
        """Scores that are computed for one window padded to `length` tokens."""


def load_extractor(settings: ServiceSettings) -> Extractor:
    """The model of the settings; takes seconds, so it runs in the worker's thread. Weights: safetensors only.

    Raises:
        GlobalNerError: If the model cannot be loaded.
    """
    from globalner.extractor import EntityExtractor

    return EntityExtractor.from_pretrained(
        settings.model, device=settings.device, precision=settings.precision, batch_size=settings.batch_size
    )
