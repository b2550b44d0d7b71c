"""What the encoders of the source posts are good for, as one queue that can be cut off.

    python -m benchmarks.encoders --data-dir DIR
    python -m benchmarks.encoders mlm speed --data-dir DIR --seeds 0 1 2
    python -m benchmarks.encoders --data-dir DIR --large --device cuda --precision bf16
    python -m benchmarks.encoders mlm extrapolation decoder --data-dir DIR --large --device cuda --jobs 8

Groups: `speed` (time, memory and operations of a pass, by length), `pairs` (time of our softmax attention beside each
of transformers, pass by pass), `mlm` (hidden tokens found at four lengths), `decoder` (named entities with a decoder
that sees back, half each way, or both ways), `extrapolation` (next tokens found at four lengths, with and without a
bias of queries and keys), `pretraining-gain` (F1 from scratch and after pretraining). Rows go to results/encoders.csv;
those that are there already are skipped. What is pretrained stays in the folder of --keep, for other groups and for
runs that were cut off. Each run has a process of its own.
`python -m benchmarks.tables` prints the tables, `python -m benchmarks.encoders_plot` draws the picture.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.encoder_cases import SIZES
from benchmarks.encoder_runs import GROUPS, TABLE, TIMED, EncoderRun, Place, Value
from benchmarks.fresh_process import in_fresh_process
from benchmarks.results_file import append_rows, provenance, read_rows
from benchmarks.run_queue import add_place_options

__all__ = ["main", "measure_missing"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is missing."""
    options = _options(arguments)
    place = Place(
        options.data_dir,
        options.keep,
        in_fresh_process(_device, options.device),
        options.precision,
        options.most_gib,
        options.table,
    )
    size = SIZES["large" if options.large else "small"]
    runs = [run for group in options.groups for run in GROUPS[group](size, options.seeds, place)]
    measure_missing(
        [run for run in runs if options.variants is None or run.variant in ("", *options.variants)], options.jobs
    )
    return 0


def measure_missing(runs: Iterable[EncoderRun], jobs: int = 1) -> None:
    """Measures runs and appends the rows of each at once, unless they are there.

    Args:
        runs: What to measure.
        jobs: How many at the same time. Those that share a machine say nothing about its speed, which is then left out.
    """
    appending, pretraining = threading.Lock(), defaultdict[Path, threading.Lock](threading.Lock)

    def measure(run: EncoderRun) -> None:
        measured_on = provenance()
        if run.pretraining is not None:
            # What several runs go on with is pretrained by the first of them, and the others wait.
            with pretraining[run.folder]:
                if not (run.folder / "metrics.json").is_file():
                    in_fresh_process(_pretrain, run)
        machine, values = in_fresh_process(_measure, run)
        measured_on["machine"] += machine
        kept = [value for value in values if jobs == 1 or not value.metric.endswith("_per_s")]
        with appending:
            append_rows(run.place.table, [{**run.row(value), **measured_on} for value in kept])
        for value in kept:
            length = f" at {value.length}" if value.length is not None else ""
            print(f"{run}: {value.variant or run.variant} {value.metric}{length} {value.value:,.4g}", flush=True)

    with ThreadPoolExecutor(jobs) as executor:
        started = []
        for run in runs:
            if any(row.items() >= run.key.items() for row in read_rows(run.place.table)):
                print(f"{run}: there already", flush=True)
            else:
                started.append(executor.submit(measure, run))
        for one in started:
            one.result()


def _pretrain(run: EncoderRun) -> None:
    from benchmarks.encoder_training import pretrain

    pretrain(run)


def _measure(run: EncoderRun) -> tuple[str, list[Value]]:
    """The name of the GPU, if it is on one, and what was measured."""
    # Imported here: the queue itself needs neither torch nor the data rooms.
    import torch

    machine = f", {torch.cuda.get_device_name()}" if run.place.device == "cuda" else ""
    if run.group in TIMED:
        from benchmarks.encoder_speed import measure_pairs, measure_speed

        return machine, measure_speed(run) if run.group == "speed" else measure_pairs(run)
    from benchmarks.encoder_training import measure_pretraining, measure_tuning

    return machine, measure_pretraining(run) if run.recipe is None else measure_tuning(run)


def _device(name: str) -> str:
    from globalner.extractor import choose_device

    return choose_device(name).type


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of: {', '.join(GROUPS)}; all unless named")
    parser.add_argument("--large", action="store_true", help="encoders of 4 layers and 256, one pass: for a GPU")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="only runs of these (roformer, half, ...)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("GLOBALNER_DATA"))
    parser.add_argument("--keep", type=Path, default=Path("runs/encoders"), help="what is pretrained (%(default)s)")
    add_place_options(parser)
    parser.add_argument("--most-gib", type=float, default=8.0, help="memory that may be timed (%(default)s)")
    parser.add_argument("--table", type=Path, default=TABLE, help="file of the rows (%(default)s)")
    options = parser.parse_args(arguments)
    for group in options.groups:
        if group not in GROUPS:
            parser.error(f"there is no group {group!r}; choose from: {', '.join(GROUPS)}")
    options.groups = options.groups or list(GROUPS)
    if options.jobs > 1 and {*TIMED} & {*options.groups}:
        parser.error("times of several jobs at once say nothing: measure speed and pairs with --jobs 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
