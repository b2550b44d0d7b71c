"""The line of accepted work: bounded and counted in windows, handed out in batches by cost."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence

from globalner_service.batches import BatchBudget, oldest_part, plan_batches
from globalner_service.errors import NotReadyError, OutOfTimeError, QueueFullError
from globalner_service.jobs import Job, WindowTask
from globalner_service.settings import flag

__all__ = ["WindowQueue"]

_LONGEST_RETRY_S = 60
_WEIGHT_OF_NEW = 0.2


class WindowQueue:
    """First come, first served, but for windows of like length that go together while there is a backlog.

    A job is taken or refused as a whole. Before its texts are tokenised it counts one window a text; an empty queue
    takes a job of any size.

    Several threads may take batches. What one of them can do alone is always done by the same one, the first.

    Args:
        max_windows: Windows that may wait.

    Attributes:
        consumers: Threads that take batches side by side.
    """

    def __init__(self, max_windows: int) -> None:
        self._max_windows = max_windows
        self._tasks: deque[WindowTask] = deque()
        self._planned: deque[list[WindowTask]] = deque()
        self._lock = threading.RLock()
        self._first, self._others = threading.Condition(self._lock), threading.Condition(self._lock)
        self._first_is_free, self._closed = True, False
        self._waiting = 0
        self._seconds_per_window = 0.0
        self.consumers = 1

    @property
    def waiting(self) -> int:
        """Windows that wait, those of texts not yet tokenised counted as one a text."""
        return self._waiting

    def check_open(self) -> None:
        """Says before anything is read of a request whether one more window may wait.

        Raises:
            NotReadyError: If the queue is closed.
            QueueFullError: If it is full.
        """
        # Without the lock: what speaks HTTP shall not wait here while batches are planned.
        self._check_open(1)

    def reserve(self, job: Job) -> None:
        """Accepts a job that is yet to be tokenised.

        Raises:
            NotReadyError: If the queue is closed.
            QueueFullError: If its texts do not fit.
        """
        with self._lock:
            self._check_open(len(job.documents))
            self._count(job, len(job.documents))

    def put(self, job: Job, tasks: Sequence[WindowTask]) -> None:
        """Puts the windows of a reserved job in line; those of a job that was given up are left out.

        Raises:
            QueueFullError: If they do not fit; the job counts no more.
        """
        now = time.monotonic()
        with self._lock:
            if job.answer.done():
                return
            others = self._waiting - job.queued
            if others and others + len(tasks) > self._max_windows:
                self._count(job, 0)
                raise self._full(len(tasks))
            self._count(job, len(tasks))
            for task in tasks:
                task.arrived = now
            self._tasks.extend(tasks)
            if len(self._tasks) > 2 * max(self._waiting, self._max_windows):
                # Jobs that were given up must not fill the memory while they wait for their turn.
                self._tasks = deque(task for task in self._tasks if not task.job.answer.done())
            self._wake_one()

    def take(self, budget: BatchBudget, *, beside: bool = False) -> list[WindowTask]:
        """Waits for work and gives the next batch at once, however small; empty once closed and drained.

        Windows of jobs that were given up are dropped here; those out of time fail.

        Args:
            budget: How large the batch may be.
            beside: For a thread beside the first, which gets nothing while the first one is free.
        """
        with self._lock:
            if not beside:
                self._first_is_free = True
            batch = self._take(budget, beside)
            if not beside:
                self._first_is_free = False
            self._wake_one()
            return batch

    def forget(self, job: Job) -> None:
        """Takes a job that is answered or given up out of the count; its windows are dropped when their turn comes."""
        with self._lock:
            self._count(job, 0)

    def finished(self, windows: int, elapsed_s: float) -> None:
        """Says how long the model took for so many windows."""
        with self._lock:
            self._seconds_per_window += _WEIGHT_OF_NEW * (elapsed_s / windows - self._seconds_per_window)

    def close(self) -> None:
        """Takes no more jobs; those inside are still handed out."""
        with self._lock:
            self._closed = True
            self._wake_all()

    def _take(self, budget: BatchBudget, beside: bool) -> list[WindowTask]:
        turn = self._others if beside else self._first
        while True:
            turn.wait_for(lambda: self._something_to_do() and not (beside and self._first_is_free and not self._closed))
            if not self._planned:
                oldest = oldest_part(self._tasks, budget)
                for _ in oldest:
                    self._tasks.popleft()
                self._planned.extend(plan_batches([task for task in oldest if self._is_wanted(task)], budget))
            while self._planned:
                wanted = [task for task in self._planned.popleft() if self._is_wanted(task)]
                # A later window may have found its job out of time.
                batch = [task for task in wanted if not task.job.answer.done()]
                for task in batch:
                    self._count(task.job, max(0, task.job.queued - 1))
                if batch:
                    return batch
            if self._closed and not self._waiting and not self._tasks:
                return []

    def _wake_one(self) -> None:
        if self._something_to_do():
            (self._first if self._first_is_free else self._others).notify()

    def _wake_all(self) -> None:
        self._first.notify_all()
        self._others.notify_all()

    def _something_to_do(self) -> bool:
        return bool(self._tasks or self._planned or (self._closed and not self._waiting))

    def _is_wanted(self, task: WindowTask) -> bool:
        if task.job.answer.done():
            return False
        if time.monotonic() < task.job.deadline:
            return True
        task.job.fail(OutOfTimeError("the time limit passed while the request waited for the model"))
        return False

    def _count(self, job: Job, windows: int) -> None:
        self._waiting += windows - job.queued
        job.queued = windows
        if self._closed and not self._waiting:
            self._wake_all()

    def _check_open(self, windows: int) -> None:
        if self._closed:
            raise NotReadyError("the server is stopping and takes no new work")
        if self._waiting and self._waiting + windows > self._max_windows:
            raise self._full(windows)

    def _full(self, windows: int) -> QueueFullError:
        seconds = math.ceil(self._waiting * self._seconds_per_window / self.consumers)
        return QueueFullError(
            f"{self._waiting} windows of text are waiting and {windows} more do not fit; "
            f"the limit is {self._max_windows} (server flag {flag('max_queue_windows')})",
            retry_after_s=min(max(1, seconds), _LONGEST_RETRY_S),
        )
