"""CSV files of results: rows are appended, and each says on what and of what it was measured."""

from __future__ import annotations

import csv
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

__all__ = ["RESULTS", "append_row", "provenance", "read_rows"]

RESULTS = Path(__file__).resolve().parent / "results"
_MEASURED = ("globalner", "configs", "benchmarks", "pyproject.toml", "constraints.txt")


def provenance() -> dict[str, str]:
    """Machine, versions and commit, for a row."""
    packages = ("torch", "transformers", "pytorch-lightning", "tokenizers", "numpy")
    return {
        "machine": f"{os.cpu_count()} cores, {_processor()}",
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
    """Appends a row, numbers with four significant places behind the point; the first row makes the heading.

    Raises:
        ValueError: If the file has other columns.
    """
    rows = read_rows(path)
    if rows and list(rows[0]) != list(row):
        raise ValueError(f"{path} has the columns {list(rows[0])}, not {list(row)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if not rows:
            writer.writeheader()
        writer.writerow({name: f"{value:.4f}" if isinstance(value, float) else value for name, value in row.items()})


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit, with `+` behind it where what is measured differs from it."""
    root = RESULTS.parent.parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", *_MEASURED, ":!benchmarks/results")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
