"""Whether and when to ask again. Pure: the clients do the waiting."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["RetryPolicy"]

_STATUSES = frozenset({429, 502, 503})


@dataclass(frozen=True)
class RetryPolicy:
    """Asking again after 429, 502, 503 and broken connections: reading a text twice changes nothing.

    The service says with `Retry-After` when it makes sense; else the wait doubles from try to try, with chance in
    it, so that many clients do not come back at once.

    Attributes:
        tries: How often to ask in all; 1 for never again.
        first_wait_s: The longest wait before the second try.
        longest_wait_s: The longest wait before any; where the service asks for more, its error is given at once.
        chance: A number from 0 to 1; for tests.
    """

    tries: int = 4
    first_wait_s: float = 0.25
    longest_wait_s: float = 60.0
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def wait_after_break_s(self, tried: int) -> float | None:
        """Seconds to wait after a connection that broke in try number `tried`, from 1; None: give up."""
        if tried >= self.tries:
            return None
        wait_s: float = min(self.longest_wait_s, self.first_wait_s * 2 ** (tried - 1))
        return wait_s * (0.5 + 0.5 * self.chance())

    def wait_after_answer_s(self, status: int, headers: Mapping[str, str], tried: int) -> float | None:
        """Seconds to wait after an answer to try number `tried`, from 1; None: it is final."""
        if status not in _STATUSES or tried >= self.tries:
            return None
        asked_s = _retry_after_s(headers.get("retry-after", ""))
        if asked_s is None:
            return self.wait_after_break_s(tried)
        return asked_s if asked_s <= self.longest_wait_s else None


def _retry_after_s(value: str) -> float | None:
    """`Retry-After` in seconds: it holds a number of them, or a date."""
    if value.isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
