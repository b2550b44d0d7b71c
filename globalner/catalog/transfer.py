"""Downloads that survive cut connections: what is here already is kept, the rest is asked for, the whole is checked."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from globalner.catalog.checks import check_file
from globalner.catalog.http_get import Answer, CutError, NothingLeft, open_rest
from globalner.config import FileCheck
from globalner.errors import DataError, DownloadError, OutputError

__all__ = ["Transfer", "TransferLimits", "download"]

_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class TransferLimits:
    """How patient a download is.

    Attributes:
        timeout_s: Longest wait for the connection and for each piece of the answer, in seconds.
        attempts: How many times in a row it may fail without getting further.
        wait_s: Pause after the first failure, in seconds; doubled after each further one.
        longest_wait_s: Longest such pause, in seconds.
        slow_s: Span of time in which at least `slow_bytes` have to arrive, in seconds.
        slow_bytes: What has to arrive in that time.
        max_bytes: Longest file that is taken, in bytes.
    """

    timeout_s: float = 30.0
    attempts: int = 5
    wait_s: float = 1.0
    longest_wait_s: float = 30.0
    slow_s: float = 60.0
    slow_bytes: int = 1 << 16
    max_bytes: int = 1 << 34


def _ignore(*_: object) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Transfer:
    """How downloads are made and whom they tell.

    Attributes:
        limits: How patient they are.
        progress: Takes the name of a file, its bytes that are here, and its length if known.
        note: Takes a line for people: what went wrong on the way.
    """

    limits: TransferLimits = TransferLimits()
    progress: Callable[[str, int, int | None], object] = _ignore
    note: Callable[[str], object] = _ignore


def download(url: str, target: Path, expected: FileCheck, transfer: Transfer | None = None) -> FileCheck:
    """Downloads a file, which appears whole and checked, or not at all.

    What was got before the connection was lost stays beside it (`NAME.part`), and the next call goes on from there.

    Args:
        url: A web address.
        target: The file to make; its folder must exist.
        expected: What is known of the file.
        transfer: How it is done; None for the usual way.

    Returns:
        The file as it is.

    Raises:
        DownloadError: If the server refuses, is out of reach, or sends something else than what is expected; then
            nothing of it is kept.
        OutputError: If the file cannot be written.
    """
    partial = _Partial(target.with_name(f"{target.name}.part"), url)
    one = _Download(url, partial, expected, transfer or Transfer())
    try:
        found = one.run()
        partial.path.replace(target)
        partial.forget()
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    return found


class _Partial:
    """The bytes that are here already, and which version of the file they are of."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url
        self._about = path.with_name(f"{path.name}.json")

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def validator(self) -> str | None:
        try:
            about = json.loads(self._about.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        same = isinstance(about, dict) and about.get("url") == self.url
        return str(about["validator"]) if same and about.get("validator") else None

    def begin(self, validator: str | None) -> None:
        """Throws away what is here; the bytes to come are of this version."""
        self.forget()
        self._about.write_text(json.dumps({"url": self.url, "validator": validator}), "utf-8")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


class _Download:
    def __init__(self, url: str, partial: _Partial, expected: FileCheck, transfer: Transfer) -> None:
        self.url, self.partial, self.expected, self.transfer = url, partial, expected, transfer
        self.went_on = False  # whether bytes of an earlier answer are part of the file

    def run(self) -> FileCheck:
        again = False
        while True:
            self._fetch()
            try:
                return check_file(self.partial.path, self.expected)
            except DataError as error:
                self.partial.forget()
                if again or not self.went_on:
                    raise DownloadError(
                        f"{self.url}: the file {error.message}. It was thrown away: either it was damaged on the way, "
                        "or its owner has changed it since the card was written"
                    ) from None
                # The two parts may be of two versions of the file.
                self.transfer.note(f"{self.expected.path}: pieces do not fit together; from the start")
                again = True

    def _fetch(self) -> None:
        limits, failures = self.transfer.limits, 0
        while True:
            before = self.partial.size_bytes
            try:
                self._take_rest()
                return
            except CutError as cut:
                got_further = self.went_on and self.partial.size_bytes > before and not cut.slow
                failures = 1 if got_further else failures + 1
                if failures >= limits.attempts:
                    raise DownloadError(f"{self.url}: {cut}; {self._what_is_kept()}") from None
                pause = max(min(limits.wait_s * 2 ** (failures - 1), limits.longest_wait_s), cut.wait_s)
                self.transfer.note(f"{self.expected.path}: {cut}; again in {pause:.0f} s")
                time.sleep(pause)

    def _what_is_kept(self) -> str:
        size = self.partial.size_bytes
        kept = f"the first {size:,} bytes are kept, " if size else ""
        return f"{kept}run the same command again to go on"

    def _take_rest(self) -> None:
        have, validator = self.partial.size_bytes, self.partial.validator
        if have and (have == self.expected.size_bytes and self.expected.sha256):
            self.went_on = True
            return
        known = validator is not None or self.expected.sha256 is not None
        if have and (not known or have > (self.expected.size_bytes or have)):
            self.partial.forget()
            have = 0
        try:
            answer = open_rest(self.url, start=have, validator=validator, timeout_s=self.transfer.limits.timeout_s)
        except NothingLeft as all_there:
            if have and (all_there.total == have or (all_there.total is None and self.expected.sha256)):
                self.went_on = True
                return
            self.partial.forget()
            raise CutError(f"the server says that nothing is behind the first {have:,} bytes") from None
        try:
            self._take(answer, have)
        finally:
            answer.close()

    def _take(self, answer: Answer, have: int) -> None:
        if answer.start not in (0, have):
            self.partial.forget()
            raise CutError("the server sent another part than the one asked for")
        self.went_on = answer.start > 0
        if not answer.start:
            self.partial.begin(None if answer.gzipped else answer.validator)
            if have:
                self.transfer.note(f"{self.expected.path}: the server gives no rest of it; from the start")
        total = None
        if answer.body_bytes is not None and not answer.gzipped:
            total = answer.start + answer.body_bytes
            self._check_length(total, answer.start)
        try:
            self._copy(answer, total or self.expected.size_bytes)
        except CutError:
            if answer.gzipped:  # places in the packed body say nothing about places in the file
                self.partial.forget()
            raise

    def _check_length(self, total: int, start: int) -> None:
        expected = self.expected.size_bytes
        if expected is not None and total != expected:
            self.partial.forget()
            raise DownloadError(
                f"{self.url}: the server has {total:,} bytes, but the card says {expected:,}; "
                "its owner has changed the file since the card was written"
            )
        self._check_limit(total)
        if total - start > shutil.disk_usage(self.partial.path.parent).free:
            raise OutputError(f"{self.partial.path.parent}: no room for {total - start:,} bytes more")

    def _check_limit(self, size: int) -> None:
        limit = self.expected.size_bytes or self.transfer.limits.max_bytes
        if size > limit:
            self.partial.forget()
            raise DownloadError(f"{self.url}: is longer than the {limit:,} bytes that are expected at most")

    def _copy(self, answer: Answer, total: int | None) -> None:
        left, size = answer.body_bytes, answer.start
        unpacked = _Gunzip() if answer.gzipped else None
        pace = _Pace(self.transfer.limits)
        with self.partial.path.open("ab") as file:
            while left is None or left > 0:
                block = answer.read(_BLOCK_BYTES if left is None else min(_BLOCK_BYTES, left))
                if not block:
                    break
                left = None if left is None else left - len(block)
                pace.saw(len(block))
                for piece in [block] if unpacked is None else unpacked.pieces(block):
                    size += len(piece)
                    self._check_limit(size)
                    file.write(piece)
                self.transfer.progress(self.expected.path, size, total)
        if left or (unpacked is not None and not unpacked.ended):
            missing = f"{left:,} bytes before the end" if left else "before the end"
            raise CutError(f"the connection was closed {missing}")


class _Gunzip:
    """Unpacks a body as it comes, in pieces of bounded size."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def pieces(self, block: bytes) -> Iterator[bytes]:
        while block:
            try:
                yield self._decoder.decompress(block, _BLOCK_BYTES)
            except zlib.error as error:
                raise CutError(f"the body is not the gzip that the server calls it ({error})") from error
            block = self._decoder.unconsumed_tail


class _Pace:
    """Notices a server that keeps the connection open and sends next to nothing."""

    def __init__(self, limits: TransferLimits) -> None:
        self.limits, self.since, self.bytes = limits, time.monotonic(), 0

    def saw(self, count: int) -> None:
        self.bytes += count
        if (spent := time.monotonic() - self.since) < self.limits.slow_s:
            return
        if self.bytes < self.limits.slow_bytes:
            raise CutError(f"the server sent only {self.bytes:,} bytes in {spent:.1f} s", slow=True)
        self.since, self.bytes = time.monotonic(), 0
