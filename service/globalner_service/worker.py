"""The one thread that owns the model. Requests meet here: what has arrived and is alike goes through in one call."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from globalner.errors import GlobalNerError
from globalner.types import Document
from globalner_service.errors import NotReadyError
from globalner_service.extractor import Extractor
from globalner_service.job_queue import ExtractionJob, ExtractionOptions, JobQueue
from globalner_service.settings import ServiceSettings

__all__ = ["ExtractionWorker"]

logger = logging.getLogger(__name__)

_WARMUP_TEXTS = ("A first text warms the model up.", "预热。")


class ExtractionWorker:
    """Loads the model, warms it up, answers jobs, and drains when told.

    Args:
        load: Makes the extractor; called once, in the worker's thread.
        settings: Bounds of queue and groups, batch size, whether to warm up.
    """

    def __init__(self, load: Callable[[], Extractor], settings: ServiceSettings) -> None:
        self._load = load
        self._settings = settings
        self._queue = JobQueue(settings.max_queue_texts)
        self._thread = threading.Thread(target=self._run, name="globalner-worker", daemon=True)
        self._warm = threading.Event()
        self._drain_began: float | None = None
        self.extractor: Extractor | None = None
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Starts loading in the background and returns at once."""
        self._thread.start()

    def ready_extractor(self) -> Extractor:
        """The extractor, if new work can be taken.

        Raises:
            NotReadyError: While the model loads, when the server is stopping, or when the worker is dead.
        """
        if isinstance(self.failure, GlobalNerError):
            raise NotReadyError(f"the model could not be loaded: {self.failure}")
        if self.failure is not None:
            raise NotReadyError("the worker of the model has died; the server's log says why")
        if self._drain_began is not None:
            raise NotReadyError("the server is stopping and takes no new work")
        if self.extractor is None or not self._warm.is_set():
            raise NotReadyError("the model is still loading", retry_after_s=1)
        return self.extractor

    @property
    def is_ready(self) -> bool:
        """True if new work can be taken."""
        try:
            self.ready_extractor()
        except NotReadyError:
            return False
        return True

    def check_open(self) -> None:
        """Refuses before a body is read.

        Raises:
            NotReadyError: See `ready_extractor`.
            QueueFullError: If not one more text may wait.
        """
        self.ready_extractor()
        self._queue.check_open()

    def submit(
        self, documents: Sequence[Document], options: ExtractionOptions, timeout_s: float
    ) -> Future[list[Document]]:
        """Puts the texts of one request in line; cancel the future to drop them.

        Raises:
            NotReadyError: See `ready_extractor`.
            QueueFullError: If they do not fit.
        """
        self.ready_extractor()
        job = ExtractionJob(documents, options, deadline=time.monotonic() + timeout_s)
        self._queue.put(job)
        return job.answer

    def begin_drain(self) -> None:
        """Takes no new work; what was accepted is still answered."""
        if self._drain_began is None:
            self._drain_began = time.monotonic()
        self._queue.close()

    @property
    def idle(self) -> bool:
        """True if everything accepted is answered."""
        return self._queue.unfinished_jobs == 0

    def stop(self, timeout_s: float) -> None:
        """Drains, and waits for a warm worker until `timeout_s` seconds after the draining began."""
        self.begin_drain()
        if self._warm.is_set() and self._drain_began is not None:
            self._thread.join(max(0.0, self._drain_began + timeout_s - time.monotonic()))

    def _run(self) -> None:
        group: list[ExtractionJob] = []
        try:
            self._prepare()
            while group := self._queue.take(self._settings.max_batch_texts):
                started = time.monotonic()
                self._answer([job for job in group if job.start()])
                self._queue.finish(group, time.monotonic() - started)
        except BaseException as error:
            if not isinstance(error, GlobalNerError):
                logger.exception("the worker of the model has died")
            self.failure = error
            self._queue.close()
            while group:
                self._give_up(group)
                group = self._queue.take(self._settings.max_batch_texts)

    def _prepare(self) -> None:
        self.extractor = self._load()
        if self._settings.warmup:
            self.extractor.extract(_WARMUP_TEXTS)
        self._warm.set()

    def _answer(self, jobs: Sequence[ExtractionJob]) -> None:
        """One call for all; if that fails, one call for each, so that a text can only spoil its own request."""
        try:
            documents = self._extract(jobs)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].answer.set_exception(error)
                return
            for job in jobs:
                self._answer([job])
            return
        first = 0
        for job in jobs:
            job.answer.set_result(documents[first : first + len(job.documents)])
            first += len(job.documents)

    def _extract(self, jobs: Sequence[ExtractionJob]) -> list[Document]:
        texts = [document for job in jobs for document in job.documents]
        if not texts or self.extractor is None:
            return []
        options = jobs[0].options
        return list(
            self.extractor.extract(
                texts,
                mode=options.mode,
                threshold=options.threshold_argument(),
                labels=options.labels,
                max_entities=options.max_entities,
            )
        )

    def _give_up(self, group: Sequence[ExtractionJob]) -> None:
        for job in group:
            if not job.answer.done() and (job.answer.running() or job.answer.set_running_or_notify_cancel()):
                job.answer.set_exception(NotReadyError("the model's worker died before it could answer"))
        self._queue.finish(group, 0.0)
