"""Names of files for documents, for formats that are a folder with files for each document."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["DocumentFiles", "natural_order"]

# Control characters, halves of characters, and what some file system has another use for.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"\\|?*\ud800-\udfff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_DIGITS = re.compile(r"([0-9]+)")
_MAX_PART_BYTES = 120
_MAX_PATH_BYTES = 600


class DocumentFiles:
    """Gives each document of a folder a path of its own, without suffix: its id as far as that is a safe one.

    `/` in an id makes folders. No path leaves the folder or is hidden, and no two differ in case only.

    Args:
        suffixes: Of the files, lower case with the dot; no folder gets a name that ends so.
    """

    def __init__(self, suffixes: tuple[str, ...]) -> None:
        self._suffixes = suffixes
        self._taken: dict[str, int] = {}
        self._number = 0

    def path(self, name: str | None) -> str:
        """The path of the next document, parts joined with `/`.

        Args:
            name: The document's id; one without gets its number in the file.
        """
        self._number += 1
        safe = f"{self._number:06d}" if name is None else self._safe_path(name)
        path, key = safe, _key(safe)
        while _key(path) in self._taken:
            self._taken[key] += 1
            path = f"{safe}_{self._taken[key]}"
        self._taken[_key(path)] = 1
        return path

    def _safe_path(self, name: str) -> str:
        if len(name.encode("utf-8", "replace")) > _MAX_PATH_BYTES:
            return _safe(name.replace("/", "_"))
        *folders, last = map(_safe, name.split("/"))
        return "/".join([*(self._folder(part) for part in folders), last])

    def _folder(self, part: str) -> str:
        return part + "_" if part.lower().endswith(self._suffixes) else part


def natural_order(name: str) -> list[str | int]:
    """A key to sort names by, runs of digits by their value: 2 before 10."""
    return [int(part) if index % 2 else part for index, part in enumerate(_DIGITS.split(name))]


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _safe(part: str) -> str:
    safe = _UNSAFE.sub("_", part)
    if not safe or safe.startswith("."):
        safe = "_" + safe[1:]
    if safe.endswith((".", " ")):
        safe = safe[:-1] + "_"
    if _RESERVED.match(safe):
        safe = "_" + safe
    return safe.encode("utf-8")[:_MAX_PART_BYTES].decode("utf-8", "ignore")
