"""API keys: only their digests are kept, and comparing takes the same time whatever is right about a guess."""

from __future__ import annotations

import hashlib
import hmac
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from globalner.errors import ConfigError

__all__ = ["ApiKeys", "read_key_file"]

_SHORTEST_KEY = 16
_ALLOWED = frozenset(string.ascii_letters + string.digits + string.punctuation) - {","}


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The keys that open a server.

    Attributes:
        digests: SHA-256 of each key. Keys are long and random, so that no slow hash is needed.
    """

    digests: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, keys: Iterable[str]) -> ApiKeys:
        """The digests of some keys.

        Raises:
            ConfigError: If a key is too short or holds a character that does not travel in a header.
        """
        return cls(tuple(dict.fromkeys(_digest(_checked(key)) for key in keys)))

    def name_of(self, key: str) -> str | None:
        """A short name for logs and limits if the key is one of these, else None."""
        digest, found = _digest(key), None
        for known in self.digests:
            if hmac.compare_digest(known, digest):
                found = known.hex()[:8]
        return found

    def __len__(self) -> int:
        return len(self.digests)


def read_key_file(path: str | Path) -> list[str]:
    """Keys of a file, one a line; empty lines and lines that begin with `#` are left out.

    Raises:
        ConfigError: If it cannot be read or holds no key.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path}: cannot read the file of API keys: {reason}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise ConfigError(f"{path}: the file of API keys holds no key; write one a line")
    return keys


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _checked(key: str) -> str:
    """The key itself is never part of the message."""
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(
            f"an API key has {len(key)} characters; use at least {_SHORTEST_KEY}, such as the output of: "
            "openssl rand -hex 32"
        )
    if not _ALLOWED.issuperset(key):
        raise ConfigError("an API key holds a blank, a comma or a character outside ASCII; use printable ASCII only")
    return key
