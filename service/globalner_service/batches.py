"""Which waiting windows go through the model together. Pure: the same windows give the same batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from globalner_service.jobs import WindowTask

__all__ = ["BatchBudget", "oldest_part", "plan_batches"]

# Under backlog so many batches' worth of the oldest windows are sorted by length: that bounds how long one may wait.
_BATCHES_AHEAD = 2
# A batch that is so many times what a batch costs by itself gains little by growing, and lets others wait.
_WORTHWHILE_OVERHEADS = 10


@dataclass(frozen=True)
class BatchBudget:
    """How large a batch may be. One window is let through whatever its size.

    Attributes:
        max_windows: Windows.
        max_tokens: Tokens, padding counted.
        max_cells: Scores that the search computes, over all windows.
        cells: Scores that the search computes for one window padded to a length in tokens.
        overhead_tokens: Tokens that cost as much as it costs to make a batch of its own.
    """

    max_windows: int
    max_tokens: int
    max_cells: int
    cells: Callable[[int], int]
    overhead_tokens: int

    def allows(self, windows: int, length: int) -> bool:
        """Whether so many windows, padded to `length` tokens, fit."""
        return windows == 1 or (
            windows <= self.max_windows
            and windows * length <= min(self.max_tokens, _WORTHWHILE_OVERHEADS * self.overhead_tokens)
            and windows * self.cells(length) <= self.max_cells
        )


def oldest_part(waiting: Iterable[WindowTask], budget: BatchBudget) -> list[WindowTask]:
    """The oldest windows, in order, up to what fills a few batches; all of them where that is not much."""
    windows = tokens = cells = 0

    def fits(task: WindowTask) -> bool:
        nonlocal windows, tokens, cells
        full = (
            windows >= _BATCHES_AHEAD * budget.max_windows
            or tokens >= _BATCHES_AHEAD * budget.max_tokens
            or cells >= _BATCHES_AHEAD * budget.max_cells
        )
        windows, tokens, cells = windows + 1, tokens + len(task), cells + budget.cells(len(task))
        return not full

    return list(takewhile(fits, waiting))


def plan_batches(tasks: Sequence[WindowTask], budget: BatchBudget) -> list[list[WindowTask]]:
    """Batches of windows that may share a search, each within the budget; the batch with the oldest window first.

    Args:
        tasks: Windows, the oldest first.
        budget: How large a batch may be.
    """
    alike: defaultdict[object, list[int]] = defaultdict(list)
    for number, task in enumerate(tasks):
        alike[task.job.options.search_key].append(number)
    batches: list[list[int]] = []
    for group in alike.values():
        batches += _cut(sorted(group, key=lambda number: -len(tasks[number])), tasks, budget)
    return [[tasks[number] for number in batch] for batch in sorted(batches, key=min)]


def _cut(order: Sequence[int], tasks: Sequence[WindowTask], budget: BatchBudget) -> list[list[int]]:
    """Cuts windows, longest first, where the next one would break the budget or cost more in padding than by itself."""
    batches: list[list[int]] = []
    longest = real = 0
    for number in order:
        length = len(tasks[number])
        together = len(batches[-1]) + 1 if batches else 0
        padding = together * longest - real - length
        if not together or padding > budget.overhead_tokens or not budget.allows(together, longest):
            batches.append([])
            longest, real = length, 0
        batches[-1].append(number)
        real += length
    return batches
