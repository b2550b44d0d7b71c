"""The way of the work: texts are tokenised in threads, wait as windows, meet in batches, and are decoded in threads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

from globalner.errors import GlobalNerError
from globalner.types import Document
from globalner_service.batch_overhead import UNMEASURED_OVERHEAD_TOKENS, measured_overhead_tokens
from globalner_service.batches import BatchBudget
from globalner_service.errors import NotReadyError, OutOfTimeError
from globalner_service.extractor import Extractor
from globalner_service.jobs import Job, WindowTask
from globalner_service.metrics import ServiceMetrics
from globalner_service.settings import ServiceSettings
from globalner_service.window_queue import WindowQueue

__all__ = ["ExtractionWorker"]

logger = logging.getLogger(__name__)

_WARMUP_TEXTS = (Document("A first text warms the model up."), Document("预热。"))
_LONG_TEXT = Document("warm " * 5000)
_DECODING_THREADS = 2
_LENGTHS_KEPT = 4096


class ExtractionWorker:
    """Loads the model, warms it up, answers jobs, and drains when told. Threads of its own run the model.

    Args:
        load: Makes the extractor; called once, in the thread of the model.
        settings: Bounds of queue and batches, whether to warm up.
        metrics: Where durations and batches are noted.
    """

    def __init__(self, load: Callable[[], Extractor], settings: ServiceSettings, metrics: ServiceMetrics) -> None:
        self._load, self._settings, self._metrics = load, settings, metrics
        self._queue = WindowQueue(settings.max_queue_windows)
        self._thread = threading.Thread(target=self._run, name="globalner-model", daemon=True)
        self._tokenizing = ThreadPoolExecutor(settings.tokenization_workers, "globalner-tokenize")
        self._decoding = ThreadPoolExecutor(_DECODING_THREADS, "globalner-decode")
        self._warm = threading.Event()
        self._counting, self._at_work = threading.Lock(), 0
        self._drain_began: float | None = None
        self._open_jobs: dict[Future[bytes], Job] = {}
        self.extractor: Extractor | None = None
        self.failure: BaseException | None = None
        metrics.watch(queue_size=lambda: self._queue.waiting, in_flight=lambda: len(self._open_jobs))

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
            QueueFullError: If not one more window may wait.
        """
        self.ready_extractor()
        self._queue.check_open()

    def submit(self, job: Job) -> Future[bytes]:
        """Puts the texts of one request in line; cancel the future to drop them.

        Raises:
            NotReadyError: See `ready_extractor`.
            QueueFullError: If they do not fit.
        """
        extractor = self.ready_extractor()
        self._queue.reserve(job)
        self._open_jobs[job.answer] = job
        # What the future holds must not lead back to the job: only a search for garbage would free both.
        job.answer.add_done_callback(self._close)
        self._tokenizing.submit(self._tokenize, job, extractor)
        if self.failure is not None:
            # The thread of the model died after the first look, and may have missed this job when it gave all up.
            job.fail(NotReadyError("the model's worker died before it could answer"))
        return job.answer

    def begin_drain(self) -> None:
        """Takes no new work; what was accepted is still answered."""
        if self._drain_began is None:
            self._drain_began = time.monotonic()
        self._queue.close()

    @property
    def draining(self) -> bool:
        """Whether the server is stopping."""
        return self._drain_began is not None

    @property
    def idle(self) -> bool:
        """True if everything accepted is answered."""
        return not self._open_jobs

    def stop(self, timeout_s: float) -> None:
        """Drains, and waits for a warm worker until `timeout_s` seconds after the draining began."""
        self.begin_drain()
        if self._warm.is_set() and self._drain_began is not None:
            self._thread.join(max(0.0, self._drain_began + timeout_s - time.monotonic()))
        for pool in (self._tokenizing, self._decoding):
            pool.shutdown(wait=False, cancel_futures=True)

    def _close(self, answer: Future[bytes]) -> None:
        self._queue.forget(self._open_jobs.pop(answer))

    def _tokenize(self, job: Job, extractor: Extractor) -> None:
        """First stage, in a thread of its own."""
        if job.answer.done():
            return
        try:
            if time.monotonic() >= job.deadline:
                raise OutOfTimeError("the time limit passed while the request waited to be tokenised")
            began = time.monotonic()
            tasks = job.split(extractor.prepare(job.documents))
            self._metrics.tokenize_duration.observe(time.monotonic() - began)
            if tasks:
                self._queue.put(job, tasks)
            else:
                self._decode(job, extractor)
        except Exception as error:
            job.fail(error)

    def _run(self) -> None:
        """Second stage, in the first thread that runs the model."""
        try:
            self.extractor = extractor = self._load()
            settings = self._settings
            threads = settings.model_threads or extractor.model_threads()
            extractor.share_cores(threads)
            overhead = self._warm_up(extractor) if settings.warmup else UNMEASURED_OVERHEAD_TOKENS
            bounds = (settings.batch_size, settings.max_batch_tokens, settings.max_batch_cells)
            budget = BatchBudget(*bounds, lru_cache(_LENGTHS_KEPT)(extractor.search_work), overhead)
            self._queue.consumers = threads
            ready, arguments = threading.Semaphore(0), (extractor, budget, threads)
            others = [
                threading.Thread(target=self._run_beside, args=(*arguments, ready), name=f"globalner-model-{number}")
                for number in range(2, threads + 1)
            ]
            for thread in others:
                thread.daemon = True
                thread.start()
            self._read_largest_batch(extractor, budget)
            for _ in others:
                ready.acquire()
            self._warm.set()
            self._take_batches(*arguments, beside=False)
            for thread in others:
                thread.join()
        except BaseException as error:
            self._die(error)

    def _run_beside(self, extractor: Extractor, budget: BatchBudget, threads: int, ready: threading.Semaphore) -> None:
        """A further thread that runs the model."""
        try:
            extractor.share_cores(threads)
            try:
                self._read_largest_batch(extractor, budget)
            finally:
                ready.release()
            self._take_batches(extractor, budget, threads, beside=True)
        except BaseException as error:
            self._die(error)

    def _take_batches(self, extractor: Extractor, budget: BatchBudget, threads: int, beside: bool) -> None:
        while batch := self._queue.take(budget, beside=beside):
            now = time.monotonic()
            for task in batch:
                self._metrics.queue_duration.observe(now - task.arrived)
            with self._counting:
                self._at_work += 1
                # OpenMP has threads of its own for each thread that calls, and once those are more than the cores they
                # sleep between operations; so only the first thread takes all cores.
                alone = not beside and self._at_work == 1 and not self._queue.waiting
            try:
                extractor.share_cores(1 if alone else threads)
                self._find(batch, extractor)
            finally:
                with self._counting:
                    self._at_work -= 1

    def _die(self, error: BaseException) -> None:
        if not isinstance(error, GlobalNerError):
            logger.error("the worker of the model has died", exc_info=error)
        self.failure = error
        self._queue.close()
        for job in list(self._open_jobs.values()):
            job.fail(NotReadyError("the model's worker died before it could answer"))

    def _warm_up(self, extractor: Extractor) -> int:
        """Reads a few texts; says how many tokens cost as much as a batch does by itself."""
        options = extractor.reading_options()
        for text in extractor.prepare(_WARMUP_TEXTS):
            extractor.decode(text, extractor.find(text.windows, options), options)
        return measured_overhead_tokens(extractor)

    def _read_largest_batch(self, extractor: Extractor, budget: BatchBudget) -> None:
        """Takes what load will take, now rather than then: too little memory shows at the start, and a GPU keeps it."""
        windows = extractor.prepare([_LONG_TEXT])[0].windows if self._settings.warmup else ()
        for window in windows[:1]:
            count = next(count for count in range(budget.max_windows, 0, -1) if budget.allows(count, len(window)))
            extractor.find([window] * count, extractor.reading_options())

    def _find(self, batch: Sequence[WindowTask], extractor: Extractor) -> None:
        """One call for all; if that fails, one call for each job, so that a text can only spoil its own request."""
        began = time.monotonic()
        try:
            found = extractor.find([task.window for task in batch], batch[0].job.options)
        except Exception as error:
            jobs = dict.fromkeys(task.job for task in batch)
            if len(jobs) == 1:
                batch[0].job.fail(error)
                return
            for job in jobs:
                self._find([task for task in batch if task.job is job], extractor)
            return
        elapsed = time.monotonic() - began
        self._queue.finished(len(batch), elapsed)
        self._metrics.batch([len(task) for task in batch], elapsed)
        for task, spans in zip(batch, found, strict=True):
            if task.job.take(task, spans):
                self._decoding.submit(self._decode, task.job, extractor)

    def _decode(self, job: Job, extractor: Extractor) -> None:
        """Last stage, in a thread of its own."""
        if job.answer.done():
            return
        try:
            began = time.monotonic()
            documents = [extractor.decode(text, found, job.options) for text, found in job.found()]
            body = job.render(documents)
            self._metrics.decode_duration.observe(time.monotonic() - began)
            self._metrics.results(documents)
            job.succeed(body)
        except Exception as error:
            job.fail(error)
