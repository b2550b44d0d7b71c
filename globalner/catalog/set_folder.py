"""The folder of a data set: it appears whole or not at all, and several may ask for it at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from globalner.catalog.checks import check_file
from globalner.config import DataCard, FileCheck, dump_card, read_card
from globalner.errors import ConfigError, DataError, OutputError

__all__ = ["CARD_FILE", "README_FILE", "SetFolder", "kept_files"]

CARD_FILE = "card.yaml"
"""The card of a set in its folder, with the length and SHA-256 of every file as they were found."""

README_FILE = "README.globalner.md"
"""What a person reads first in the folder of a set."""


def kept_files(card: DataCard) -> list[FileCheck]:
    """The files of a card that lie in the set's folder: those of archives, not the archives."""
    return [part for file in card.files for part in (file.holds if file.unpack else [file])]


class SetFolder:
    """The folder that a set is put in, and what lies beside it while it is made.

    Downloads are kept in `.NAME.part` beside the folder until it is whole, so that the next attempt goes on with them.

    Args:
        target: The folder.
    """

    def __init__(self, target: Path) -> None:
        self.target = Path(os.path.abspath(target))
        self.partial = self.target.with_name(f".{self.target.name}.part")
        self._lock = self.target.with_name(f".{self.target.name}.lock")

    @property
    def downloads(self) -> Path:
        """Where downloads are kept until the set is whole."""
        return self.partial / "downloads"

    @property
    def draft(self) -> Path:
        """The set as it is being put together."""
        return self.partial / "set"

    @contextmanager
    def locked(self, note: Callable[[str], object]) -> Iterator[None]:
        """Keeps other processes from making this folder; waits while another one makes it.

        Args:
            note: Told once if there is something to wait for.

        Raises:
            OutputError: If nothing can be written there.
        """
        lock = FileLock(self._lock)
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                note(f"another process is making {self.target}; waiting for it")
                lock.acquire()
        except OSError as error:
            raise OutputError(f"{self.target}: cannot be written: {error.strerror or error}") from error
        try:
            yield
        finally:
            if not self.partial.exists():
                self._lock.unlink(missing_ok=True)
            lock.release()

    def finished_card(self, card: DataCard) -> DataCard | None:
        """The card in the folder, if the whole set is there already and is what the catalogue's card means.

        Args:
            card: The card of the catalogue.

        Raises:
            OutputError: If something else is there.
        """
        if not self.target.exists() or (self.target.is_dir() and not any(self.target.iterdir())):
            return None
        way_out = "move it away, or name another folder with --output-dir"
        if not (self.target / CARD_FILE).is_file():
            raise OutputError(f"{self.target} is there already, and globalner did not make it; {way_out}")
        try:
            found = read_card(self.target / CARD_FILE)
            if found.name != card.name:
                raise OutputError(f"{self.target} holds the set {found.name!r}; {way_out}")
            for file in kept_files(found):
                check_file(self.target / file.path, file)
        except (ConfigError, DataError) as error:
            raise OutputError(f"{self.target} is there already, but not as it was made: {error}; {way_out}") from error
        if changed := _changes(card, found):
            raise OutputError(f"{self.target} holds another version of the set ({', '.join(changed)}); {way_out}")
        return found

    def start(self) -> None:
        """Makes room for a new set; downloads of an earlier attempt stay.

        Raises:
            OutputError: If that cannot be.
        """
        try:
            shutil.rmtree(self.draft, ignore_errors=True)
            self.downloads.mkdir(parents=True, exist_ok=True)
            self.draft.mkdir()
        except OSError as error:
            raise OutputError(f"{self.partial}: cannot be written: {error.strerror or error}") from error

    def finish(self, card: DataCard, readme: str) -> None:
        """Puts the set in its place, with its card and a page about it; nothing of the way there is left.

        Args:
            card: The card, with the files as they were found.
            readme: The text of the page.

        Raises:
            OutputError: If that cannot be.
        """
        try:
            (self.draft / CARD_FILE).write_text(dump_card(card), "utf-8")
            (self.draft / README_FILE).write_text(readme, "utf-8")
            if self.target.is_dir():
                self.target.rmdir()  # an empty folder
            self.draft.rename(self.target)
        except OSError as error:
            raise OutputError(f"{self.target}: cannot be written: {error.strerror or error}") from error
        shutil.rmtree(self.partial, ignore_errors=True)

    def give_up(self) -> None:
        """Throws away the draft; downloads stay, if there are any."""
        shutil.rmtree(self.draft, ignore_errors=True)
        if self.partial.is_dir() and not any(path.is_file() for path in self.downloads.rglob("*")):
            shutil.rmtree(self.partial, ignore_errors=True)


def _changes(card: DataCard, found: DataCard) -> list[str]:
    """Files that the card of the catalogue knows to be others than those found."""
    there = {part.path: part for file in found.files for part in (file, *file.holds)}
    wanted = [part for file in card.files for part in (file, *file.holds) if part.sha256 is not None]
    return [part.path for part in wanted if part.path in there and there[part.path].sha256 != part.sha256]
