"""What cutting tokens gains in F1: a fifth of CLUENER2020 with a WordPiece vocabulary, for choices of `data.alignment`.

    python -m benchmarks.alignment_training --data-dir DIR

Run it where the repository is the working directory. The recipe's own tokenizer takes every character for a token, so
that nothing could be gained there; here the encoder has the recipe's shape, but a vocabulary in the shape of
bert-base-chinese, learnt from the training text. It is trained from scratch like that of the recipe; its first weights
derive from the seed and lie in runs/alignment/. Rows go to results/alignment_training.csv, and those that are there
already are skipped.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

import torch

from benchmarks.alignment import VOCABULARY_SIZE
from benchmarks.bert_shaped_tokenizer import bert_shaped_tokenizer
from benchmarks.experiments import EXPERIMENTS
from benchmarks.results_file import RESULTS, read_rows
from benchmarks.run_queue import Run, add_place_options, measure_missing
from globalner.config import NativeEncoderConfig, load_recipe, resolve_recipe_data
from globalner.encoders import NativeEncoder
from globalner.model.native_shape import native_shape
from globalner.workflows.train import read_split

__all__ = ["ALIGNMENTS", "changes_of", "write_encoder"]

ALIGNMENTS = ("report", "expand", "split", "characters")
_TABLE = RESULTS / "alignment_training.csv"
_EXPERIMENT = EXPERIMENTS["cluener-fifth"]
_FOLDER = Path("runs", "alignment")


def main() -> int:
    """Measures what is missing, and prints the mean of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alignments", nargs="+", choices=ALIGNMENTS, default=ALIGNMENTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    add_place_options(parser)
    options = parser.parse_args()
    runs = []
    for seed in options.seeds:
        folder = _FOLDER / f"wordpiece-{seed}"
        write_encoder(folder, seed, options.data_dir)
        for alignment in options.alignments:
            changes = changes_of(alignment, folder)
            run = Run(
                _EXPERIMENT.recipe, "globalner", seed, changes, options.data_dir, options.device, options.precision
            )
            runs.append((run, _TABLE))
    measure_missing(runs, options.jobs)
    for alignment in ALIGNMENTS:
        rows = [row for row in read_rows(_TABLE) if f"data.alignment={alignment}" in row["changes"].split()]
        if rows:
            scores = [100 * float(row["f1"]) for row in rows]
            print(f"{alignment}: test F1 {statistics.mean(scores):.2f} of {len(scores)} seeds")
    return 0


def changes_of(alignment: str, folder: Path) -> tuple[str, ...]:
    """Changes to the recipe that train on the encoder in the folder."""
    return (
        *_EXPERIMENT.changes,
        "model.encoder.kind=pretrained",
        f"model.encoder.name={folder.as_posix()}",
        f"data.alignment={alignment}",
    )


def write_encoder(folder: Path, seed: int, data_dir: Path | None) -> None:
    """Writes an untrained encoder in the shape of the recipe's, and its tokenizer, to a folder.

    Args:
        folder: Replaced where it is there.
        seed: Where the weights start.
        data_dir: Folder of the data.
    """
    recipe = resolve_recipe_data(load_recipe(_EXPERIMENT.recipe, list(_EXPERIMENT.changes)), data_dir=data_dir)
    encoder = recipe.model.encoder
    assert isinstance(encoder, NativeEncoderConfig)
    texts = [document.text for document in read_split(recipe, "train", lambda _: None)]
    tokenizer = bert_shaped_tokenizer(texts, vocabulary_size=VOCABULARY_SIZE)
    torch.manual_seed(seed)
    shape = native_shape(encoder, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    NativeEncoder(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    sys.exit(main())
