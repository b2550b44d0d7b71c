"""Names that a layer can be told: an unknown one is refused with the nearest that exists."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from globalner.errors import ConfigError

__all__ = ["check_option"]


def check_option(name: str, value: str, known: Iterable[str]) -> None:
    """Makes sure that an option is one of those that there are.

    Args:
        name: What the option is called.
        value: What was given.
        known: Every value that it may have.

    Raises:
        ConfigError: If it is none of them; the message names the nearest one, and all.
    """
    choices = list(known)
    if value in choices:
        return
    near = get_close_matches(value, choices, n=1, cutoff=0.5) if isinstance(value, str) else []
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ConfigError(f"there is no {name} {value!r}{hint}; there are: {', '.join(choices)}")
