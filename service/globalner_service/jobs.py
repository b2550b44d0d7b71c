"""One request's work: its texts, the windows they became, what was found in them, and who waits for the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from globalner.types import Document

if TYPE_CHECKING:
    from globalner.data import Window
    from globalner.extractor import PreparedText, ReadingOptions, WindowSpans

__all__ = ["Job", "WindowTask"]


@dataclass(eq=False, slots=True)
class WindowTask:
    """One window on its way to the model.

    Attributes:
        job: The request that it belongs to.
        text: Index of its text in the request.
        place: Index of the window in its text.
        window: Tokens and masks.
        arrived: `time.monotonic()` when it was put in line.
    """

    job: Job
    text: int
    place: int
    window: Window
    arrived: float = 0.0

    def __len__(self) -> int:
        return len(self.window)


@dataclass(eq=False, slots=True)
class Job:
    """The texts of one request on their way through the service. Cancel the answer to give the work up.

    Attributes:
        documents: Texts to read.
        options: How to read them.
        render: Makes the bytes of the answer from the documents with their entities.
        deadline: `time.monotonic()` after which nobody waits for the answer.
        answer: Receives the rendered bytes.
        queued: Windows that the queue counts for this job now; one a text until the texts are tokenised.
        prepared: The texts with their windows, once they are tokenised.
    """

    documents: Sequence[Document]
    options: ReadingOptions
    render: Callable[[Sequence[Document]], bytes]
    deadline: float
    answer: Future[bytes] = field(default_factory=Future)
    queued: int = 0
    prepared: Sequence[PreparedText] = ()
    _found: list[list[WindowSpans | None]] = field(default_factory=list)
    _missing: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def split(self, prepared: Sequence[PreparedText]) -> list[WindowTask]:
        """Takes the tokenised texts and gives the windows that the model has to read."""
        self.prepared = prepared
        self._found = [[None] * len(text.windows) for text in prepared]
        self._missing = sum(map(len, self._found))
        return [
            WindowTask(self, number, place, window)
            for number, text in enumerate(prepared)
            for place, window in enumerate(text.windows)
        ]

    def take(self, task: WindowTask, found: WindowSpans) -> bool:
        """Keeps what was found in one of its windows; true if that was the last one."""
        with self._lock:
            self._found[task.text][task.place] = found
            self._missing -= 1
            return self._missing == 0

    def found(self) -> list[tuple[PreparedText, list[WindowSpans]]]:
        """Each text with what was found in its windows."""
        rows = zip(self.prepared, self._found, strict=True)
        return [(text, [part for part in parts if part is not None]) for text, parts in rows]

    def fail(self, error: BaseException) -> None:
        """Answers with an error, unless there is an answer already."""
        try:
            self.answer.set_exception(error)
        except InvalidStateError:
            return

    def succeed(self, body: bytes) -> None:
        """Answers, unless there is an answer already."""
        try:
            self.answer.set_result(body)
        except InvalidStateError:
            return
