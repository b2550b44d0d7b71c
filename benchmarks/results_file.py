"""CSV files of results. Rows are appended or take the place of older ones; each says on what it was measured."""

from __future__ import annotations

import csv
import io
import os
import platform
import subprocess
from collections.abc import Callable, Hashable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

__all__ = ["RESULTS", "append_row", "append_rows", "processor", "provenance", "read_rows", "replace_rows"]

RESULTS = Path(__file__).resolve().parent / "results"
_MEASURED = ("globalner", "service", "configs", "benchmarks", "pyproject.toml", "constraints.txt")


def provenance() -> dict[str, str]:
    """Machine, versions and commit, for a row."""
    packages = ("torch", "transformers", "pytorch-lightning", "tokenizers", "numpy")
    return {
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "versions": "; ".join(
            [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]
        ),
        "commit": _commit(),
    }


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows that are there, in order; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Appends a row; see `append_rows`."""
    append_rows(path, [row])


def append_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Appends rows at once, numbers with four places behind the point; the first row makes the heading.

    Raises:
        ValueError: If the file has other columns.
    """
    there = read_rows(path)
    for row in rows:
        _check_columns(path, there, row)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    if not there:
        writer.writeheader()
    writer.writerows(map(_written, rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def replace_rows(
    path: Path, rows: Sequence[Mapping[str, object]], key: Callable[[Mapping[str, object]], Hashable]
) -> None:
    """Puts each row where the one with its key stands, or at the end; numbers as `append_row` writes them.

    Raises:
        ValueError: If the file has other columns.
    """
    old = read_rows(path)
    for row in rows:
        _check_columns(path, old, row)
    table: dict[Hashable, Mapping[str, object]] = {key(row): row for row in old}
    table |= {key(row): _written(row) for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(table.values())
    fresh.replace(path)


def _check_columns(path: Path, rows: Sequence[Mapping[str, str]], row: Mapping[str, object]) -> None:
    if rows and list(rows[0]) != list(row):
        raise ValueError(f"{path} has the columns {list(rows[0])}, not {list(row)}")


def _written(row: Mapping[str, object]) -> dict[str, object]:
    return {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in row.items()}


def processor() -> str:
    """What the machine calls its processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit, with `+` behind it where what is measured differs from it.

    On a machine without git, or without the history, GLOBALNER_COMMIT says it.
    """
    if given := os.environ.get("GLOBALNER_COMMIT"):
        return given
    root = RESULTS.parent.parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", *_MEASURED, ":!benchmarks/results")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
