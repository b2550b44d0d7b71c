"""Prints the tables of README.md and of the pages in docs from the rows that were measured.

python -m benchmarks.tables            # prints them
python -m benchmarks.tables --write    # puts them between their marks in the pages
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.ablation import BASE, CANDIDATES, SETS, scores
from benchmarks.encoder_runs import TABLE as ENCODERS_TABLE
from benchmarks.encoder_tables import ENCODER_TABLES
from benchmarks.experiments import EXPERIMENTS, TABLE, Experiment
from benchmarks.markdown_table import markdown_table
from benchmarks.measured_rows import TABLE as SPAN_LOSS_TABLE
from benchmarks.results_file import read_rows
from benchmarks.service_rows import TABLE as SERVICE_TABLE
from benchmarks.span_loss_goals import COLUMNS, goal_lines

__all__ = ["TABLES", "page_with_tables"]

_ROOT = Path(__file__).resolve().parent.parent
_PAGES = tuple(
    _ROOT / page
    for page in ("README.md", "docs/accuracy.md", "docs/encoders.md", "docs/guide/kernels.md", "docs/guide/serving.md")
)
_MARK = re.compile(r"(<!-- table (?P<name>[\w-]+) -->).*?(<!-- end of table -->)", re.DOTALL)
_HEADINGS = {"globalner": "globalner", "token_classification": "token classification", "crf": "CRF"}

Row = dict[str, str]


def main() -> int:
    """Prints all tables, or writes them where they belong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables in the pages")
    if parser.parse_args().write:
        for page in _PAGES:
            page.write_text(page_with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    for name, table in TABLES.items():
        print(f"{name}\n\n{table()}\n")
    return 0


def page_with_tables(text: str) -> str:
    """The text of a page with every marked table made anew from the rows.

    Raises:
        KeyError: If a mark names no table.
    """
    return _MARK.sub(lambda found: f"{found[1]}\n\n{TABLES[found['name']]()}\n\n{found[3]}", text)


def _accuracy() -> str:
    """Test F1 of every experiment with all the training data, or a fifth of it."""
    names = [name for name in EXPERIMENTS if not name.endswith(("-200", "-500"))]
    return _side_by_side([EXPERIMENTS[name] for name in names], tuple(_HEADINGS))


def _few_sentences() -> str:
    names = [name for name in EXPERIMENTS if name.endswith(("-200", "-500"))]
    return _side_by_side([EXPERIMENTS[name] for name in names], ("globalner", "token_classification"))


def _side_by_side(experiments: Sequence[Experiment], systems: Sequence[str]) -> str:
    lines = []
    for experiment in experiments:
        cells = [_mean_and_spread(_f1(_best_rows(experiment, system), "f1")) for system in systems]
        if any(cells):
            lines.append([experiment.title, *cells])
    return markdown_table(["set", *(_HEADINGS[system] for system in systems)], lines)


def _nested() -> str:
    """Inner and outer entities of the nested sets."""
    lines = []
    for experiment in EXPERIMENTS.values():
        for system, heading in _HEADINGS.items():
            rows = [row for row in _best_rows(experiment, system) if row["inner_f1"]]
            if rows and experiment.seeds == (0,):
                values = [_mean_and_spread(_f1(rows, column)) for column in ("f1", "outer_f1", "inner_f1")]
                lines.append([experiment.title, heading, *values, rows[0]["inner_support"]])
    return markdown_table(["set", "system", "all", "outer", "inner", "inner entities"], lines)


def _raw_text() -> str:
    """F1 with and without the words of the file."""
    lines = []
    for name, experiment in EXPERIMENTS.items():
        rows = [row for row in _best_rows(experiment, "globalner") if row["raw_text_f1"]]
        if rows and not name.endswith(("-200", "-500", "-fifth")):
            given, raw = (statistics.mean(_f1(rows, column)) for column in ("f1", "raw_text_f1"))
            lines.append([experiment.title, f"{given:.1f}", f"{raw:.1f}", f"{raw - given:+.1f}"])
    return markdown_table(["set", "words given", "text alone", "difference"], lines)


def _ablation() -> str:
    lines = []
    for candidate in CANDIDATES:
        cells = []
        for name in SETS:
            found, base = scores(candidate, name), scores(BASE, name)
            cells.append(_mean_and_spread(list(found.values())) + _paired(found, base, candidate))
        if any(cells):
            lines.append([candidate, *cells])
    return markdown_table(["candidate", *(EXPERIMENTS[name].title for name in SETS)], lines)


def _span_loss() -> str:
    """Time and memory of the span loss beside the published form, and what they are to reach."""
    lines = list(goal_lines(read_rows(SPAN_LOSS_TABLE)))
    return markdown_table(COLUMNS, lines) if lines else "Nothing is measured yet."


def _service() -> str:
    """What the service reaches under load, beside its goals."""
    lines = []
    for row in read_rows(SERVICE_TABLE):
        value = float(row["value"])
        shown = f"{value:.2f}" if abs(value) < 10 and not value.is_integer() else f"{value:,.0f}"
        verdict = {"": "", "yes": "met", "no": "missed"}[row["met"]]
        unit = "" if row["unit"] == "ratio" else row["unit"]
        lines.append([row["case"], row["metric"], f"{shown} {unit}".strip(), row["goal"], verdict])
    return markdown_table(["case", "what", "measured", "goal", ""], lines) if lines else "Nothing is measured yet."


def _paired(found: dict[int, float], base: dict[int, float], candidate: str) -> str:
    """The mean difference to none of the candidates over the seeds that both have, and how many these are."""
    seeds = found.keys() & base.keys()
    if candidate == BASE or not seeds:
        return ""
    return f" ({statistics.mean(found[seed] - base[seed] for seed in seeds):+.1f}, {len(seeds)})"


def _best_rows(experiment: Experiment, system: str) -> list[Row]:
    """The rows of an experiment, those of the better batch size where several were tried."""
    tried = []
    for changes in experiment.settings(system):
        key = {"recipe": experiment.recipe, "system": system, "changes": " ".join(changes)}
        rows = [row for row in read_rows(TABLE) if row.items() >= key.items()]
        tried.append([row for row in rows if int(row["seed"]) in experiment.seeds])
    return max(tried, key=lambda rows: statistics.mean(_f1(rows, "f1")) if rows else -1.0)


def _f1(rows: Iterable[Row], column: str) -> list[float]:
    """F1 in per cent."""
    return [100 * float(row[column]) for row in rows]


def _mean_and_spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def _encoders(name: str) -> str:
    return ENCODER_TABLES[name](read_rows(ENCODERS_TABLE))


TABLES: dict[str, Callable[[], str]] = {
    "accuracy": _accuracy,
    "few-sentences": _few_sentences,
    "nested": _nested,
    "raw-text": _raw_text,
    "ablation": _ablation,
    "span-loss": _span_loss,
    "service": _service,
    **{name: partial(_encoders, name) for name in ENCODER_TABLES},
}

if __name__ == "__main__":
    sys.exit(main())
