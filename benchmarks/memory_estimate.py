"""How near the memory that training says it will take is to what it takes.

    python -m benchmarks.memory_estimate

Short runs in the shapes of three recipes, on generated text and each in a fresh process. Held against the estimate is
the rise of the peak (resident memory; on a GPU, what torch has allocated) from the line that tells it to the end of
training. The rows in results/memory_estimate.csv are replaced; the median of their ratios is printed.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fresh_process import in_fresh_process
from benchmarks.results_file import RESULTS, provenance, replace_rows
from benchmarks.workload import peak_resident_mib, start_of_peak_mib

if TYPE_CHECKING:
    from globalner.types import Document

_TABLE = RESULTS / "memory_estimate.csv"
_DEV_DOCUMENTS = 40
_LABELS = ("PER", "LOC", "ORG", "MISC", "DATE")
_WORDS = (
    "the of and in to a was for on with by as from that is at he his were which cell protein human gene factor blood "
    "receptor binding London Paris Ana Reis university company minister said market team won year day after before two"
)


@dataclass(frozen=True)
class _Shape:
    """What is trained: a shipped recipe with texts of so many words, most of them short, and a batch size."""

    recipe: str
    common_words: int
    most_words: int
    batch_size: int


_SHAPES = (_Shape("conll2003", 14, 100, 32), _Shape("demo", 7, 25, 16), _Shape("genia", 26, 120, 16))


def main() -> int:
    """Measures, replaces the rows and prints their median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batches", type=int, default=6, help="steps of each run; in more of them a heap wears out")
    options = parser.parse_args()
    ratios = []
    for shape in _SHAPES:
        measured_on = provenance()
        estimated, measured = in_fresh_process(_measure, shape, options.batches, options.device)
        ratios.append(estimated / measured)
        print(f"{shape.recipe}: estimated {estimated:.0f} MiB, measured {measured:.0f} MiB, ratio {ratios[-1]:.3f}")
        row = {
            "recipe": shape.recipe,
            "batches": options.batches,
            "device": options.device,
            "estimated_mib": estimated,
            "measured_mib": measured,
            "ratio": ratios[-1],
        }
        replace_rows(_TABLE, [{**row, **measured_on}], lambda row: (row["recipe"], str(row["batches"]), row["device"]))
    print(f"median ratio {statistics.median(ratios):.3f}")
    return 0


def _measure(shape: _Shape, batches: int, device: str) -> tuple[float, float]:
    """What a run says that it will take, and what it takes; MiB."""
    # Imported here: a process starts with the memory of the one that starts it, so that one stays small.
    from globalner.config import load_recipe
    from globalner.training import TrainingData, TrainingOptions, train
    from globalner.training.run_folder import RunFolder

    draw = random.Random(0)
    documents = [_document(shape, draw) for _ in range(shape.batch_size * batches)]
    recipe = load_recipe(shape.recipe, [f"training.batch_size={shape.batch_size}", "training.epochs=1"]).recipe
    before: list[float] = []
    estimates: list[float] = []

    def say(line: str) -> None:
        if line.startswith("memory: "):
            print(line)
            estimates.append(float(re.findall(r"about ([\d.,]+) MiB", line)[0].replace(",", "")))
            before.append(_start_of_peak_mib(device))

    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        folder.open(resume=False, overwrite=False)
        data = TrainingData(documents, documents[:_DEV_DOCUMENTS])
        train(recipe, data, folder, TrainingOptions(device, say=say))
    return estimates[0], _peak_mib(device) - before[0]


def _document(shape: _Shape, draw: random.Random) -> Document:
    from globalner import Document, Entity

    count = min(shape.most_words, max(3, round(draw.lognormvariate(0, 0.7) * shape.common_words)))
    words, text, entities = _WORDS.split(), "", []
    for number in range(count):
        word = draw.choice(words)
        if number % 8 == 2:
            entities.append(Entity(len(text), len(text) + len(word), draw.choice(_LABELS)))
        text += word + " "
    return Document(text.rstrip(), tuple(entities))


def _start_of_peak_mib(device: str) -> float:
    """Memory in use now, from which the peak is counted anew."""
    if device == "cpu":
        return start_of_peak_mib()
    import torch

    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated() / 2**20


def _peak_mib(device: str) -> float:
    if device == "cpu":
        return peak_resident_mib()
    import torch

    return torch.cuda.max_memory_allocated() / 2**20


if __name__ == "__main__":
    sys.exit(main())
