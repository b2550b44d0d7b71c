"""`globalner data`: the table of the verbs that look after data sets."""

from __future__ import annotations

import typer

from globalner.cli.shared_options import examples
from globalner.cli.verb_group import VerbTable

__all__ = ["DATA_VERBS", "app"]

DATA_VERBS = {
    "formats": "globalner.cli.data_formats_verb",
    "stats": "globalner.cli.data_stats_verb",
    "validate": "globalner.cli.data_validate_verb",
    "split": "globalner.cli.data_split_verb",
    "merge": "globalner.cli.data_merge_verb",
    "map-labels": "globalner.cli.data_map_labels_verb",
    "list": "globalner.cli.data_list_verb",
    "get": "globalner.cli.data_get_verb",
}
"""Verb to module: formats, stats, validate, split, merge, map-labels, list, get, as far as they are there."""


class DataVerbs(VerbTable):
    """The verbs of `globalner data`."""

    verbs = DATA_VERBS


app = typer.Typer(
    cls=DataVerbs,
    epilog=examples("globalner data formats", "globalner data stats train.jsonl dev.jsonl"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def data() -> None:
    """Look after data sets: formats, numbers, checks, changes."""
