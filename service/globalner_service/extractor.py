"""What the service needs of an extractor, so that tests can bring a fake and later engines fit without a change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from globalner.types import Document, LabelSet

if TYPE_CHECKING:
    from globalner_service.settings import ServiceSettings

__all__ = ["Extractor", "Mode", "load_extractor"]

Mode = Literal["nested", "flat"]


class Extractor(Protocol):
    """Text in, entities out. One thread at a time calls `extract`."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def labels(self) -> LabelSet:
        """Entity types that the model knows."""

    def description(self) -> Mapping[str, object]:
        """Facts about the model for `/info`: JSON values only; `mode` is the one that it uses unless a call says."""

    def extract(
        self,
        texts: Sequence[str | Document],
        /,
        *,
        mode: Mode | None = None,
        threshold: float | Mapping[str, float] | None = None,
        labels: Collection[str] | None = None,
        max_entities: int = 1000,
    ) -> Sequence[Document]:
        """One document for each input, in order; offsets are code points, start inclusive, end exclusive.

        `mode` and `threshold` are the model's own where they are None.
        """


def load_extractor(settings: ServiceSettings) -> Extractor:
    """The model of the settings; takes seconds, so it runs in the worker's thread.

    Raises:
        GlobalNerError: If the model cannot be loaded.
    """
    from globalner.extractor import EntityExtractor

    return EntityExtractor.from_pretrained(
        settings.model, device=settings.device, precision=settings.precision, batch_size=settings.batch_size
    )
