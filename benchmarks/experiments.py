"""The experiments behind the tables of README.md and docs/accuracy.md, as one queue that can be cut off.

    python -m benchmarks.experiments --data-dir DIR
    python -m benchmarks.experiments wnut17 conll2003-fifth --data-dir DIR
    python -m benchmarks.experiments --data-dir DIR --device cuda --jobs 8

Rows go to results/accuracy.csv; those that are there already are skipped. `python -m benchmarks.tables` prints the
tables.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results_file import RESULTS
from benchmarks.run_queue import SYSTEMS, Run, add_place_options, measure_missing

__all__ = ["EXPERIMENTS", "TABLE", "Experiment"]

TABLE = RESULTS / "accuracy.csv"

_SEEDS = (0, 1, 2)
_FEW_SENTENCES_EPOCHS = 20


@dataclass(frozen=True)
class Experiment:
    """One recipe on one choice of its data, for several systems and seeds.

    Attributes:
        title: What the tables call it.
        recipe: Name of a shipped recipe.
        changes: Changes to the recipe, KEY=VALUE each, for every system.
        seeds: Seeds.
        batch_sizes: By system, the batch sizes that are tried; the best of them counts. A system that is not here
            takes the recipe's.
        systems: Which systems.
    """

    title: str
    recipe: str
    changes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = _SEEDS
    batch_sizes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    systems: tuple[str, ...] = SYSTEMS

    def settings(self, system: str) -> list[tuple[str, ...]]:
        """Changes to the recipe, once for each batch size that is tried."""
        sizes = dict(self.batch_sizes).get(system)
        return [(*self.changes, f"training.batch_size={size}") for size in sizes] if sizes else [self.changes]


def _few(title: str, recipe: str, train: str, dev: str, count: int) -> Experiment:
    """So many training sentences and as many dev sentences: who has 200 labelled sentences has no large dev set."""
    return Experiment(
        f"{title}, {count} sentences",
        recipe,
        (
            f"data.train={train}[0:{count}]",
            f"data.dev={dev}[0:{count}]",
            f"training.epochs={_FEW_SENTENCES_EPOCHS}",
        ),
        batch_sizes=(("token_classification", (8, 32)),),
        systems=("globalner", "token_classification"),
    )


_SMALL_SETS = (
    ("WNUT 2017", "wnut17", "wnut17/wnut17train.conll", "wnut17/emerging.dev.conll"),
    ("CoNLL-2003", "conll2003", "conll2003_en/eng.train", "conll2003_en/eng.testa"),
    ("GermEval 2014", "germeval2014", "germeval2014/germ.train.iob2", "germeval2014/germ.dev.iob2"),
)

EXPERIMENTS: dict[str, Experiment] = {
    "wnut17": Experiment("WNUT 2017", "wnut17"),
    "cmeee-fifth": Experiment("CMeEE-V2, a fifth", "cmeee", ("data.train=cmeee_v2/CMeEE-V2_dev.json[0:700]",)),
    "conll2003-fifth": Experiment("CoNLL-2003, a fifth", "conll2003", ("data.train=conll2003_en/eng.train[0:2808]",)),
    "cluener-fifth": Experiment("CLUENER2020, a fifth", "cluener", ("data.train=cluener2020/train.json[0:1935]",)),
    **{f"{recipe}-200": _few(title, recipe, train, dev, 200) for title, recipe, train, dev in _SMALL_SETS},
    "cmeee": Experiment("CMeEE-V2", "cmeee", seeds=(0,)),
    "conll2003": Experiment("CoNLL-2003", "conll2003", seeds=(0,)),
    "genia": Experiment("GENIA", "genia", seeds=(0,)),
    "cluener": Experiment("CLUENER2020", "cluener", seeds=(0,)),
    "germeval2014": Experiment("GermEval 2014", "germeval2014", seeds=(0,)),
    **{f"{recipe}-500": _few(title, recipe, train, dev, 500) for title, recipe, train, dev in _SMALL_SETS},
}
"""In the order in which they are run: short ones and those that settle a recipe first."""


def main() -> int:
    """Measures what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", metavar="NAME", help=f"some of: {', '.join(EXPERIMENTS)}")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--seeds", nargs="+", type=int, help="some of the experiment's seeds")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    add_place_options(parser)
    options = parser.parse_args()
    names = options.experiments or list(EXPERIMENTS)
    for name in names:
        if name not in EXPERIMENTS:
            parser.error(f"there is no experiment {name!r}; choose from: {', '.join(EXPERIMENTS)}")
    measure_missing([(run, TABLE) for name in names for run in _runs(EXPERIMENTS[name], options)], options.jobs)
    return 0


def _runs(experiment: Experiment, options: argparse.Namespace) -> Iterator[Run]:
    for seed in experiment.seeds:
        for system in experiment.systems:
            if system in options.systems and (options.seeds is None or seed in options.seeds):
                for changes in experiment.settings(system):
                    yield Run(
                        experiment.recipe, system, seed, changes, options.data_dir, options.device, options.precision
                    )


if __name__ == "__main__":
    sys.exit(main())
