"""A folder of windows that were made before, so that the same documents are not tokenized again.

Each set of windows is a folder named by what it was made from. It is written under another name and renamed when it is
whole: a process that is killed leaves nothing that could be read, and of two that make the same set at once the first
one's stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
import unicodedata
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from globalner.data.gold_windows import WindowRules, write_windows
from globalner.data.report import Report
from globalner.data.window_store import WindowStore
from globalner.errors import OutputError
from globalner.types import Document

__all__ = ["WindowCache", "default_cache_folder"]

_LAYOUT = 1
"""To be counted up whenever other windows are made from the same, or files look another way."""
_FILES = ("tokens.bin", "windows.bin", "gold.bin")
_INDEX = "index.json"
_DAY_S = 86_400.0
_KEPT_DAYS, _UNFINISHED_DAYS = 30, 2


def default_cache_folder() -> Path:
    """`GLOBALNER_CACHE` if it is set, else globalner's folder among the caches of the user."""
    if given := os.environ.get("GLOBALNER_CACHE"):
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("globalner", appauthor=False)


class WindowCache:
    """Windows on disk, made where they are not there yet.

    Args:
        folder: Where all sets of windows lie; made if need be. Sets that were not used for 30 days are deleted when
            another one is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "windows"

    def windows(
        self,
        documents: Iterable[Document],
        digest: str,
        rules: WindowRules,
        report: Report,
        expanded: Report | None = None,
    ) -> tuple[WindowStore, bool]:
        """The windows of documents.

        Args:
            documents: The documents, read once if their windows are not there.
            digest: Of the documents; see `survey_documents`.
            rules: How they become windows.
            report: Takes each entity that cannot be kept, whether the windows were there or not.
            expanded: Takes each that is expanded to the edges of its tokens, likewise; None: none is.

        Returns:
            The windows, and whether they were there.

        Raises:
            OutputError: If the folder cannot be written to.
        """
        expands = expanded is not None
        path = self.folder / _key(digest, rules, expands=expands)
        found = self._opened(path, rules)
        if found is None:
            self._make(path, documents, rules, expands=expands)
            made = self._opened(path, rules)
            if made is None:
                raise OutputError(f"{path}: was changed or deleted while it was made; try again")
            store, *told = made
        else:
            store, *told = found
        report.merge(told[0])
        if expanded is not None:
            expanded.merge(told[1])
        return store, found is not None

    def _opened(self, path: Path, rules: WindowRules) -> tuple[WindowStore, Report, Report] | None:
        """None where there are none, or they are damaged."""
        index = _index(path)
        if index is None:
            return None
        try:
            os.utime(path / _INDEX)
            store = WindowStore.from_folder(path, _FILES, rules.frame)
        except FileNotFoundError:  # deleted meanwhile
            return None
        return store, _report(index["report"]), _report(index["expanded"])

    def _make(self, path: Path, documents: Iterable[Document], rules: WindowRules, *, expands: bool) -> None:
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            partial.mkdir(parents=True)
            self._forget_old()
            _write(partial, documents, rules, expands=expands)
            _put_in_place(partial, path)
        except OSError as error:
            message = f"{self.folder}: windows cannot be kept here: {error.strerror or error}"
            raise OutputError(f"{message}; set GLOBALNER_CACHE to another folder, or use training.cache=off") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _forget_old(self) -> None:
        now = time.time()
        for entry in self.folder.iterdir():
            unfinished = entry.name.endswith(".part")
            days = _UNFINISHED_DAYS if unfinished else _KEPT_DAYS
            try:
                used = entry.stat() if unfinished else (entry / _INDEX).stat()
            except OSError:  # another process deletes them too
                continue
            if now - used.st_mtime > days * _DAY_S:
                shutil.rmtree(entry, ignore_errors=True)


def _key(digest: str, rules: WindowRules, *, expands: bool) -> str:
    """Says all that the windows depend on."""
    size, tokenizer = rules.size, rules.tokenizer
    parts: dict[str, object] = {
        "layout": _LAYOUT,
        "documents": digest,
        "tokenizer": tokenizer.description(),
        "expands": expands,
        "labels": rules.labels.names,
        "window_tokens": size.window_tokens,
        "overlap_tokens": size.overlap_tokens,
        "max_span_tokens": size.max_span_tokens,
        "context": [size.context.kind, size.context.tokens],
        "versions": [version("tokenizers"), unicodedata.unidata_version, version("globalner")],
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write(folder: Path, documents: Iterable[Document], rules: WindowRules, *, expands: bool) -> None:
    report, expanded = Report(), Report()
    tokens, table, gold = ((folder / name).open("xb", buffering=1 << 20) for name in _FILES)
    with tokens, table, gold:
        write_windows(documents, rules, (tokens, table, gold), report, expanded if expands else None)
        for file in (tokens, table, gold):
            file.flush()
            os.fsync(file.fileno())
    sizes = [(folder / name).stat().st_size for name in _FILES]
    index = {"sizes": sizes, "report": _told(report), "expanded": _told(expanded)}
    (folder / _INDEX).write_text(json.dumps(index, ensure_ascii=True), encoding="utf-8")


def _put_in_place(partial: Path, path: Path) -> None:
    """Renames the folder; where one with files is there already, another process was first, or it is damaged."""
    for _ in range(2):
        try:
            partial.rename(path)
        except OSError:
            if not path.is_dir():
                raise
            if _index(path) is not None:
                return
            shutil.rmtree(path, ignore_errors=True)
        else:
            return


def _index(path: Path) -> dict[str, Any] | None:
    """What is known of the windows in a folder; None where they are not whole."""
    try:
        index: dict[str, Any] = json.loads((path / _INDEX).read_text(encoding="utf-8"))
        whole = [(path / name).stat().st_size for name in _FILES] == index["sizes"]
        whole = whole and {"report", "expanded"} <= index.keys()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return index if whole else None


def _told(report: Report) -> dict[str, Any]:
    return {"counts": report.counts, "examples": report.examples, "notes": report.notes}


def _report(told: dict[str, Any]) -> Report:
    report = Report()
    report.counts, report.examples, report.notes = told["counts"], told["examples"], told["notes"]
    return report
