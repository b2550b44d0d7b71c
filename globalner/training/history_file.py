"""history.csv: a row per evaluation, written as it comes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HistoryFile"]


@dataclass(frozen=True)
class HistoryFile:
    """A CSV file that grows by rows.

    Attributes:
        path: The file.
        columns: Names of its columns; one of them counts up from row to row.
    """

    path: Path
    columns: tuple[str, ...]

    def begin(self, counter: str, last: int) -> None:
        """Starts the file, or takes out rows of a run that goes on.

        Args:
            counter: The column that counts up.
            last: Its value in the last row that is kept.
        """
        rows = []
        if self.path.exists():
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row[counter]) <= last]
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(rows)

    def append(self, row: Sequence[int | float]) -> None:
        """Adds a row; the file is closed behind it, so that it is there for whoever looks."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row])
