"""What a difference between two systems is worth: its 95 % interval over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Difference", "paired_difference"]

# Two-sided 95 % points of Student's t, by degrees of freedom.
_T95: tuple[float, ...] = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_T95 += (2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093)


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences.

    Attributes:
        mean: The mean.
        half_width: Of its 95 % interval, half; None for a single pair, which says nothing of its spread.
        pairs: How many there are.
    """

    mean: float
    half_width: float | None
    pairs: int

    @property
    def verdict(self) -> str:
        """ "yes" where the interval lies above zero, "the reverse" where below, else "not shown"."""
        if self.half_width is None or abs(self.mean) <= self.half_width:
            return "not shown"
        return "yes" if self.mean > 0 else "the reverse"

    def __str__(self) -> str:
        if self.half_width is None:
            return f"{self.mean:+.2f} (one seed)"
        return f"{self.mean:+.2f} [{self.mean - self.half_width:+.2f}, {self.mean + self.half_width:+.2f}]"


def paired_difference(ours: Mapping[int, float], others: Mapping[int, float]) -> Difference | None:
    """Of the seeds that both have; None where there is none.

        mean(d) +- t(n - 1) sd(d) / sqrt(n),   d: our value less the other's, of one seed

    Args:
        ours: Values by seed.
        others: Values by seed.

    Raises:
        ValueError: If there are more than 20 pairs.
    """
    return _interval([ours[seed] - others[seed] for seed in sorted(ours.keys() & others.keys())])


def _interval(differences: Sequence[float]) -> Difference | None:
    count = len(differences)
    if not count:
        return None
    mean = statistics.fmean(differences)
    if count == 1:
        return Difference(mean, None, 1)
    if count - 1 > len(_T95):
        raise ValueError(f"t is known for at most {len(_T95) + 1} pairs; got {count}")
    return Difference(mean, _T95[count - 2] * statistics.stdev(differences) / math.sqrt(count), count)
