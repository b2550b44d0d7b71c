"""The line of accepted work: bounded, counted in texts, and handed out in groups for one call of the model."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from globalner.types import Document
from globalner_service.errors import NotReadyError, OutOfTimeError, QueueFullError
from globalner_service.extractor import Mode
from globalner_service.settings import flag

__all__ = ["ExtractionJob", "ExtractionOptions", "JobQueue"]

_LONGEST_RETRY_S = 60


@dataclass(frozen=True, slots=True)
class ExtractionOptions:
    """How to read texts. Hashable and comparable: jobs with equal options may share one call of the model.

    Attributes:
        mode: `nested`, `flat`, or None for the model's own.
        threshold: One score, pairs of label and score, or None for the model's own.
        labels: Labels to keep, or None for all.
        max_entities: Guard against floods, per text.
    """

    mode: Mode | None = None
    threshold: float | tuple[tuple[str, float], ...] | None = None
    labels: frozenset[str] | None = None
    max_entities: int = 1000

    def threshold_argument(self) -> float | Mapping[str, float] | None:
        """The threshold as an extractor takes it."""
        return dict(self.threshold) if isinstance(self.threshold, tuple) else self.threshold


@dataclass(eq=False, slots=True)
class ExtractionJob:
    """The texts of one request on their way through the worker.

    Attributes:
        documents: Texts to read.
        options: How to read them.
        deadline: `time.monotonic()` after which nobody waits for the answer.
        answer: Receives one document for each text; cancel it to drop the job.
    """

    documents: Sequence[Document]
    options: ExtractionOptions
    deadline: float
    answer: Future[list[Document]] = field(default_factory=Future)

    def start(self) -> bool:
        """True if the job is still wanted; from then on it cannot be cancelled."""
        if not self.answer.set_running_or_notify_cancel():
            return False
        if time.monotonic() < self.deadline:
            return True
        self.answer.set_exception(OutOfTimeError("the time limit passed while the request waited for the model"))
        return False


class JobQueue:
    """First come, first served; later jobs with equal options may ride along with the first.

    Args:
        max_texts: Texts that may wait. A job is taken or refused as a whole.
    """

    def __init__(self, max_texts: int) -> None:
        self._max_texts = max_texts
        self._jobs: deque[ExtractionJob] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._waiting_texts = 0
        self._unfinished_jobs = 0
        self._seconds_per_text = 0.0

    def put(self, job: ExtractionJob) -> None:
        """Accepts a job.

        Raises:
            QueueFullError: If its texts do not fit.
            NotReadyError: If the queue is closed.
        """
        with self._changed:
            self._check_open(len(job.documents))
            self._jobs.append(job)
            self._waiting_texts += len(job.documents)
            self._unfinished_jobs += 1
            self._changed.notify()

    def check_open(self) -> None:
        """Raises what `put` would raise for a job of one text, before anything is read of it."""
        with self._changed:
            self._check_open(1)

    def take(self, max_texts: int) -> list[ExtractionJob]:
        """Waits for work: the first job and those with equal options that fit in; empty once closed and drained.

        Args:
            max_texts: Texts that the group may hold; the first job is handed out whatever its size.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            group: list[ExtractionJob] = []
            rest: deque[ExtractionJob] = deque()
            texts = 0
            for job in self._jobs:
                fits = texts + len(job.documents) <= max_texts and job.options == group[0].options if group else True
                texts += len(job.documents) if fits else 0
                (group if fits else rest).append(job)
            self._jobs = rest
            self._waiting_texts -= texts
            return group

    def finish(self, group: Sequence[ExtractionJob], elapsed_s: float) -> None:
        """Says that a group is answered, and how long the model took for it."""
        texts = sum(len(job.documents) for job in group)
        with self._changed:
            self._unfinished_jobs -= len(group)
            if texts:
                self._seconds_per_text += 0.2 * (elapsed_s / texts - self._seconds_per_text)

    def close(self) -> None:
        """Takes no more jobs; those inside are still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def unfinished_jobs(self) -> int:
        """Jobs accepted and not yet answered."""
        with self._changed:
            return self._unfinished_jobs

    def _check_open(self, texts: int) -> None:
        if self._closed:
            raise NotReadyError("the server is stopping and takes no new work")
        if self._waiting_texts + texts > self._max_texts:
            raise QueueFullError(
                f"{self._waiting_texts} texts are waiting and {texts} more do not fit; "
                f"the limit is {self._max_texts} (server flag {flag('max_queue_texts')})",
                retry_after_s=self._retry_after_s(),
            )

    def _retry_after_s(self) -> int:
        return min(max(1, math.ceil(self._waiting_texts * self._seconds_per_text)), _LONGEST_RETRY_S)
