"""How every verb speaks: results on stdout; notes, progress and errors on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

__all__ = ["Console", "print_error"]


class Console:
    """Where a verb writes.

    Args:
        quiet: Leaves out notes and progress.
        debug: Shows the log of all libraries.
    """

    def __init__(self, *, quiet: bool = False, debug: bool = False) -> None:
        self.quiet = quiet
        if debug:
            logging.basicConfig(level=logging.DEBUG)

    @property
    def draws_progress(self) -> bool:
        """Whether a progress bar makes sense: a person is watching and did not ask for quiet."""
        return not self.quiet and sys.stderr.isatty()

    def note(self, text: str) -> None:
        """A line for people on the way to the result, on stderr; nothing if quiet."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def quiet_libraries(self) -> None:
        """Keeps transformers from drawing its own progress bars and advice between our lines."""
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        if not logging.getLogger().isEnabledFor(logging.DEBUG):
            transformers_logging.set_verbosity_error()

    @contextmanager
    def counter(self, what: str) -> Iterator[Callable[[int], None]]:
        """Counts work that has no known end: a line that moves on a terminal, nothing elsewhere.

        Args:
            what: What is counted, in the plural.

        Yields:
            A function that takes how many are done since its last call.
        """
        if not self.draws_progress:
            yield lambda _: None
            return
        from rich.console import Console as RichConsole
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=RichConsole(file=sys.stderr), transient=True) as progress:
            task = progress.add_task(what, total=None)
            yield lambda done: progress.advance(task, done)

    def result(self, text: str) -> None:
        """Lines of the result, on stdout."""
        print(text)

    def json(self, value: object) -> None:
        """The result as JSON, on stdout."""
        print(json.dumps(value, ensure_ascii=False, indent=2))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, on_stderr: bool = False) -> None:
        """A table: numbers to the right; as wide as it needs to be where no terminal limits it.

        Args:
            columns: Their heads.
            rows: Cells of each row.
            on_stderr: Whether it is a note or belongs to an error, rather than the result.
        """
        from rich.box import SIMPLE_HEAD
        from rich.console import Console as RichConsole
        from rich.table import Table

        stream = sys.stderr if on_stderr else sys.stdout
        table = Table(box=SIMPLE_HEAD)
        for index, column in enumerate(columns):
            # A number may be missing here and there.
            cells = [row[index] for row in rows if row[index]]
            numeric = bool(cells) and all(
                cell.strip("%+-").replace(".", "").replace(",", "").isdigit() for cell in cells
            )
            table.add_column(column, justify="right" if numeric else "left", no_wrap=not stream.isatty())
        for row in rows:
            table.add_row(*row)
        width = None if stream.isatty() else 10_000
        RichConsole(file=stream, width=width, markup=False, highlight=False).print(table)


def print_error(message: str) -> None:
    """The one form of an error that the user can mend: `error: ...` on stderr, further lines below it."""
    print("error: " + message.replace("\n", "\n       "), file=sys.stderr)
