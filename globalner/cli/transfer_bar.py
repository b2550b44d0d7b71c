"""Progress of downloads: a bar for each file on a terminal, a line for each one elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from globalner.cli.console import Console

__all__ = ["transfer_bar"]


@contextmanager
def transfer_bar(console: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """Shows how far downloads are.

    Args:
        console: Where the verb writes.

    Yields:
        A function that takes the name of a file, its bytes that are here, and its length in bytes if known.
    """
    if not console.draws_progress:
        seen: set[str] = set()

        def line(name: str, _: int, total: int | None) -> None:
            if name not in seen:
                seen.add(name)
                console.note(f"{name}: {f'{total:,} bytes' if total is not None else 'of unknown length'}")

        yield line
        return
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=RichConsole(file=sys.stderr), transient=True) as progress:
        tasks = {}

        def advance(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield advance
