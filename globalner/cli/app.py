"""The program `globalner`: the table of verbs, and the one place that turns errors into messages and exit codes.

Exit codes: 0 done, 1 an error of ours or a closed pipe, 2 bad input or bad arguments, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import globalner
from globalner.cli.console import print_error
from globalner.cli.shared_options import examples
from globalner.cli.verb_group import VerbTable
from globalner.errors import GlobalNerError

__all__ = ["VERBS", "app", "main"]

VERBS = {
    "demo": "globalner.cli.demo_verb",
    "train": "globalner.cli.train_verb",
    "pretrain": "globalner.cli.pretrain_verb",
    "profile": "globalner.cli.profile_verb",
    "evaluate": "globalner.cli.evaluate_verb",
    "predict": "globalner.cli.predict_verb",
    "serve": "globalner.cli.serve_verb",
    "convert": "globalner.cli.convert_verb",
    "data": "globalner.cli.data_verb",
    "config": "globalner.cli.config_verb",
}
"""Verb to module, in the order of the help; see `VerbTable`."""


class VerbGroup(VerbTable):
    """The verbs of the program."""

    verbs = VERBS


app = typer.Typer(
    cls=VerbGroup,
    epilog=examples("globalner config list", "globalner convert train.conll train.jsonl"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"globalner {globalner.__version__}")
        raise typer.Exit


@app.callback()
def globalner_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Named-entity recognition, flat and nested: train, evaluate, predict, serve."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program.

    Args:
        arguments: Words after the program's name; None for those of this process.

    Returns:
        The exit code.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads our output has left; what is still buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    return code


def _run(words: list[str]) -> int:
    try:
        typer.main.get_command(app).main(args=words, prog_name="globalner", standalone_mode=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        if isinstance(error, GlobalNerError):
            print_error(str(error))
            return 2
        what = " ".join(f"{type(error).__name__}: {error}".split())
        hint = "" if "--debug" in words else "; run again with --debug for the traceback"
        print(f"unexpected error: {what}{hint}", file=sys.stderr)
        return 1
    return 0
